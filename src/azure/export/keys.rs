//! Keys of customers: Key Vaults, keys, roles on them, and disk encryption sets.

use super::node::JsonNode;
use super::{ResourceId, Setting};

/// A Key Vault (`az keyvault show`).
#[derive(Clone, Debug)]
pub struct Vault {
    /// Its id.
    pub id: ResourceId,
    /// Its region.
    pub location: Option<String>,
    /// Soft delete; on where absent, since 2019.
    pub soft_delete: Setting,
    /// Purge protection; off where absent.
    pub purge_protection: Setting,
    /// Authorization by roles in place of access policies.
    pub rbac: Setting,
    /// Object ids in lower case, and the rights on keys of each.
    pub policies: Vec<(String, Vec<String>)>,
    /// Set for an export with all members; `az keyvault list` has few.
    pub is_whole: bool,
}

impl Vault {
    pub(super) fn of(id: ResourceId, node: JsonNode<'_>) -> Self {
        let policies = node.list("accessPolicies").filter_map(|policy| {
            let who = policy.text("objectId")?.to_ascii_lowercase();
            let rights = policy.texts("permissions.keys").into_iter();
            Some((who, rights.map(|it| it.to_ascii_lowercase()).collect()))
        });
        Self {
            id,
            location: node.owned("location"),
            soft_delete: node.setting("enableSoftDelete"),
            purge_protection: node.setting("enablePurgeProtection"),
            rbac: node.setting("enableRbacAuthorization"),
            policies: policies.collect(),
            is_whole: node.has_any(&["vaultUri", "accessPolicies"]),
        }
    }
}

/// A key of a Key Vault (`az keyvault key list`, `az keyvault key show`, and
/// `az keyvault key rotation-policy show`). Only URLs name it.
#[derive(Clone, Debug)]
pub struct VaultKey {
    /// Its name in the exports, `VAULT/KEY` in lower case.
    pub name: String,
    /// Its switch.
    pub enabled: Setting,
    /// End of its validity; absent where there is none.
    pub expires: Setting,
    /// Action of its rotation policy, as in `Rotate`.
    pub rotation: Setting,
    /// Set where the rotation policy was exported.
    pub has_policy: bool,
}

impl VaultKey {
    /// Name of the key at a URL, `VAULT/KEY` in lower case.
    #[must_use]
    pub fn name_of(url: &str) -> Option<String> {
        let url = url.trim().to_ascii_lowercase();
        let (host, path) = url.strip_prefix("https://")?.split_once('/')?;
        let mut segments = path.split('/').filter(|part| !part.is_empty());
        let is_key = segments.next() == Some("keys") && host.contains(".vault");
        let vault = host.split('.').next()?;
        let key = segments.next()?;
        is_key.then(|| format!("{vault}/{key}"))
    }

    /// Reads a key, or its rotation policy; `None` for other JSON.
    pub(super) fn of(node: JsonNode<'_>) -> Option<Self> {
        let url = node
            .text("kid")
            .or(node.text("key.kid"))
            .or(node.text("id"))?;
        let actions = node.list("lifetimeActions");
        let mut rotates = actions.filter(|it| {
            let action = it
                .text("action")
                .or(it.text("action.type"))
                .unwrap_or_default();
            action.eq_ignore_ascii_case("rotate")
        });
        Some(Self {
            name: Self::name_of(url)?,
            enabled: node.setting("attributes.enabled"),
            expires: node.setting("attributes.expires"),
            rotation: Setting::new(
                "lifetimeActions",
                rotates.next().map(|_| "Rotate".to_owned()),
            ),
            has_policy: node.has("lifetimeActions"),
        })
    }

    /// Adds fields of another export of the same key.
    pub(super) fn add(&mut self, other: Self) {
        for (own, other) in [
            (&mut self.enabled, other.enabled),
            (&mut self.expires, other.expires),
            (&mut self.rotation, other.rotation),
        ] {
            if own.is_absent() {
                *own = other;
            }
        }
        self.has_policy |= other.has_policy;
    }
}

/// A role that someone has (`az role assignment list`).
#[derive(Clone, Debug)]
pub struct RoleAssignment {
    /// Object id of who has it, in lower case.
    pub principal: String,
    /// Name of the role, in lower case, or the id of its definition.
    pub role: String,
    /// Id of the resource, group or subscription that it is for, in lower case.
    pub scope: String,
}

impl RoleAssignment {
    pub(super) fn of(node: JsonNode<'_>) -> Self {
        let text = |path| node.text(path).unwrap_or_default().to_ascii_lowercase();
        let name = text("roleDefinitionName");
        Self {
            principal: text("principalId"),
            role: if name.is_empty() {
                text("roleDefinitionId")
            } else {
                name
            },
            scope: text("scope"),
        }
    }

    /// Tells if it is for a resource, by itself or by what encloses it.
    #[must_use]
    pub fn covers(&self, id: &ResourceId) -> bool {
        let scope = self.scope.trim_end_matches('/');
        let rest = id.key().strip_prefix(scope);
        !scope.is_empty() && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }
}

/// A disk encryption set (`az disk-encryption-set list`).
#[derive(Clone, Debug)]
pub struct DiskEncryptionSet {
    /// Its id.
    pub id: ResourceId,
    /// Keys that it encrypts with.
    pub encryption: Setting,
    /// Automatic rotation to the latest version of the key.
    pub rotation: Setting,
    /// URL of the key in use.
    pub key: Setting,
}

impl DiskEncryptionSet {
    pub(super) fn of(id: ResourceId, node: JsonNode<'_>) -> Self {
        Self {
            id,
            encryption: node.setting("encryptionType"),
            rotation: node.setting("rotationToLatestKeyVersionEnabled"),
            key: node.setting("activeKey.keyUrl"),
        }
    }
}
