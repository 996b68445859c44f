//! Detection of an Azure virtual machine by the DMI tables of this one. No network is asked.

use std::fs;
use std::path::Path;

/// The chassis asset tag of every Azure VM, by which cloud-init tells one, too.
const ASSET_TAG: &str = "7783-7084-3265-9085-8269-3286-77";
const VENDOR: &str = "Microsoft Corporation";

/// Tests that the DMI tables are those of an Azure VM. `root` is the folder that `/sys` is in:
/// `/` but in tests.
///
/// Hyper-V elsewhere has the same vendor and another tag; what cannot be read is no
/// Azure VM.
#[must_use]
pub fn on_azure_vm(root: &Path) -> bool {
    let says = |field: &str, expected: &str| {
        let path = root.join("sys/class/dmi/id").join(field);
        fs::read_to_string(path).is_ok_and(|said| said.trim() == expected)
    };
    says("chassis_asset_tag", ASSET_TAG) && says("sys_vendor", VENDOR)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn machine(tag: &str, vendor: &str) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        let id = root.path().join("sys/class/dmi/id");
        fs::create_dir_all(&id).unwrap();
        fs::write(id.join("chassis_asset_tag"), tag).unwrap();
        fs::write(id.join("sys_vendor"), vendor).unwrap();
        root
    }

    #[test]
    fn tag_and_vendor_make_an_azure_vm() {
        let is = |tag, vendor| on_azure_vm(machine(tag, vendor).path());
        let tag = "7783-7084-3265-9085-8269-3286-77\n";
        assert!(is(tag, "Microsoft Corporation\n"));
        assert!(!is("1234-5678\n", "Microsoft Corporation\n"));
        assert!(!is(tag, "QEMU\n"));
        assert!(!on_azure_vm(Path::new("/no/such/root")));
    }
}
