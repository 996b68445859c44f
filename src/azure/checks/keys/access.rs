//! Rights of a file system on its key, by roles or by access policies.

use super::super::Outcome::{Fail, Pass, Unknown};
use super::super::{Check, CheckKind, Field, Outcome, remedy};
use crate::azure::export::{FileSystem, KeyName, ResourceId, RoleAssignment, Setting, Vault};
use crate::azure::topology::Azure;

/// Rights on a key that encryption takes, as access policies write them in lower case.
const RIGHTS: [&str; 3] = ["get", "wrapkey", "unwrapkey"];
/// The role with these rights and few others.
const LEAST_ROLE: &str = "Key Vault Crypto Service Encryption User";

/// Roles that Azure comes with: their names, the ids of their definitions, and true for those
/// with these rights. Others are customers' own, or newer than this list.
const ROLES: [(&str, &str, bool); 18] = [
    (LEAST_ROLE, "e147488a-f6f5-4113-8e2d-b22465e65bf6", true),
    (
        "Key Vault Crypto User",
        "12338af0-0e69-4776-bea7-57ae8d297424",
        true,
    ),
    (
        "Key Vault Crypto Officer",
        "14b46e9e-c2b7-41b4-b07b-48a6ebf60603",
        true,
    ),
    (
        "Key Vault Administrator",
        "00482a5a-887f-4fb3-b363-3b7fe8e74483",
        true,
    ),
    ("Owner", "8e3af657-a8ff-443c-a75c-2fe8c4bcb635", false),
    ("Contributor", "b24988ac-6180-42a0-ab88-20f7382dd24c", false),
    ("Reader", "acdd72a7-3385-48ef-bd42-f606fba81ae7", false),
    (
        "User Access Administrator",
        "18d7d88d-d35e-4fb5-a5c3-7773c20a72d9",
        false,
    ),
    (
        "Role Based Access Control Administrator",
        "f58310d9-a9f6-439a-9e8d-f62e7b41a168",
        false,
    ),
    (
        "Key Vault Reader",
        "21090545-7ca7-4776-b22c-e363652d74d2",
        false,
    ),
    (
        "Key Vault Contributor",
        "f25e0fa2-a7c4-4377-a976-30943a77a395",
        false,
    ),
    (
        "Key Vault Secrets User",
        "4633458b-17de-408a-b874-0445c86b69e6",
        false,
    ),
    (
        "Key Vault Secrets Officer",
        "b86a8fe4-44ce-4948-aee5-eccb2c155cd7",
        false,
    ),
    (
        "Key Vault Certificates Officer",
        "a4417e6f-fecd-4de8-b567-7b0420556985",
        false,
    ),
    (
        "Key Vault Certificate User",
        "db79e9a7-68ee-4b58-9aeb-b90e7c24fcba",
        false,
    ),
    (
        "Key Vault Crypto Service Release User",
        "08bbd89e-9f13-488c-ac41-acfcb10c90ab",
        false,
    ),
    (
        "Key Vault Data Access Administrator",
        "8b54135c-b56d-4d72-a534-26097cfdc8d8",
        false,
    ),
    (
        "Managed Identity Operator",
        "f1a07417-d97a-45cb-824c-7a7467783830",
        false,
    ),
];

/// Answer, its sentence about the file system, and the field that decides it.
type AccessAnswer = (Outcome, String, Option<Field>);

pub(super) fn of(azure: &Azure, it: &FileSystem, vault: &Vault, key: Option<&KeyName>) -> Check {
    let by_roles = vault.rbac.flag();
    let (outcome, says, field) = if it.identities.is_empty() {
        let says = "has no identity in the exports, so its rights cannot be told";
        (Unknown, says.to_owned(), None)
    } else {
        match by_roles {
            Some(true) => roles(azure, it, vault, key),
            None if vault.policies.is_empty() => {
                let says = "has rights by roles or by access policies: the export does not say \
                            which of the two counts";
                (Unknown, says.to_owned(), None)
            }
            _ => policies(azure, it, vault),
        }
    };
    let command = match (outcome, &it.identities[..]) {
        (Fail, [who]) if by_roles == Some(true) => role(vault, who),
        (Fail, [who]) => policy(vault, who),
        _ => None,
    };
    let (name, in_vault) = (azure.label(&it.id), azure.label(&vault.id));
    let field = field.unwrap_or_else(|| Field::of(azure, &vault.id, &vault.rbac));
    Check::new(
        CheckKind::KeyAccess,
        outcome,
        format!("{name} {says}, in Key Vault {in_vault}"),
    )
    .field(field)
    .remedy(command)
}

/// A sentence for lacking rights, where all identities are known.
fn lacking(it: &FileSystem, says: &str) -> (Outcome, String) {
    if it.has_unnamed_identities {
        let says = "has an identity whose object id is in no export, and may have rights by it";
        return (Unknown, says.to_owned());
    }
    (Fail, says.to_owned())
}

