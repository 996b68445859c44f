//! What Azure itself says of a path: its configuration, as `az ... -o json` prints it.
//!
//! Configuration explains a verdict and never makes one: [`export`] reads it, [`topology`]
//! finds what is at both ends of a path, [`nsg`] and [`vm_sizes`] hold what Azure does with
//! it, and [`checks`] says what it means, field by field.

pub mod checks;
pub mod export;
pub mod nsg;
pub mod topology;
pub mod vm_sizes;
