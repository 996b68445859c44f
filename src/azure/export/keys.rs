//! Keys of customers: Key Vaults, keys, roles on them, and disk encryption sets.

use std::collections::{BTreeMap, BTreeSet};

use super::node::JsonNode;
use super::{ResourceId, Setting};

/// A Key Vault (`az keyvault show`).
#[derive(Clone, Debug)]
pub struct Vault {
    /// Its id.
    pub id: ResourceId,
    /// Its region.
    pub location: Option<String>,
    /// Soft delete, without which purge protection is without effect.
    pub soft_delete: Setting,
    /// Purge protection; off where absent.
    pub purge_protection: Setting,
    /// Authorization by roles in place of access policies; absent where an old export does
    /// not say.
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

/// Name of a key, without case: that of its vault, its own, and its version.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct KeyName {
    /// `VAULT/KEY`, in lower case.
    pub key: String,
    /// Its version, in lower case; `None` for whichever is current.
    pub version: Option<String>,
}

impl KeyName {
    /// Name of the key at a URL.
    #[must_use]
    pub fn of(url: &str) -> Option<Self> {
        let url = url.trim().to_ascii_lowercase();
        let (host, path) = url.strip_prefix("https://")?.split_once('/')?;
        let mut segments = path.split('/').filter(|part| !part.is_empty());
        let is_key = segments.next() == Some("keys") && host.contains(".vault");
        let vault = host.split('.').next()?;
        let key = segments.next()?;
        let version = segments.next().filter(|word| *word != "rotationpolicy");
        is_key.then(|| Self {
            key: format!("{vault}/{key}"),
            version: version.map(str::to_owned),
        })
    }
}

/// A key of a Key Vault (`az keyvault key list`, `az keyvault key show`,
/// `az keyvault key rotation-policy show`, and ARM's `vaults/keys`).
#[derive(Clone, Debug)]
pub struct VaultKey {
    /// Its name, by its URL.
    pub name: KeyName,
    /// Its switch.
    pub enabled: Setting,
    /// Begin of its validity; absent where there is none.
    pub not_before: Setting,
    /// End of its validity; absent where there is none.
    pub expires: Setting,
    /// Action of its rotation policy, as in `Rotate`.
    pub rotation: Setting,
    /// Set where the rotation policy was exported.
    pub has_policy: bool,
    /// Places of the files that its fields stood in, by their paths.
    stood_in: BTreeMap<&'static str, u32>,
}

impl VaultKey {
    /// Reads a key, or its rotation policy; `None` for other JSON.
    pub(super) fn of(node: JsonNode<'_>) -> Option<Self> {
        let urls = ["kid", "key.kid", "id", "keyUriWithVersion", "keyUri"];
        let mut urls = urls.iter().filter_map(|path| node.text(path));
        let policies = ["lifetimeActions", "rotationPolicy.lifetimeActions"];
        let policy = policies.into_iter().find(|path| node.has(path));
        let rotates = policy.is_some_and(|path| node.list(path).any(is_rotation));
        Some(Self {
            name: urls.find_map(KeyName::of)?,
            enabled: node.setting("attributes.enabled"),
            not_before: node.first_setting(["attributes.notBefore", "attributes.nbf"]),
            expires: node.first_setting(["attributes.expires", "attributes.exp"]),
            rotation: Setting::new(
                policy.unwrap_or(policies[0]),
                rotates.then(|| "Rotate".to_owned()),
            ),
            has_policy: policy.is_some(),
            stood_in: BTreeMap::new(),
        })
    }

    /// Notes the file that it stood in, by its place.
    pub(super) fn stand_in(&mut self, place: u32) {
        let settings = [&self.enabled, &self.not_before, &self.expires];
        let told = settings.into_iter().filter(|it| !it.is_absent());
        let paths: Vec<&'static str> = told
            .chain(self.has_policy.then_some(&self.rotation))
            .map(|setting| setting.path)
            .collect();
        self.stood_in
            .extend(paths.into_iter().map(|path| (path, place)));
        self.stood_in.insert("", place);
    }

    /// Place of the file that a field stood in, or would have.
    pub(super) fn file_of(&self, path: &str) -> Option<u32> {
        let known = self.stood_in.get(path).or_else(|| self.stood_in.get(""));
        known.copied()
    }

