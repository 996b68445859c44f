//! The `plainsight` command: flags in, exit code out.

use std::error::Error;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::process::ExitCode;

use clap::Parser;
use plainsight::cli::{Analyze, AnalyzeFlags, Bench, BenchFlags, Cli, Command};
use plainsight::pipeline;
use plainsight::report::{Format, Report, Style};
use plainsight::verdict::Exit;

fn main() -> ExitCode {
    let outcome = match Cli::parse().command {
        Command::Analyze(flags) => analyze(flags),
        Command::Bench(flags) => bench(flags),
    };
    outcome.map_or_else(
        |error| {
            eprintln!("plainsight: {error}");
            Exit::Failed.code().into()
        },
        ExitCode::from,
    )
}

fn analyze(flags: AnalyzeFlags) -> Result<u8, Box<dyn Error>> {
    let config = Analyze::try_from(flags)?;
    let (report, mut stats) = pipeline::measure(&config)?;
    stats.time_writing(|| write_all(&report, &config))?;
    if config.stats {
        // Nobody fails for want of a clock.
        let _ = stats.write(&config.style, &mut io::stderr().lock());
    }
    Ok(report.exit_code())
}

fn write_all(report: &Report, config: &Analyze) -> Result<(), String> {
    for (path, format) in &config.outputs {
        let plain = Style {
            color: false,
            ..config.style.clone()
        };
        File::create(path)
            .and_then(|file| write(report, format, &plain, file))
            .map_err(|error| format!("cannot write {}: {error}", path.display()))?;
    }
    let written = write(report, config.format, &config.style, io::stdout().lock());
    whole(written).map_err(|error| format!("cannot write the report: {error}"))
}

fn bench(flags: BenchFlags) -> Result<u8, Box<dyn Error>> {
    let config = Bench::try_from(flags)?;
    let outcome = plainsight::bench::run(&config)?;
    let style = &config.analyze.style;
    let written = outcome.write(config.format, style, &mut io::stdout().lock());
    whole(written).map_err(|error| format!("cannot write what was measured: {error}"))?;
    Ok(0)
}

/// Output that ends early was enough for whoever read it.
fn whole(written: io::Result<()>) -> io::Result<()> {
    match written {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}

fn write(report: &Report, format: &Format, style: &Style, out: impl Write) -> io::Result<()> {
    let mut out = BufWriter::new(out);
    format.write(report, style, &mut out)?;
    out.flush()
}
