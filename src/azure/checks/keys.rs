//! The customer's key of a file system: its Key Vault, the rights of the file system on it,
//! its validity, and its rotation.

use jiff::Timestamp;

use super::Outcome::{Fail, Note, Pass, Unknown};
use super::{Check, CheckKind, Field, Outcome, remedy};
use crate::azure::export::{FileSystem, KeyName, Setting, Vault, VaultKey};
use crate::azure::topology::Azure;

mod access;

/// Days before its end at which a key is about to expire.
const SOON: i64 = 30;

/// Checks of a customer's key; none where Microsoft manages it.
pub(super) fn of(azure: &Azure, it: &FileSystem, now: Option<Timestamp>) -> Vec<Check> {
    let Some(url) = it.key.value.as_deref() else {
        return Vec::new();
    };
    let vault = it.vault.as_ref().and_then(|id| azure.export.vaults.get(id));
    let vault = vault.filter(|vault| vault.is_whole);
    let key = azure.export.keys.at(url);
    let mut checks = if let Some(vault) = vault {
        let name = KeyName::of(url);
        vec![
            region(azure, it, vault),
            access::of(azure, it, vault, name.as_ref()),
        ]
    } else {
        let of = azure.label(&it.id);
        let says = format!("No export has the Key Vault of {of}: az keyvault show tells it");
        let both = [CheckKind::KeyVaultRegion, CheckKind::KeyAccess];
        both.map(|kind| Check::new(kind, Unknown, says.clone()))
            .into()
    };
    checks.push(protection(azure, it, vault));
    checks.push(validity(azure, it, key.as_ref(), now));
    checks.push(rotation(azure, it, key.as_ref()));
    checks
}

fn region(azure: &Azure, it: &FileSystem, vault: &Vault) -> Check {
    let plain = |text: &str| text.replace(' ', "").to_ascii_lowercase();
    let (name, of) = (azure.label(&vault.id), azure.label(&it.id));
    let own = it.location.as_deref().map(plain);
    let (outcome, says) = match (own, vault.location.as_deref().map(plain)) {
        (Some(own), Some(other)) if own == other => (Pass, "is in the region of"),
        (Some(_), Some(_)) => (Fail, "is in another region than"),
        _ => (Unknown, "may be in another region than"),
    };
    let field = Field::at(azure, &vault.id, "location", vault.location.clone());
    Check::new(
        CheckKind::KeyVaultRegion,
        outcome,
        format!("Key Vault {name} {says} {of}"),
    )
    .field(field)
}

/// Soft delete and purge protection keep a key that data depends on. The second is without
/// effect where the first is not on, so neither stands for the other.
fn protection(azure: &Azure, it: &FileSystem, vault: Option<&Vault>) -> Check {
    let check = |outcome, says| Check::new(CheckKind::KeyVaultProtection, outcome, says);
    let Some(vault) = vault else {
        let of = azure.label(&it.id);
        let says = format!("No export tells the protection of the Key Vault of {of}");
        return check(Unknown, says);
    };
    let (soft, purge) = (&vault.soft_delete, &vault.purge_protection);
    let (outcome, says, setting) = match (soft.flag(), purge.flag()) {
        (Some(false), _) => (Fail, "has no soft delete", soft),
        (_, Some(false)) => (Fail, "has no purge protection", purge),
        (_, None) if purge.is_absent() => (Fail, "has no purge protection", purge),
        (Some(true), Some(true)) => (Pass, "has soft delete and purge protection", purge),
        (None, Some(true)) => (
            Unknown,
            "has purge protection, and does not say if it has the soft delete that this takes",
            soft,
        ),
        (_, None) => (Unknown, "does not say if it has purge protection", purge),
    };
    let options = ["--enable-purge-protection true"];
    let command = (outcome == Fail && soft.flag() != Some(false))
        .then(|| remedy::az("keyvault update", &vault.id, &options));
    check(
        outcome,
        format!("Key Vault {} {says}", azure.label(&vault.id)),
    )
    .field(Field::of(azure, &vault.id, setting))
    .remedy(command.flatten())
}

