//! Commands that mend what checks find, for a shell: names come from files, so what a shell
//! would take for more than a word is quoted.

use std::fmt::Write;

use crate::azure::export::ResourceId;

/// `az COMMAND --resource-group G --name N`, and more.
pub(super) fn az(command: &str, id: &ResourceId, more: &[&str]) -> String {
    let (group, name) = (word(id.resource_group()), word(id.name()));
    let mut line = format!("az {command} --resource-group {group} --name {name}");
    for option in more {
        let _ = write!(line, " {option}");
    }
    line
}

/// Whether a resource is of a scale set's model, and not to be changed by itself.
pub(super) fn is_of_scale_set(id: &ResourceId) -> bool {
    id.segment("virtualmachinescalesets").is_some()
}

/// Stops (deallocates) a VM and starts it.
pub(super) fn stop_and_start(vm: &ResourceId) -> String {
    let set = vm.parent("virtualmachines");
    let commands = match set.filter(|_| is_of_scale_set(vm)) {
        Some(set) => {
            let instance = format!("--instance-ids {}", word(vm.name()));
            ["vmss deallocate", "vmss start"].map(|command| az(command, &set, &[&instance]))
        }
        None => ["vm deallocate", "vm start"].map(|command| az(command, vm, &[])),
    };
    commands.join(" && ")
}

/// Stops a VM, changes it, and starts it; nothing for one of a scale set.
pub(super) fn change_stopped(command: &str, vm: &ResourceId, option: &str) -> Option<String> {
    let stop = az("vm deallocate", vm, &[]);
    let commands = [stop, az(command, vm, &[option]), az("vm start", vm, &[])];
    (!is_of_scale_set(vm)).then(|| commands.join(" && "))
}

/// A word as a shell takes it for one.
pub(super) fn word(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./:@,+".contains(c);
    if !text.is_empty() && text.chars().all(is_plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::word;

    #[test]
    fn a_shell_takes_a_name_for_one_word() {
        let names = [
            "vm-1_a.b",
            "a b",
            "$(reboot)",
            "it's; ls",
            "",
            "two\nlines",
            "'",
        ];
        for name in names {
            let script = format!("printf %s {}", word(name));
            let output = std::process::Command::new("sh")
                .args(["-c", &script])
                .output()
                .unwrap();
            assert_eq!(String::from_utf8(output.stdout).unwrap(), name);
        }
    }
}
