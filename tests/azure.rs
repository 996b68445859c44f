//! Azure's configuration: reading exports, finding causes, and the commands that tell them.

#[path = "azure/broken.rs"]
mod broken;
#[path = "azure/causes.rs"]
mod causes;
#[path = "azure/command.rs"]
mod command;
#[path = "azure/exports.rs"]
mod exports;
#[path = "azure/fixtures.rs"]
mod fixtures;
#[path = "azure/nsg.rs"]
mod nsg;
#[path = "azure/places.rs"]
mod places;
#[path = "azure/posture.rs"]
mod posture;
#[path = "azure/readme.rs"]
mod readme;
#[path = "azure/traps.rs"]
mod traps;