    /// Adds fields of another export of the same key.
    fn add(&mut self, other: Self) {
        self.add_policy(&other);
        for (own, other) in [
            (&mut self.enabled, other.enabled),
            (&mut self.not_before, other.not_before),
            (&mut self.expires, other.expires),
        ] {
            if own.is_absent() {
                *own = other;
            }
        }
        for (path, place) in other.stood_in {
            self.stood_in.entry(path).or_insert(place);
        }
    }

    /// Adds the rotation policy of another export, which is one for all versions.
    fn add_policy(&mut self, other: &Self) {
        if other.has_policy && !self.has_policy {
            self.rotation.clone_from(&other.rotation);
            self.has_policy = true;
            let place = other.file_of(other.rotation.path);
            self.stood_in
                .extend(place.map(|place| (other.rotation.path, place)));
        }
    }
}

fn is_rotation(action: JsonNode<'_>) -> bool {
    let named = action.text("action").or(action.text("action.type"));
    named.is_some_and(|name| name.eq_ignore_ascii_case("rotate"))
}

/// All keys of the exports.
#[derive(Clone, Debug, Default)]
pub struct VaultKeys(BTreeMap<KeyName, VaultKey>);

impl VaultKeys {
    pub(super) fn add(&mut self, key: VaultKey) {
        match self.0.get_mut(&key.name) {
            Some(known) => known.add(key),
            None => drop(self.0.insert(key.name.clone(), key)),
        }
    }

    /// Names of all keys, without their versions.
    pub(super) fn names(&self) -> BTreeSet<&str> {
        self.0.keys().map(|name| &name.key[..]).collect()
    }

    /// The key at a URL, with the policy that all its versions share. A list of keys tells of
    /// the current version, which stands for the one of the URL where that was not exported;
    /// another version does not.
    #[must_use]
    pub fn at(&self, url: &str) -> Option<VaultKey> {
        let name = KeyName::of(url)?;
        let all = self.0.values().filter(|it| it.name.key == name.key);
        let mut versions = all.clone().filter(|it| it.name.version.is_some());
        let current = KeyName {
            version: None,
            ..name.clone()
        };
        let found = match (self.0.get(&name), name.version) {
            (None, None) => versions.next().filter(|_| versions.next().is_none()),
            (known, _) => known.or_else(|| self.0.get(&current)),
        };
        let mut key = found?.clone();
        all.for_each(|other| key.add_policy(other));
        Some(key)
    }
}

/// A role that someone has (`az role assignment list`).
#[derive(Clone, Debug)]
pub struct RoleAssignment {
    /// Its id.
    pub id: ResourceId,
    /// Object id of who has it, in lower case.
    pub principal: String,
    /// Kind of who has it, as in `ServicePrincipal` or `Group`.
    pub principal_type: Setting,
    /// Id of the role's definition.
    pub role: Setting,
    /// Name of the role, which ARM leaves out.
    pub role_name: Option<String>,
    /// Condition of it; absent for none.
    pub condition: Setting,
    /// Id of the resource, group or subscription that it is for, in lower case.
    pub scope: String,
}

impl RoleAssignment {
    pub(super) fn of(id: ResourceId, node: JsonNode<'_>) -> Self {
        let text = |path| node.text(path).unwrap_or_default().to_ascii_lowercase();
        Self {
            id,
            principal: text("principalId"),
            principal_type: node.setting("principalType"),
            role: node.first_setting(["roleDefinitionId", "roleDefinitionName"]),
            role_name: node.owned("roleDefinitionName"),
            condition: node.setting("condition"),
            scope: text("scope"),
        }
    }

    /// Tells if it is for a resource, by itself or by what encloses it.
    #[must_use]
    pub fn covers(&self, id: &ResourceId) -> bool {
        let scope = self.scope.trim_end_matches('/');
        let rest = id.key().strip_prefix(scope);
        let is_given = !self.scope.is_empty();
        is_given && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    /// Tells if it is for a management group: no export tells what that has.
    #[must_use]
    pub fn is_of_management_group(&self) -> bool {
        let group = "/providers/microsoft.management/managementgroups/";
        self.scope.starts_with(group)
    }

    /// Tells if it is for less than a whole subscription, as a list with `--all` has them.
    #[must_use]
    pub fn is_within(&self, subscription: &str) -> bool {
        let whole = format!("/subscriptions/{subscription}/");
        self.scope.starts_with(&whole)
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
