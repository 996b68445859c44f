//! plainsight: which paths to Azure Managed Lustre carry encrypted traffic,
//! and which send their data in plain sight.

pub mod aggregate;
pub mod capture;
pub mod cli;
pub mod decode;
pub mod evidence;
pub mod flow;
pub mod pipeline;
pub mod report;
pub mod verdict;
