//! Azure's configuration of a path.
//!
//! - [`export`]: its configuration, as `az ... -o json` prints it, which explains a verdict
//!   and never makes one. [`topology`] finds what is at both ends of a path, [`nsg`] and
//!   [`vm_sizes`] hold what Azure does with it, and [`checks`] says what it means, field by
//!   field.
//! - [`dmi`]: whether this machine is a virtual machine of Azure.

pub mod checks;
pub mod controls;
pub mod dmi;
pub mod export;
pub mod nsg;
pub mod topology;
pub mod vm_sizes;
pub mod waivers;
