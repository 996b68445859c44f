//! The customer's key of a file system: its Key Vault, the rights of the file system on it,
//! its validity, and its rotation.

use jiff::Timestamp;

use super::Outcome::{Fail, Note, Pass, Unknown};
use super::{Check, CheckKind, Field, Outcome, remedy};
use crate::azure::export::{FileSystem, ResourceId, Vault, VaultKey};
use crate::azure::topology::Azure;

/// Rights on a key that encryption takes, as access policies write them in lower case.
const RIGHTS: [&str; 3] = ["get", "wrapkey", "unwrapkey"];
/// Roles with these rights: their names in lower case, and the ids of their definitions.
const ROLES: [(&str, &str); 4] = [
    (
        "key vault crypto service encryption user",
        "e147488a-f6f5-4113-8e2d-b22465e65bf6",
    ),
    (
        "key vault crypto user",
        "12338af0-0e69-4776-bea7-57ae8d297424",
    ),
    (
        "key vault crypto officer",
        "14b46e9e-c2b7-41b4-b07b-48a6ebf60603",
    ),
    (
        "key vault administrator",
        "00482a5a-887f-4fb3-b363-3b7fe8e74483",
    ),
];
/// Days before its end at which a key is about to expire.
const SOON: i64 = 30;

/// Checks of a customer's key; none where Microsoft manages it.
pub(super) fn of(azure: &Azure, it: &FileSystem, now: Option<Timestamp>) -> Vec<Check> {
    let Some(url) = it.key.value.as_deref() else {
        return Vec::new();
    };
    let vault = it.vault.as_ref().and_then(|id| azure.export.vaults.get(id));
    let vault = vault.filter(|vault| vault.is_whole);
    let mut checks = if let Some(vault) = vault {
        vec![region(azure, it, vault), access(azure, it, vault)]
    } else {
        let of = azure.label(&it.id);
        let says = format!("No export has the Key Vault of {of}: az keyvault show tells it");
        let both = [CheckKind::KeyVaultRegion, CheckKind::KeyAccess];
        both.map(|kind| Check::new(kind, Unknown, says.clone()))
            .into()
    };
    checks.push(protection(azure, it, vault));
    let name = VaultKey::name_of(url);
    let key = name.as_ref().and_then(|name| azure.export.keys.get(name));
    checks.push(validity(azure, it, key, now));
    checks.push(rotation(azure, it, key));
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

/// Soft delete and purge protection keep a key that data depends on.
fn protection(azure: &Azure, it: &FileSystem, vault: Option<&Vault>) -> Check {
    let check = |outcome, says| Check::new(CheckKind::KeyVaultProtection, outcome, says);
    let Some(vault) = vault else {
        let of = azure.label(&it.id);
        let says = format!("No export tells the protection of the Key Vault of {of}");
        return check(Unknown, says);
    };
    let name = azure.label(&vault.id);
    if vault.soft_delete.flag() == Some(false) {
        let field = Field::of(azure, &vault.id, &vault.soft_delete);
        return check(Fail, format!("Key Vault {name} has no soft delete")).field(field);
    }
    let field = Field::of(azure, &vault.id, &vault.purge_protection);
    if vault.purge_protection.flag() == Some(true) {
        let says = format!("Key Vault {name} has soft delete and purge protection");
        return check(Pass, says).field(field);
    }
    let options = ["--enable-purge-protection true"];
    check(Fail, format!("Key Vault {name} has no purge protection"))
        .field(field)
        .remedy(remedy::az("keyvault update", &vault.id, &options))
}

/// Rights of the file system's identities, by roles or by access policies.
fn access(azure: &Azure, it: &FileSystem, vault: &Vault) -> Check {
    let (of, name) = (azure.label(&it.id), azure.label(&vault.id));
    let field = Field::of(azure, &vault.id, &vault.rbac);
    let by_roles = vault.rbac.flag() == Some(true);
    let (outcome, says) = if it.identities.is_empty() {
        (
            Unknown,
            "has no identity in the exports, so its rights cannot be told",
        )
    } else if by_roles && !azure.export.has_roles {
        (
            Unknown,
            "has rights by roles that no export has: az role assignment list tells them",
        )
    } else if may(azure, it, vault, by_roles) {
        (Pass, "may get, wrap and unwrap keys")
    } else {
        (Fail, "lacks the rights to get, wrap and unwrap keys")
    };
    let says = format!("{of} {says}, in Key Vault {name}");
    Check::new(CheckKind::KeyAccess, outcome, says).field(field)
}

fn may(azure: &Azure, it: &FileSystem, vault: &Vault, by_roles: bool) -> bool {
    let is_own = |who: &String| it.identities.contains(who);
    if by_roles {
        let mut roles = azure.export.roles.iter();
        return roles.any(|role| {
            let is_fit = |(name, id): &(&str, &str)| role.role == *name || role.role.ends_with(id);
            is_own(&role.principal) && role.covers(&vault.id) && ROLES.iter().any(is_fit)
        });
    }
    vault.policies.iter().any(|(who, rights)| {
        let has = |right: &str| rights.iter().any(|own| own == right || own == "all");
        is_own(who) && RIGHTS.iter().all(|right| has(right))
    })
}

/// A field of a key, which no id names.
fn key_field(it: &FileSystem, key: &VaultKey, path: &str, value: Option<&String>) -> Field {
    Field {
        resource: key.name.clone(),
        id: it.vault.as_ref().map(ResourceId::to_string),
        path: path.to_owned(),
        value: value.cloned(),
        file: None,
    }
}

/// A key that is off, or ends, takes the data with it.
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
    let name = &key.name;
    let enabled = key_field(it, key, key.enabled.path, key.enabled.value.as_ref());
    match key.enabled.flag() {
        Some(true) => {}
        Some(false) => return check(Fail, format!("Key {name} is switched off")).field(enabled),
        None => {
            return check(Unknown, format!("Key {name} does not say if it is on")).field(enabled);
        }
    }
    let Some(end) = key.expires.value.as_deref() else {
        return check(Pass, format!("Key {name} is on, and does not expire")).field(enabled);
    };
    let (outcome, says) = expiry(end, now);
    let field = key_field(it, key, key.expires.path, key.expires.value.as_ref());
    check(outcome, format!("Key {name} {says}")).field(field)
}

fn expiry(end: &str, now: Option<Timestamp>) -> (Outcome, String) {
    let by_seconds = |seconds| Timestamp::from_second(seconds).ok();
    let parsed: Option<Timestamp> = end.parse().ok();
    let parsed = parsed.or_else(|| end.parse().ok().and_then(by_seconds));
    match (parsed, now) {
        (None, _) => (Unknown, format!("has an end that is no time, {end}")),
        (Some(_), None) => (Note, format!("is on, and expires at {end}")),
        (Some(end_), Some(now)) => {
            let days = (end_.as_second() - now.as_second()).div_euclid(86_400);
            match days {
                ..0 => (Fail, format!("expired at {end}")),
                0..SOON => (Fail, format!("is about to expire, at {end}")),
                _ => (Pass, format!("is on, and expires at {end}")),
            }
        }
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
        return check(Note, says);
    };
    let name = &key.name;
    let (outcome, says) = if key.rotation.is_absent() {
        (Fail, format!("Key {name} is not rotated by its policy"))
    } else {
        (Pass, format!("Key {name} is rotated by its policy"))
    };
    let field = key_field(it, key, key.rotation.path, key.rotation.value.as_ref());
    check(outcome, says).field(field)
}
