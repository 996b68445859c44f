//! Rights of a file system on its key, by roles and by access policies, and the versions of a
//! key: each passes, fails and is unknown, in both shapes of JSON.

use std::slice;

use plainsight::azure::checks::{Check, CheckKind, CheckTimes, Outcome};
use plainsight::report::posture::{PostureReport, Wishes};
use plainsight::verdict::Servers;
use serde_json::{Value, json};

use crate::support::azure::{arm, azure, base, of_base};
use Outcome::{Fail, Pass, Unknown};

const OWN: &str = "0c0c0c0c-0000-4000-8000-000000000002";
const SUBSCRIPTION: &str = "/subscriptions/11111111-2222-3333-4444-555555555555";
const BUILT_IN: &str = "/providers/Microsoft.Authorization/roleDefinitions";

/// The check of a kind, which both shapes agree on.
fn told(resources: &[Value], kind: CheckKind) -> Check {
    let in_arm: Vec<Value> = resources.iter().map(arm).collect();
    let [one, other] = [resources.to_vec(), in_arm].map(|shape| {
        let wishes = Wishes {
            times: CheckTimes {
                since_days: None,
                now: Some("2026-11-27T00:00:00Z".parse().unwrap()),
            },
            ..Wishes::default()
        };
        let report = PostureReport::with(&azure(shape), &Servers::default(), &wishes);
        let mut of_kind = report.all_checks().filter(|check| check.check == kind);
        let check = of_kind.next().expect("a check").clone();
        assert!(of_kind.next().is_none());
        check
    });
    assert_eq!(one, other);
    one
}

/// The base with other role assignments. Another of somebody shows that all were exported.
fn with_roles(roles: &[Value]) -> Vec<Value> {
    let mut all = base();
    all.retain(|it| !it["principalId"].is_string());
    let vault = of_base("hpc-keys")["id"].as_str().unwrap().to_owned();
    let other = json!({
        "principalId": "0e0e0e0e-0000-4000-8000-000000000009", "principalType": "User",
        "roleDefinitionName": "Reader", "scope": format!("{SUBSCRIPTION}/resourceGroups/hpc"),
    });
    for (number, role) in (1..).zip(roles.iter().chain([&other])) {
        let mut role = role.clone();
        let scope = role["scope"].as_str().unwrap_or(&vault).to_owned();
        let name = format!("0d0d0d0d-0000-4000-8000-00000000000{number}");
        let under = scope.trim_end_matches('/');
        let id = format!("{under}/providers/Microsoft.Authorization/roleAssignments/{name}");
        role["id"] = json!(id);
        role["name"] = json!(name);
        role["type"] = json!("Microsoft.Authorization/roleAssignments");
        role["scope"] = json!(scope);
        all.push(role);
    }
    all
}

fn role(changes: &[(&str, Value)]) -> Value {
    let mut role = json!({
        "principalId": OWN, "principalType": "ServicePrincipal",
        "roleDefinitionId": format!("{BUILT_IN}/e147488a-f6f5-4113-8e2d-b22465e65bf6"),
    });
    for (key, value) in changes {
        role[*key] = value.clone();
    }
    role
}

/// Roles, the changes that make them, and the outcome.
type Row<'a> = (&'a str, &'a [(&'a str, Value)], Outcome);

#[rustfmt::skip]
#[test]
fn roles_give_rights_or_may_give_them() {
    let vault = of_base("hpc-keys")["id"].as_str().unwrap().to_owned();
    let other = json!("0e0e0e0e-0000-4000-8000-000000000001");
    let custom = json!(format!(
        "{SUBSCRIPTION}{BUILT_IN}/aaaaaaaa-0000-4000-8000-00000000000a"
    ));
    let reader = json!(format!("{BUILT_IN}/21090545-7ca7-4776-b22c-e363652d74d2"));
    let groups = "/providers/Microsoft.Management/managementGroups/all";
    let rows: [Row<'_>; 17] = [
        ("its own", &[], Pass),
        ("by its name", &[("roleDefinitionId", json!(null)),
            ("roleDefinitionName", json!("key vault crypto user"))], Pass),
        ("on the group", &[("scope", json!(format!("{SUBSCRIPTION}/resourceGroups/HPC")))], Pass),
        ("on all", &[("scope", json!("/"))], Pass),
        ("on the key", &[("scope", json!(format!("{vault}/keys/lustre")))], Pass),
        ("on another key", &[("scope", json!(format!("{vault}/keys/other")))], Fail),
        ("on another vault", &[("scope", json!(format!("{vault}2")))], Fail),
        ("on a management group", &[("scope", json!(groups))], Unknown),
        ("with a condition", &[("condition", json!("@Resource[x] StringEquals 'y'"))], Unknown),
        ("a custom role", &[("roleDefinitionId", custom)], Unknown),
        ("a custom role by name", &[("roleDefinitionId", json!(null)),
            ("roleDefinitionName", json!("HPC keys"))], Unknown),
        ("a role without rights", &[("roleDefinitionId", reader.clone())], Fail),
        ("somebody else's", &[("principalId", other.clone())], Fail),
        ("a group's", &[("principalId", other.clone()), ("principalType", json!("Group"))], Unknown),
        ("nobody knows whose", &[("principalId", other.clone()), ("principalType", json!(null))],
            Unknown),
        ("a group's without rights", &[("principalId", other), ("principalType", json!("Group")),
            ("roleDefinitionId", reader)], Fail),
        ("none", &[("principalId", json!(null))], Fail),
    ];
    for (what, changes, outcome) in rows {
        let all = with_roles(&[role(changes)]);
        let check = told(&all, CheckKind::KeyAccess);
        assert_eq!(check.outcome, outcome, "{what}: {}", check.says);
        let expected = format!(
            "az role assignment create --subscription 11111111-2222-3333-4444-555555555555 \
             --assignee-object-id {OWN} --assignee-principal-type ServicePrincipal --role 'Key \
             Vault Crypto Service Encryption User' --scope {vault}"
        );
        let remedy = (outcome == Fail).then_some(expected);
        assert_eq!(check.remedy, remedy, "{what}");
    }
}

