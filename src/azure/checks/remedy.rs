//! Commands that mend what checks find, for a shell. Names come from files, so text that a
//! shell would take for more than a word is quoted, and text that az would take for a file or
//! an option gives no command. Each names its subscription: names are unique within one only.

use std::fmt::Write;

use crate::azure::export::ResourceId;

/// `az COMMAND --subscription S --resource-group G --name N`, and more.
pub(super) fn az(command: &str, id: &ResourceId, more: &[&str]) -> Option<String> {
    let mut line = in_group(command, id)?;
    let _ = write!(line, " --name {}", word(id.name())?);
    Some(extended(line, more))
}

/// The same for a resource within another, which an option names.
pub(super) fn within(
    command: &str,
    option: &str,
    id: &ResourceId,
    more: &[&str],
) -> Option<String> {
    let parent = id.as_str().rsplit('/').nth(2)?;
    let mut line = in_group(command, id)?;
    let _ = write!(
        line,
        " {option} {} --name {}",
        word(parent)?,
        word(id.name())?
    );
    Some(extended(line, more))
}

/// `az COMMAND --subscription S --resource-group G`.
pub(super) fn in_group(command: &str, id: &ResourceId) -> Option<String> {
    let group = word(id.resource_group())?;
    Some(format!(
        "{} --resource-group {group}",
        in_subscription(command, id)?
    ))
}

/// `az COMMAND --subscription S`.
pub(super) fn in_subscription(command: &str, id: &ResourceId) -> Option<String> {
    let subscription = word(id.segment("subscriptions")?)?;
    Some(format!("az {command} --subscription {subscription}"))
}

fn extended(mut line: String, more: &[&str]) -> String {
    for option in more {
        let _ = write!(line, " {option}");
    }
    line
}

/// Tells if a resource is of a scale set's model, and not to be changed by itself.
pub(super) fn is_of_scale_set(id: &ResourceId) -> bool {
    id.segment("virtualmachinescalesets").is_some()
}

/// Stops (deallocates) a VM and starts it; all instances where it is a scale set's model.
pub(super) fn stop_and_start(vm: &ResourceId) -> Option<String> {
    let set = vm.parent("virtualmachines").filter(|_| is_of_scale_set(vm));
    let [stop, start] = ["deallocate", "start"].map(|verb| match &set {
        Some(set) => {
            let instance = format!("--instance-ids {}", word(vm.name())?);
            az(&format!("vmss {verb}"), set, &[&instance])
        }
        None if is_of_scale_set(vm) => az(&format!("vmss {verb}"), vm, &[]),
        None => az(&format!("vm {verb}"), vm, &[]),
    });
    Some(format!("{} && {}", stop?, start?))
}

/// Stops a VM, changes it, and starts it; nothing for one of a scale set.
pub(super) fn change_stopped(command: &str, vm: &ResourceId, options: &[&str]) -> Option<String> {
    let stop = az("vm deallocate", vm, &[]);
    let commands = [stop, az(command, vm, options), az("vm start", vm, &[])];
    let commands: Vec<String> = commands.into_iter().collect::<Option<_>>()?;
    (!is_of_scale_set(vm)).then(|| commands.join(" && "))
}

/// Text as one word for a shell and for az; `None` where it cannot be one: az reads `@x` from
/// a file and takes `-x` for an option, and no name of Azure is empty or has control
/// characters.
pub(super) fn word(text: &str) -> Option<String> {
    let is_odd = text.is_empty() || text.starts_with(['@', '-']) || text.contains(char::is_control);
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./:@,+".contains(c);
    if is_odd {
        None
    } else if text.chars().all(is_plain) {
        Some(text.to_owned())
    } else {
        Some(format!("'{}'", text.replace('\'', r"'\''")))
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
            "~",
            "*",
            "'",
            "a && b",
        ];
        for name in names {
            let script = format!("printf %s {}", word(name).unwrap());
            let output = std::process::Command::new("sh")
                .args(["-c", &script])
                .output()
                .unwrap();
            assert_eq!(String::from_utf8(output.stdout).unwrap(), name);
        }
    }

    #[test]
    fn names_that_are_more_than_a_word_to_az_give_no_command() {
        for name in ["", "@/etc/passwd", "--yes", "two\nlines", "\u{1b}[2J"] {
            assert_eq!(word(name), None, "{name:?}");
        }
    }
}
