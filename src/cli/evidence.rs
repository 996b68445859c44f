//! Flags that have the packets of the evidence written.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// The flags about packets of the evidence, as typed.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Evidence")]
pub struct EvidenceFlags {
    /// Also write the packets that evidence and proof name, as pcapng
    ///
    /// Each has a comment that says what it shows, of which path, and its number in its file.
    /// They are cut behind their headers, unless --evidence-payload says otherwise.
    #[arg(long, value_name = "FILE")]
    pub evidence: Option<PathBuf>,

    /// Bytes of them that are kept
    #[arg(
        long,
        value_enum,
        value_name = "WHAT",
        default_value_t,
        requires = "evidence"
    )]
    pub evidence_payload: PacketCut,

    /// Packets of the same path to write before and after each
    ///
    /// From files alone, which can be read again.
    #[arg(long, value_name = "N", default_value_t = 0, requires = "evidence")]
    pub evidence_context: usize,
}

/// Bytes of a packet that are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum PacketCut {
    /// Headers up to TCP's or UDP's, and a `ServerHello`, which shows the suite
    #[default]
    #[value(help = "Headers up to TCP's or UDP's, and a ServerHello, which shows the suite")]
    Headers,
    /// The header of the first DTLS record, or of an `LNet` message, as well
    #[value(help = "The header of the first DTLS record, or of an LNet message, as well")]
    Records,
    /// All that was captured
    #[value(help = "All that was captured: what can be read may be regulated data")]
    All,
}

/// Packets of the evidence that are to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EvidenceWish {
    /// File to write them to.
    pub path: PathBuf,
    /// Bytes of each that are kept.
    pub cut: PacketCut,
    /// Number of packets of the same path before and after each.
    pub context: usize,
}

impl From<EvidenceFlags> for Option<EvidenceWish> {
    fn from(flags: EvidenceFlags) -> Self {
        Some(EvidenceWish {
            path: flags.evidence?,
            cut: flags.evidence_payload,
            context: flags.evidence_context,
        })
    }
}
