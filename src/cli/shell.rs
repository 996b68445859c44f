//! Pages and completions for the shell, made from the flags.

use std::io::{self, Write};

use clap::{Args, CommandFactory, ValueEnum};
use clap_complete::Shell;
use clap_mangen::Man;

use super::Cli;

/// The flags of `completions`.
#[derive(Debug, Args)]
pub struct CompletionsFlags {
    /// Shell that reads the completions
    #[arg(value_enum)]
    pub shell: Shell,
}

/// The flags of `man`.
#[derive(Debug, Args)]
pub struct ManFlags {
    /// Command of the page; without one, the page is that of the program
    #[arg(value_enum)]
    pub page: Option<ManPage>,
}

/// Commands that have a page of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[allow(missing_docs, reason = "the names of the commands")]
pub enum ManPage {
    Analyze,
    #[cfg(feature = "live")]
    Live,
    Merge,
    Files,
    Posture,
    Bench,
    Verify,
}

impl CompletionsFlags {
    /// Writes the completions.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), "plainsight", &mut script);
        out.write_all(&script)
    }
}

impl ManFlags {
    /// Writes the page, in roff.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        let mut program = Cli::command();
        // Now the commands know their flags, and that they are the program's.
        program.build();
        let page = self.page.and_then(|page| page.to_possible_value());
        let command = page.and_then(|page| program.find_subcommand(page.get_name()));
        Man::new(command.unwrap_or(&program).clone())
            .source(concat!("plainsight ", env!("CARGO_PKG_VERSION")))
            .manual("User Commands")
            .render(out)
    }
}