/// A field of a key, which its URL names, and an id below that of its vault.
fn key_field(azure: &Azure, it: &FileSystem, key: &VaultKey, setting: &Setting) -> Field {
    let name = &key.name.key;
    let own = name.rsplit('/').next().unwrap_or_default();
    let vault = it.vault.as_ref();
    let file = azure.export.file_of_key(key, setting.path);
    Field {
        resource: name.clone(),
        id: vault.map(|vault| format!("{vault}/keys/{own}")),
        path: setting.path.to_owned(),
        value: setting.value.clone(),
        file: file.map(str::to_owned),
    }
}

/// A key that is off, is not valid yet, or ends, takes the data with it.
fn validity(
    azure: &Azure,
    it: &FileSystem,
    key: Option<&VaultKey>,
    now: Option<Timestamp>,
) -> Check {
    let check = |outcome, says: String| Check::new(CheckKind::KeyValidity, outcome, says);
    let of = azure.label(&it.id);
    let Some(key) = key else {
        let says = format!("No export has the key of {of}: az keyvault key list tells it");
        return check(Unknown, says);
    };
    let (outcome, says, setting) = match key.enabled.flag() {
        Some(true) => period(key, now),
        Some(false) => (Fail, "is switched off".to_owned(), &key.enabled),
        None => (Unknown, "does not say if it is on".to_owned(), &key.enabled),
    };
    check(outcome, format!("Key {} {says}", key.name.key)).field(key_field(azure, it, key, setting))
}

/// The worse of the begin and the end of a key's validity.
fn period(key: &VaultKey, now: Option<Timestamp>) -> (Outcome, String, &Setting) {
    let begin = key.not_before.value.as_deref().map(|it| begin(it, now));
    let end = key.expires.value.as_deref().map(|it| expiry(it, now));
    let [begin, end] = [(begin, &key.not_before), (end, &key.expires)]
        .map(|(found, setting)| found.map(|(outcome, says)| (outcome, says, setting)));
    match (begin, end) {
        (Some(begin), Some(end)) if begin.0 < end.0 => begin,
        (_, Some(end)) => end,
        (Some(begin), None) => begin,
        (None, None) => (Pass, "is on, and does not expire".to_owned(), &key.enabled),
    }
}

/// Time as az prints it, or in seconds since 1970.
fn time(text: &str) -> Option<Timestamp> {
    let by_seconds = |seconds| Timestamp::from_second(seconds).ok();
    let parsed: Option<Timestamp> = text.parse().ok();
    parsed.or_else(|| text.parse().ok().and_then(by_seconds))
}

fn begin(begin: &str, now: Option<Timestamp>) -> (Outcome, String) {
    match (time(begin), now) {
        (None, _) => (Unknown, format!("has a begin that is no time, {begin}")),
        (Some(_), None) => (Note, format!("is on, and valid from {begin}")),
        (Some(time), Some(now)) if time > now => (Fail, format!("is not valid before {begin}")),
        _ => (Pass, format!("is on, and valid since {begin}")),
    }
}

fn expiry(end: &str, now: Option<Timestamp>) -> (Outcome, String) {
    let (time, now) = match (time(end), now) {
        (None, _) => return (Unknown, format!("has an end that is no time, {end}")),
        (Some(_), None) => return (Note, format!("is on, and expires at {end}")),
        (Some(time), Some(now)) => (time, now),
    };
    match (time.as_second() - now.as_second()).div_euclid(86_400) {
        ..0 => (Fail, format!("expired at {end}")),
        0..SOON => (Fail, format!("is about to expire, at {end}")),
        _ => (Pass, format!("is on, and expires at {end}")),
    }
}

fn rotation(azure: &Azure, it: &FileSystem, key: Option<&VaultKey>) -> Check {
    let check = |outcome, says: String| Check::new(CheckKind::KeyRotation, outcome, says);
    let Some(key) = key.filter(|key| key.has_policy) else {
        let says = format!(
            "No export has the rotation policy of the key of {}: az keyvault key rotation-policy \
             show tells it",
            azure.label(&it.id)
        );
        return check(Unknown, says);
    };
    let (outcome, says) = if key.rotation.is_absent() {
        (Fail, "is not rotated by its policy")
    } else {
        (Pass, "is rotated by its policy")
    };
    check(outcome, format!("Key {} {says}", key.name.key)).field(key_field(
        azure,
        it,
        key,
        &key.rotation,
    ))
}
