//! Which files there are, what each of them is, and their bytes without compression.

pub mod compressed;
pub mod file;
