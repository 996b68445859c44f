//! Files, TCP ports, signals and abstract sockets, by Landlock (`landlock(7)`).

use std::path::PathBuf;

use landlock::{
    ABI, Access, AccessFs, AccessNet, BitFlags, CompatLevel, Compatible, LandlockStatus,
    PathBeneath, PathFd, Ruleset, RulesetAttr, RulesetCreated, RulesetCreatedAttr, RulesetError,
    RulesetStatus, Scope,
};

use super::{ConfineError, Entered, refused};

/// The version whose rights are all given up. Older kernels know fewer of them.
const KNOWN: ABI = ABI::V6;
/// The first version that also closes TCP ports, and that bounds signals.
const TCP: ABI = ABI::V4;
const SIGNALS: ABI = ABI::V6;

/// Rules that are made, and not yet in force.
pub struct Rules(RulesetCreated);

/// Makes the rules, with open handles of the folders that stay writable.
///
/// # Errors
/// A folder cannot be opened, or the kernel refuses a rule.
pub fn prepare(writable: &[PathBuf]) -> Result<Rules, ConfineError> {
    let refused = refused("restrict files");
    let mut rules = closed().map_err(&refused)?;
    for folder in writable {
        let folder = PathFd::new(folder).map_err(&super::refused("open a folder to write to"))?;
        let rule = PathBeneath::new(folder, writing());
        rules = rules.add_rule(rule).map_err(&refused)?;
    }
    Ok(Rules(rules))
}

/// Nothing may be done that Landlock knows of.
fn closed() -> Result<RulesetCreated, RulesetError> {
    Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(KNOWN))?
        .handle_access(AccessNet::from_all(KNOWN))?
        .scope(Scope::from_all(KNOWN))?
        .create()
}

/// Rights to write, rotate and replace a file, without reading it.
fn writing() -> BitFlags<AccessFs> {
    AccessFs::WriteFile | AccessFs::Truncate | AccessFs::MakeReg | AccessFs::RemoveFile
}

impl Rules {
    /// Puts the rules in force for this thread and those it starts.
    ///
    /// # Errors
    /// The kernel has Landlock, and refuses.
    pub fn enter(self, entered: &mut Entered) -> Result<(), ConfineError> {
        let status = self.0.restrict_self().map_err(refused("restrict files"))?;
        match status.landlock {
            LandlockStatus::Available { effective_abi, .. }
                if status.ruleset != RulesetStatus::NotEnforced =>
            {
                tell(effective_abi, entered);
            }
            _ => entered.lacks.push(
                "This kernel has no Landlock, or does not use it, so files are guarded by their \
                 owners and by seccomp alone."
                    .to_owned(),
            ),
        }
        Ok(())
    }
}

fn tell(abi: ABI, entered: &mut Entered) {
    let (done, lacks) = (&mut entered.done, &mut entered.lacks);
    done.push("Landlock keeps it from all files but those it has open and may make.".to_owned());
    if abi >= TCP {
        done.push("Landlock keeps it from opening TCP ports and connections.".to_owned());
    } else {
        lacks.push("This kernel's Landlock does not know of TCP ports.".to_owned());
    }
    if abi >= SIGNALS {
        done.push("Landlock keeps its signals to itself.".to_owned());
    } else {
        lacks.push("This kernel's Landlock does not know of signals.".to_owned());
    }
}
