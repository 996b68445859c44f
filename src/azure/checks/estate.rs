//! The exports as a whole, and VMs that are on no path.

use super::Outcome::{Note, Pass, Unknown};
use super::{Check, CheckKind, Field};
use crate::azure::export::ResourceId;
use crate::azure::topology::{Azure, Route};

pub(super) fn of(azure: &Azure) -> Vec<Check> {
    vec![complete(azure)]
}

/// A list that names a next page, or a file that is not read, hides resources.
fn complete(azure: &Azure) -> Check {
    let files = &azure.export.inventory.files;
    let mut lacking = files
        .iter()
        .filter(|file| file.is_page || file.fault.is_some());
    let check = |outcome, says: String| Check::new(CheckKind::Exports, outcome, says);
    let Some(file) = lacking.next() else {
        let says = "Each file is read to its end, and no list names a next page";
        let field = Field {
            resource: "exports".to_owned(),
            id: None,
            path: "files".to_owned(),
            value: Some(files.len().to_string()),
            file: None,
        };
        return check(Pass, says.to_owned()).field(field);
    };
    let name = &file.name;
    let (says, path) = if file.is_page {
        let says = format!("{name} is one page of a list, and its next page is not here");
        (says, "nextLink")
    } else {
        (format!("{name} was not read"), "file")
    };
    check(Unknown, says).field(Field {
        resource: name.clone(),
        id: None,
        path: path.to_owned(),
        value: file.fault.clone(),
        file: Some(name.clone()),
    })
}

/// The standing of a VM that is on no path. Without a route, no NIC of it was exported.
pub(super) fn of_stranger(azure: &Azure, vm: &ResourceId, route: Option<&Route<'_>>) -> Check {
    let name = azure.label(vm);
    let (outcome, says) = match route {
        Some(Route::None(why)) => (Note, format!("VM {name} is on no path to AMLFS: {why}")),
        Some(Route::Unknown(why)) => (
            Unknown,
            format!("Whether VM {name} is on a path to AMLFS is unknown: {why}"),
        ),
        _ => (
            Unknown,
            format!(
                "Whether VM {name} is on a path to AMLFS is unknown: {}",
                nics(azure, vm)
            ),
        ),
    };
    Check::new(CheckKind::Reach, outcome, says)
}

/// The NICs of a VM that were not exported.
fn nics(azure: &Azure, vm: &ResourceId) -> String {
    let known = azure.export.vms.get(vm);
    let names = known.map_or(&[][..], |vm| &vm.nics);
    match names {
        [] => "no export has a NIC of it".to_owned(),
        [only] => format!("its NIC {} is in no export", azure.label(only)),
        [first, ..] => format!("its NIC {} and others are in no export", azure.label(first)),
    }
}
