//! plainsight: which paths to Azure Managed Lustre carry encrypted traffic,
//! and which send their data in plain sight.
//!
//! A packet flows one way, and the modules stand in its order:
//!
//! ```text
//!  bytes       Frame      Decoded      Shown       FlowKey, Count      Snapshot    Judgement  Report
//!    └─ capture ─┴─ decode ─┴─ evidence ─┴─ flow ────────┴─ aggregate ────┴─ verdict ─┴─ report ─┴─ bytes
//!       └──────────────────────────────── run ───────────────────────────────────────────┘
//! ```
//!
//! | stage | takes | gives | it never |
//! |---|---|---|---|
//! | [`capture`] | bytes of a capture, or an interface | [`Frame`](capture::Frame)s that borrow from its buffer; a [`Fault`](capture::Fault) where the capture is damaged | ends a run for what a capture holds |
//! | [`decode`] | a frame | [`Decoded`](decode::Decoded): the innermost addresses, ports and payload, the tunnels around them, or what stopped it | fails |
//! | [`evidence`] | one payload | [`Shown`](evidence::Shown), one of ten things a packet can show, its DTLS records, its Lustre messages | knows of a flow |
//! | [`flow`] | what packets showed | a [`Flow`](flow::Flow) for each [`FlowKey`](flow::FlowKey): counts, first and last, facts; all of it merges | grows beyond its limit |
//! | [`aggregate`] | frames | a [`Snapshot`](aggregate::Snapshot) of a part of the input, and the sum of two | loses a packet |
//! | [`input`] | paths as named | the files there are, what each is, and its bytes without compression | reads a whole file into memory |
//! | [`flow_log`] | files of flow logs | a [`FlowLog`](flow_log::FlowLog): what the platform says it did with each flow, in bounded memory | concludes anything of a path |
//! | [`layout`] | text that `lfs getstripe` printed | the targets that hold the data of each file | concludes anything of a path |
//! | [`azure`] | JSON of Azure's configuration | what is at both ends of a path, and [`checks`](azure::checks) for causes of plaintext | concludes anything of a path |
//! | [`verdict`] | the whole snapshot, the flow log, [`Servers`](verdict::Servers), [`Policy`](verdict::Policy), [`Vantage`](verdict::Vantage) | a [`Judgement`](verdict::Judgement): each packet's [`Class`](verdict::Class) and bucket, each path's [`Verdict`](verdict::Verdict); [`Exit`](verdict::Exit) | reads or writes anything |
//! | [`report`] | a judgement, the inputs, the configuration | a [`Report`](report::Report), and its bytes in one of [`FORMATS`](report::FORMATS) | concludes anything |
//! | [`engine`] | frames, and counted state of parts of the input | their sum, and the [`Report`](report::Report) that follows: the one place that joins the stages | reads a clock, starts a thread |
//! | [`cli`] | flags as typed | the configuration as meant | starts anything |
//! | [`run`] | a configuration | a command's answer: [`run::files`] of files, [`run::live`] of interfaces, [`run::bench`] of runs beside what limits them; threads and clocks are here alone | decides what a packet means |
//!
//! `main` turns flags into an exit code.
//!
//! # Who may name whom
//! A stage names itself and the stages above it in the table, never one below; `main` may
//! name everything. Inside a stage no file imports another that imports it; the head of a
//! folder may use what is in the folder, and what is in it what the head declares for all.
//!
//! # What follows from what, and when
//! - While packets are read, nothing is concluded. A packet [shows](evidence::Shown)
//!   something by itself; which [class](verdict::class) that is can change with a suite
//!   or a segment that comes later in its flow.
//! - What a capture [observed](verdict::Path::observed), what the
//!   [platform](verdict::Path::platform) says, and the verdict that
//!   [follows](verdict::conclusion) are three fields.
//! - Who is a server is known at the end as well. Until then every TCP and UDP flow
//!   that could be a path's is kept; [`verdict`] decides its
//!   [bucket](verdict::scope::Bucket).
//! - Later IP fragments are counted with their [first](aggregate::fragments), in the order of
//!   the capture.
//! - Where there are more flows than the limit, those that fold into sums are
//!   [chosen](flow::table) by a hash of their keys, so that the same ones stay whatever
//!   the order.
//!
//! # Laws
//! 1. Decoding is total: every byte string gives a result, and what stopped it is data.
//! 2. Nothing disappears: every packet read is in exactly one bucket, and the report
//!    shows the sum.
//! 3. Merging is associative and commutative and loses nothing, so the report is the
//!    same however the input was split or ordered.
//! 4. What was seen, and what follows from it, are apart: a verdict names the packets
//!    that it rests on.
//! 5. Errors are of two kinds. What ends a run is typed, printed once, and exits with 2;
//!    what a packet did is a counter.
//! 6. Memory is bounded whatever the traffic.
//! 7. Time is in the packet: the same files give the same report on any day.

#[cfg(all(feature = "live", not(target_os = "linux")))]
compile_error!("only Linux can capture: build with --no-default-features");

pub mod aggregate;
pub mod azure;
pub mod capture;
pub mod cli;
pub mod decode;
pub mod engine;
pub mod evidence;
pub mod flow;
pub mod flow_log;
pub mod input;
pub mod layout;
pub mod report;
pub mod run;
pub mod verdict;
