//! The `plainsight` command: flags in, exit code out.

use std::error::Error;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::process::ExitCode;

use clap::Parser;
use plainsight::azure::controls;
use plainsight::cli::{
    Analyze, AnalyzeFlags, Bench, BenchFlags, Cli, Command, Live, LiveFlags, Merge, MergeFlags,
    Output, Posture, PostureFlags, Stripes, StripesFlags,
};
use plainsight::input::name::FileName;
use plainsight::report::posture::PostureReport;
use plainsight::report::{DocumentFormat, Style};
use plainsight::run::{files, today};
use plainsight::verdict::Exit;

fn main() -> ExitCode {
    let outcome = match Cli::parse().command {
        Command::Analyze(flags) => analyze(flags),
        Command::Live(flags) => live(flags),
        Command::Merge(flags) => merge(flags),
        Command::Files(flags) => stripes(flags),
        Command::Posture(flags) => posture(flags),
        Command::Bench(flags) => bench(flags),
        Command::Completions(flags) => print(|out| flags.write(out)),
        Command::Man(flags) => print(|out| flags.write(out)),
    };
    outcome.map_or_else(
        |error| {
            // Who does not read it has the exit code.
            let _ = writeln!(io::stderr(), "plainsight: {error}");
            Exit::Failed.code().into()
        },
        ExitCode::from,
    )
}

fn analyze(flags: AnalyzeFlags) -> Result<u8, Box<dyn Error>> {
    let config = Analyze::try_from(flags)?;
    // A long run must not end at a path that cannot be written.
    let files = open_files(&config.output)?;
    let (mut report, mut stats) = files::measure(&config)?;
    report.accept(&config.waivers, Some(today()));
    stats.time_writing(|| write_all(&report, &config.output, files))?;
    if config.stats {
        // Nobody fails for want of a clock.
        let _ = stats.write(&config.output.style, &mut io::stderr().lock());
    }
    Ok(report.exit_code())
}

fn live(flags: LiveFlags) -> Result<u8, Box<dyn Error>> {
    let config = Live::try_from(flags)?;
    // Later the process may open none.
    let files = open_files(&config.output)?;
    let ended = plainsight::run::live::run(&config)?;
    write_files(&ended.report, &config.output, files)?;
    printed(ended.print())?;
    ended.saved?;
    Ok(ended.report.exit_code())
}

fn merge(flags: MergeFlags) -> Result<u8, Box<dyn Error>> {
    let config = Merge::try_from(flags)?;
    let files = open_files(&config.output)?;
    let mut report = plainsight::run::merge::merge(&config)?;
    report.accept(&config.waivers, Some(today()));
    write_all(&report, &config.output, files)?;
    Ok(report.exit_code())
}

fn stripes(flags: StripesFlags) -> Result<u8, Box<dyn Error>> {
    let config = Stripes::try_from(flags)?;
    let files = open_files(&config.output)?;
    let report = plainsight::run::stripes::stripes(&config)?;
    write_all(&report, &config.output, files)?;
    Ok(report.exit_code())
}

/// Opens the files that reports go to, and leaves what is in them until there is one.
fn open_files<R>(output: &Output<R>) -> Result<Vec<File>, String> {
    let mut options = File::options();
    options.write(true).create(true).truncate(false);
    let paths = output.files.iter().map(|(path, _)| path);
    paths
        .map(|path| {
            options
                .open(path)
                .map_err(|error| cannot_write(path, &error))
        })
        .collect()
}

fn cannot_write(path: &Path, error: &io::Error) -> String {
    format!("cannot write {}: {error}", FileName(path))
}

fn write_all<R>(report: &R, output: &Output<R>, files: Vec<File>) -> Result<(), String> {
    write_files(report, output, files)?;
    let out = io::stdout().lock();
    printed(write(report, output.format, &output.style, out))
}

fn printed(written: io::Result<()>) -> Result<(), String> {
    whole(written).map_err(|error| format!("cannot write the report: {error}"))
}

fn write_files<R>(report: &R, output: &Output<R>, files: Vec<File>) -> Result<(), String> {
    let plain = output.style.on_page();
    for ((path, format), file) in output.files.iter().zip(files) {
        file.set_len(0)
            .and_then(|()| write(report, format, &plain, file))
            .map_err(|error| cannot_write(path, &error))?;
    }
    Ok(())
}

fn posture(flags: PostureFlags) -> Result<u8, Box<dyn Error>> {
    let mut config = Posture::try_from(flags)?;
    if let Some(format) = config.controls {
        let (all, style) = (controls::all(), &config.output.style);
        printed(write(&all, format, style, io::stdout().lock()))?;
        return Ok(0);
    }
    // What has expired depends on the day.
    config
        .wishes
        .times
        .now
        .get_or_insert_with(jiff::Timestamp::now);
    let files = open_files(&config.output)?;
    let report = PostureReport::with(&config.azure, &config.servers, &config.wishes);
    write_all(&report, &config.output, files)?;
    Ok(report.exit_code())
}

fn bench(flags: BenchFlags) -> Result<u8, Box<dyn Error>> {
    let config = Bench::try_from(flags)?;
    let outcome = plainsight::run::bench::run(&config)?;
    let style = &config.analyze.output.style;
    let written = outcome.write(config.format, style, &mut io::stdout().lock());
    whole(written).map_err(|error| format!("cannot write what was measured: {error}"))?;
    Ok(0)
}

fn print(write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<u8, Box<dyn Error>> {
    let written = write(&mut io::stdout().lock());
    whole(written).map_err(|error| format!("cannot write: {error}"))?;
    Ok(0)
}

/// Output that ends early was enough for whoever read it.
fn whole(written: io::Result<()>) -> io::Result<()> {
    match written {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}

fn write<R>(
    report: &R,
    format: &DocumentFormat<R>,
    style: &Style,
    out: impl Write,
) -> io::Result<()> {
    let mut out = BufWriter::new(out);
    format.write(report, style, &mut out)?;
    out.flush()
}