/// A right without a condition stands beside others that may be none.
#[test]
fn the_best_of_several_roles_counts() {
    let doubtful = role(&[("condition", json!("x"))]);
    let all = with_roles(&[doubtful.clone(), role(&[]), doubtful]);
    assert_eq!(told(&all, CheckKind::KeyAccess).outcome, Pass);
}

/// Without `--all`, az lists the roles of the subscription alone.
#[test]
fn roles_that_were_not_exported_are_no_failure() {
    let own = role(&[("principalId", json!("0e0e0e0e-0000-4000-8000-000000000001"))]);
    let whole = |scope: &str| {
        let mut all = with_roles(slice::from_ref(&own));
        all.retain(|it| !it["principalId"].is_string());
        let id = "providers/Microsoft.Authorization/roleAssignments/x";
        let mut role = own.clone();
        role["id"] = json!(format!("{scope}/{id}"));
        role["scope"] = json!(scope);
        all.push(role);
        told(&all, CheckKind::KeyAccess).outcome
    };
    assert_eq!(whole(SUBSCRIPTION), Unknown);
    let elsewhere = "/subscriptions/99999999-2222-3333-4444-555555555555/resourceGroups/hpc";
    assert_eq!(whole(elsewhere), Unknown);
    assert_eq!(whole(&format!("{SUBSCRIPTION}/resourceGroups/other")), Fail);
}

#[test]
fn identities_without_an_id_leave_it_open() {
    let mut all = with_roles(&[]);
    let fs1 = all.iter_mut().find(|it| it["name"] == "fs1").unwrap();
    let second = format!(
        "{SUBSCRIPTION}/resourceGroups/hpc/providers/Microsoft.ManagedIdentity/userAssignedIdentities/second"
    );
    fs1["identity"]["userAssignedIdentities"][second] = json!({"clientId": "x"});
    assert_eq!(told(&all, CheckKind::KeyAccess).outcome, Unknown);
}

#[test]
fn access_policies_are_those_of_the_identity() {
    let vault = |rbac: Value, policies: Value| {
        let mut all = base();
        let vault = all.iter_mut().find(|it| it["name"] == "hpc-keys").unwrap();
        vault["properties"]["enableRbacAuthorization"] = rbac;
        vault["properties"]["accessPolicies"] = policies;
        told(&all, CheckKind::KeyAccess)
    };
    let policy =
        |who: &str, rights: &[&str]| json!([{"objectId": who, "permissions": {"keys": rights}}]);
    let all = ["get", "wrapKey", "unwrapKey"];
    let own = vault(json!(false), policy(&OWN.to_uppercase(), &all));
    assert_eq!(own.outcome, Pass);
    let lacking = vault(json!(false), policy(OWN, &all[..2]));
    assert_eq!(lacking.outcome, Fail);
    let expected = format!(
        "az keyvault set-policy --subscription 11111111-2222-3333-4444-555555555555 \
         --resource-group hpc --name hpc-keys --object-id {OWN} --key-permissions get wrapKey \
         unwrapKey"
    );
    assert_eq!(lacking.remedy, Some(expected));
    // An old export may not say which of the two counts.
    assert_eq!(vault(json!(null), policy(OWN, &all)).outcome, Pass);
    assert_eq!(vault(json!(null), json!([])).outcome, Unknown);
}

