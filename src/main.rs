//! The `plainsight` command: flags in, exit code out.

use std::error::Error;
use std::io::{self, BufWriter, Write};
use std::process::ExitCode;

use clap::Parser;
use jiff::Timestamp;
use plainsight::azure::controls;
use plainsight::cli::{
    Analyze, AnalyzeFlags, Bench, BenchFlags, Cli, Command, Merge, MergeFlags, Output, Posture,
    PostureFlags, Stripes, StripesFlags, VerifyFlags,
};
#[cfg(feature = "live")]
use plainsight::cli::{Live, LiveFlags};
use plainsight::report::posture::PostureReport;
use plainsight::report::{DocumentFormat, Report, Style};
use plainsight::run::evidence::{EvidenceFile, PacketSources};
use plainsight::run::files::Measured;
use plainsight::run::manifest::ManifestFile;
use plainsight::run::output::{OutputError, ReportFiles};
use plainsight::run::{files, today};
use plainsight::verdict::Exit;

fn main() -> ExitCode {
    let outcome = match Cli::parse().command {
        Command::Analyze(flags) => analyze(flags),
        #[cfg(feature = "live")]
        Command::Live(flags) => live(flags),
        Command::Merge(flags) => merge(flags),
        Command::Files(flags) => stripes(flags),
        Command::Posture(flags) => posture(flags),
        Command::Bench(flags) => bench(flags),
        Command::Verify(flags) => verify(&flags),
        Command::Completions(flags) => print(|out| flags.write(out)),
        Command::Man(flags) => print(|out| flags.write(out)),
    };
    outcome.map_or_else(
        |error| {
            complain(&error);
            Exit::Failed.code().into()
        },
        ExitCode::from,
    )
}

fn analyze(flags: AnalyzeFlags) -> Result<u8, Box<dyn Error>> {
    let started = Timestamp::now();
    let config = Analyze::try_from(flags)?;
    let mut outputs = HandOver::open(&config.output, started)?;
    let evidence = EvidenceFile::open(config.evidence.as_ref())?;
    let Measured {
        mut report,
        mut stats,
        sources,
    } = files::measure(&config)?;
    report.accept(&config.exit_terms, Some(today()));
    let code = stats.time_writing(|| {
        outputs.evidence(evidence, &report, &sources);
        outputs.all(&report, report.exit_code())
    });
    if config.stats {
        // Nobody fails for want of a clock.
        let _ = stats.write(&config.output.style, &mut io::stderr().lock());
    }
    Ok(code)
}

#[cfg(feature = "live")]
fn live(flags: LiveFlags) -> Result<u8, Box<dyn Error>> {
    let started = Timestamp::now();
    let config = Live::try_from(flags)?;
    // Later the process may make no file.
    let mut outputs = HandOver::open_in_place(&config.output, started)?;
    let evidence = EvidenceFile::open_in_place(config.evidence.as_ref())?;
    let ended = plainsight::run::live::run(&config)?;
    outputs.evidence(evidence, &ended.report, &ended.packets);
    outputs.files(&ended.report);
    outputs.take(ended.print());
    // A state that is lacking would be missed where it is to be merged.
    let saved = ended.saved;
    let code = match &saved {
        Ok(()) => ended.report.exit_code(),
        Err(_) => Exit::Failed.code(),
    };
    let code = outputs.end(code);
    saved?;
    Ok(code)
}

fn merge(flags: MergeFlags) -> Result<u8, Box<dyn Error>> {
    let started = Timestamp::now();
    let config = Merge::try_from(flags)?;
    let outputs = HandOver::open(&config.output, started)?;
    let mut report = plainsight::run::merge::merge(&config)?;
    report.accept(&config.exit_terms, Some(today()));
    Ok(outputs.all(&report, report.exit_code()))
}

fn stripes(flags: StripesFlags) -> Result<u8, Box<dyn Error>> {
    let started = Timestamp::now();
    let config = Stripes::try_from(flags)?;
    let outputs = HandOver::open(&config.output, started)?;
    let report = plainsight::run::stripes::stripes(&config)?;
    Ok(outputs.all(&report, report.exit_code()))
}

