//! Azure's configuration: reading exports, finding causes, and the commands that tell them.

mod broken;
mod catalogue;
mod causes;
mod disks;
mod exports;
mod guidance;
mod nsg;
mod places;
mod rights;
mod traps;
