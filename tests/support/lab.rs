//! Real hosts in network namespaces, which speak real Lustre and real DTLS, recorded by
//! libpcap.

pub mod dtls;
pub mod hosts;
pub mod inner;
pub mod lustre;
pub mod record;