/// Rights by access policies, those of its identity itself. Azure does not tell policies of
/// groups from those of others.
fn policies(azure: &Azure, it: &FileSystem, vault: &Vault) -> AccessAnswer {
    let mut own = vault.policies.iter();
    let own = own.find(|(who, rights)| {
        let has = |right: &str| rights.iter().any(|own| own == right || own == "all");
        it.identities.contains(who) && RIGHTS.iter().all(|right| has(right))
    });
    let path = "accessPolicies.permissions.keys";
    let field = |value| Some(Field::at(azure, &vault.id, path, value));
    if let Some((_, rights)) = own {
        let says = "may get, wrap and unwrap keys by an access policy";
        return (Pass, says.to_owned(), field(Some(rights.join(", "))));
    }
    let says = "has no access policy with get, wrapKey and unwrapKey for its identity";
    let (outcome, says) = lacking(it, says);
    (outcome, says, field(None))
}

/// What a role assignment gives to a file system, the least first.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Grant {
    Nothing,
    /// Rights that depend on what no export tells, and on what.
    Perhaps(&'static str),
    Rights,
}

/// Rights by roles on the vault, on the key, or on what encloses the vault.
fn roles(azure: &Azure, it: &FileSystem, vault: &Vault, key: Option<&KeyName>) -> AccessAnswer {
    let name = key.and_then(|name| name.key.rsplit('/').next());
    let key = name.and_then(|name| ResourceId::new(&format!("{}/keys/{name}", vault.id)));
    let subject = key.as_ref().unwrap_or(&vault.id);
    let all = azure.export.roles.iter();
    let granted = all.map(|role| (grant(it, role, subject), role));
    let best = granted.max_by(|(one, _), (other, _)| one.cmp(other));
    let field =
        |role: &RoleAssignment, setting: &Setting| Some(Field::of(azure, &role.id, setting));
    match best {
        Some((Grant::Rights, role)) => {
            let says = "may get, wrap and unwrap keys by a role";
            (Pass, says.to_owned(), field(role, &role.role))
        }
        Some((Grant::Perhaps(why), role)) => {
            let setting = if role.condition.is_absent() {
                &role.role
            } else {
                &role.condition
            };
            let says = format!("may have its rights by a role {why}");
            (Unknown, says, field(role, setting))
        }
        _ => without_role(azure, it, vault),
    }
}

/// No role gives the rights; what was exported may be less than all roles.
fn without_role(azure: &Azure, it: &FileSystem, vault: &Vault) -> AccessAnswer {
    let subscription = vault.id.subscription();
    let mut all = azure.export.roles.iter();
    if !all.any(|role| role.is_within(subscription)) {
        let says = "has rights by roles that no export has: az role assignment list --all tells \
                    them";
        return (Unknown, says.to_owned(), None);
    }
    let (outcome, says) = lacking(
        it,
        "has no role with the rights to get, wrap and unwrap keys",
    );
    (outcome, says, None)
}

fn grant(it: &FileSystem, role: &RoleAssignment, subject: &ResourceId) -> Grant {
    let is_own = it.identities.contains(&role.principal);
    let kind = &role.principal_type;
    let may_be_group = kind.is_absent() || kind.is("Group") || kind.is("ForeignGroup");
    let is_covered = role.covers(subject) || role.is_of_management_group();
    let has = has_rights(role);
    match has {
        Some(false) => Grant::Nothing,
        _ if !is_covered || !(is_own || may_be_group) => Grant::Nothing,
        _ if !is_own => Grant::Perhaps("of a group, whose members no export tells"),
        None => Grant::Perhaps("that is none of Azure's own, whose rights no export tells"),
        _ if !role.condition.is_absent() => Grant::Perhaps("with a condition"),
        _ if !role.covers(subject) => {
            Grant::Perhaps("on a management group, which may not be that of the vault")
        }
        Some(true) => Grant::Rights,
    }
}

/// Tells if a role has the rights; `None` for one that is not known.
fn has_rights(role: &RoleAssignment) -> Option<bool> {
    let id = role.role.value.as_deref().unwrap_or_default();
    let id = id.rsplit('/').next().unwrap_or_default();
    let own = role.role_name.as_deref().unwrap_or_default();
    let mut all = ROLES.iter();
    let known = all.find(|(name, definition, _)| {
        own.eq_ignore_ascii_case(name) || id.eq_ignore_ascii_case(definition)
    });
    known.map(|(_, _, has)| *has)
}

/// Gives an identity the least role on a vault.
fn role(vault: &Vault, who: &str) -> Option<String> {
    let command = remedy::in_subscription("role assignment create", &vault.id)?;
    Some(format!(
        "{command} --assignee-object-id {} --assignee-principal-type ServicePrincipal --role {} \
         --scope {}",
        remedy::word(who)?,
        remedy::word(LEAST_ROLE)?,
        remedy::word(vault.id.as_str())?
    ))
}

/// Gives an identity the rights by an access policy.
fn policy(vault: &Vault, who: &str) -> Option<String> {
    let who = format!("--object-id {}", remedy::word(who)?);
    let options = [&who[..], "--key-permissions get wrapKey unwrapKey"];
    remedy::az("keyvault set-policy", &vault.id, &options)
}
