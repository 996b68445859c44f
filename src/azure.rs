//! Azure's configuration of a path.
//!
//! - [`export`]: its configuration, as `az ... -o json` prints it, which explains a verdict
//!   and never makes one. [`topology`] finds what is at both ends of a path, [`nsg`],
//!   [`vm_sizes`], [`temporary_disks`] and [`ade_support`] hold what Azure does with it, and
//!   [`checks`] says what it means, field by field.
//! - [`dmi`]: whether this machine is a virtual machine of Azure.

pub mod ade_support;
pub mod checks;
pub mod controls;
pub mod dmi;
pub mod export;
pub mod nsg;
pub mod temporary_disks;
pub mod topology;
pub mod vm_sizes;
pub mod waivers;