fn verify(flags: &VerifyFlags) -> Result<u8, Box<dyn Error>> {
    let verified = plainsight::run::verify::verify(flags)?;
    print(|out| verified.write(flags.verbose, out))?;
    Ok(verified.exit_code())
}

/// Outputs of a run. One that cannot be written is told, and keeps no other from being written.
struct HandOver<'c, R: 'static> {
    output: &'c Output<R>,
    files: Option<ReportFiles<R>>,
    manifest: Option<ManifestFile>,
    is_whole: bool,
}

impl<'c, R> HandOver<'c, R> {
    /// Opens all outputs: a long run must not end at a path that cannot be written.
    fn open(output: &'c Output<R>, started: Timestamp) -> Result<Self, OutputError> {
        Ok(Self {
            files: Some(ReportFiles::open(output)?),
            manifest: ManifestFile::open(output, started)?,
            output,
            is_whole: true,
        })
    }

    #[cfg(feature = "live")]
    fn open_in_place(output: &'c Output<R>, started: Timestamp) -> Result<Self, OutputError> {
        Ok(Self {
            files: Some(ReportFiles::open_in_place(output)?),
            manifest: ManifestFile::open_in_place(output, started)?,
            output,
            is_whole: true,
        })
    }

    /// Writes everything; gives the exit code.
    fn all(mut self, report: &R, code: u8) -> u8 {
        self.files(report);
        let out = io::stdout().lock();
        let Output { format, style, .. } = self.output;
        self.take(write(report, format, style, out));
        self.end(code)
    }

    fn files(&mut self, report: &R) {
        let Output { style, custody, .. } = self.output;
        let files = self.files.take();
        let failed = files.map(|files| files.write(report, style, custody));
        for error in failed.unwrap_or_default() {
            self.fail(&error);
        }
    }

    /// Takes in the outcome of printing the report.
    fn take(&mut self, printed: io::Result<()>) {
        if let Err(error) = whole(printed) {
            self.fail(&format!("cannot write the report: {error}"));
        }
    }

    fn fail(&mut self, error: &dyn std::fmt::Display) {
        self.is_whole = false;
        complain(error);
    }

    /// Writes the manifest; gives the exit code, which is no success if an output is missing.
    fn end(mut self, code: u8) -> u8 {
        let code_of = |is_whole: bool| match code {
            0 if !is_whole => Exit::Unknown.code(),
            code => code,
        };
        if let Some(manifest) = self.manifest.take()
            && let Err(error) = manifest.write(&self.output.custody, code_of(self.is_whole))
        {
            self.fail(&error);
        }
        code_of(self.is_whole)
    }
}

impl HandOver<'_, Report> {
    /// Writes the packets that the report names, if they are asked for.
    fn evidence(
        &mut self,
        file: Option<EvidenceFile<'_>>,
        report: &Report,
        sources: &PacketSources,
    ) {
        let lacks = file.map(|file| file.write(report, sources, &self.output.custody));
        lacks
            .unwrap_or_default()
            .iter()
            .for_each(|it| self.fail(it));
    }
}

/// Tells standard error of what went wrong.
fn complain(error: &dyn std::fmt::Display) {
    // Who does not read it has the exit code.
    let _ = writeln!(io::stderr(), "plainsight: {error}");
}

fn posture(flags: PostureFlags) -> Result<u8, Box<dyn Error>> {
    let started = Timestamp::now();
    let mut config = Posture::try_from(flags)?;
    if let Some(format) = config.controls {
        let (all, style) = (controls::all(), &config.output.style);
        return print(|out| write(&all, format, style, out));
    }
    // What has expired depends on the day.
    config
        .wishes
        .times
        .now
        .get_or_insert_with(jiff::Timestamp::now);
    let outputs = HandOver::open(&config.output, started)?;
    let report = PostureReport::with(&config.azure, &config.servers, &config.wishes);
    Ok(outputs.all(&report, report.exit_code()))
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
