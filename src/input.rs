//! Files there are, the kind of each, and their bytes without compression.

pub mod capture;
pub mod compressed;
pub mod custody;
pub mod discovery;
pub mod kind;
pub mod name;

pub use capture::{Input, OpenError};
pub use discovery::{InputPath, discover};