#[test]
fn soft_delete_is_not_taken_for_granted() {
    let vault = |soft: Value, purge: Value| {
        let mut all = base();
        let vault = all.iter_mut().find(|it| it["name"] == "hpc-keys").unwrap();
        vault["properties"]["enableSoftDelete"] = soft;
        vault["properties"]["enablePurgeProtection"] = purge;
        told(&all, CheckKind::KeyVaultProtection).outcome
    };
    assert_eq!(vault(json!(true), json!(true)), Pass);
    assert_eq!(vault(json!(null), json!(true)), Unknown);
    assert_eq!(vault(json!(null), json!(null)), Fail);
    assert_eq!(vault(json!(false), json!(true)), Fail);
    assert_eq!(vault(json!(true), json!(null)), Fail);
    assert_eq!(vault(json!(true), json!("perhaps")), Unknown);
}

/// The base with keys in place of its own.
fn with_keys(keys: &[Value]) -> Vec<Value> {
    let mut all = base();
    all.retain(|it| !it["kid"].is_string());
    all.extend(keys.iter().cloned());
    all
}

const KEY: &str = "https://hpc-keys.vault.azure.net/keys/lustre";

#[test]
fn a_key_is_valid_between_its_begin_and_its_end() {
    let of = |attributes: Value| {
        let check = told(
            &with_keys(&[json!({"kid": KEY, "attributes": attributes})]),
            CheckKind::KeyValidity,
        );
        (check.outcome, check.field.unwrap().path)
    };
    let is = |outcome, path: &str| (outcome, format!("attributes.{path}"));
    let (past, future) = ("2026-01-01T00:00:00+00:00", "2027-11-01T00:00:00+00:00");
    let on =
        |begin: Value, end: Value| of(json!({"enabled": true, "notBefore": begin, "expires": end}));
    assert_eq!(on(json!(null), json!(null)), is(Pass, "enabled"));
    assert_eq!(on(json!(past), json!(null)), is(Pass, "notBefore"));
    assert_eq!(on(json!(future), json!(null)), is(Fail, "notBefore"));
    assert_eq!(on(json!(past), json!(future)), is(Pass, "expires"));
    assert_eq!(on(json!(future), json!(future)), is(Fail, "notBefore"));
    assert_eq!(on(json!(past), json!(past)), is(Fail, "expires"));
    assert_eq!(on(json!("soon"), json!(null)), is(Unknown, "notBefore"));
    // The REST API has seconds since 1970, under other names.
    let rest = json!({"enabled": true, "nbf": 1_800_000_000, "exp": 1_900_000_000});
    assert_eq!(of(rest), is(Fail, "nbf"));
    let rest = json!({"enabled": true, "nbf": 1_700_000_000, "exp": 1_900_000_000});
    assert_eq!(of(rest), is(Pass, "exp"));
}

/// The file system names version 0123 of its key.
#[test]
fn another_version_does_not_stand_for_the_one_in_use() {
    let key =
        |url: &str, enabled: bool| json!({"key": {"kid": url}, "attributes": {"enabled": enabled}});
    let [own, other] = ["0123", "4567"].map(|version| format!("{KEY}/{version}"));
    let of = |keys: &[Value]| told(&with_keys(keys), CheckKind::KeyValidity).outcome;
    assert_eq!(of(&[key(&own, true), key(&other, false)]), Pass);
    assert_eq!(of(&[key(&other, true), key(&own, false)]), Fail);
    assert_eq!(of(&[key(&own, false), key(KEY, true)]), Fail);
    assert_eq!(of(&[key(&other, true)]), Unknown);
    assert_eq!(of(&[key(KEY, true)]), Pass);
    // The policy is that of all versions.
    let rotation = told(&with_keys(&[key(&own, true)]), CheckKind::KeyRotation);
    assert_eq!(rotation.outcome, Pass);
}

/// ARM has keys as resources, and their policies in them.
#[test]
fn keys_of_arm_are_read() {
    let id = format!(
        "{}/keys/lustre",
        of_base("hpc-keys")["id"].as_str().unwrap()
    );
    let of = |action: &str| {
        let mut all = with_keys(&[]);
        all.retain(|it| !it["lifetimeActions"].is_array());
        let actions = json!([{"action": {"type": action}, "trigger": {"timeAfterCreate": "P1Y"}}]);
        all.push(json!({
            "id": id, "type": "Microsoft.KeyVault/vaults/keys", "name": "lustre",
            "properties": {
                "keyUri": KEY, "keyUriWithVersion": format!("{KEY}/0123"),
                "attributes": {"enabled": true, "exp": 1_900_000_000},
                "rotationPolicy": {"lifetimeActions": actions},
            },
        }));
        [CheckKind::KeyValidity, CheckKind::KeyRotation].map(|kind| told(&all, kind))
    };
    let [valid, rotated] = of("rotate");
    assert_eq!((valid.outcome, rotated.outcome), (Pass, Pass));
    let [_, notified] = of("notify");
    assert_eq!(notified.outcome, Fail);
    let field = notified.field.unwrap();
    assert_eq!(field.id, Some(id.clone()));
    assert_eq!(field.path, "rotationPolicy.lifetimeActions");
    assert_eq!(field.file.as_deref(), Some("test"));
}
