//! What is read, whatever the shape, the letters and the files.

use std::fs;
use std::path::PathBuf;

use plainsight::azure::export::{Export, ExportError};
use plainsight::azure::topology::Azure;
use plainsight::azure::vm_sizes::VmSizes;
use serde_json::{Value, json};

use crate::support::azure::{
    MGS, azure, base, changed, fixture, folder, id, of_base, path_to, posture,
};

fn read(folders: &[PathBuf]) -> Azure {
    Azure::new(Export::read(folders).expect("exports"), VmSizes::default())
}

/// A report in JSON, without the files that fields stood in.
fn without_files(report: impl serde::Serialize) -> Value {
    fn strip(value: &mut Value) {
        match value {
            Value::Array(items) => items.iter_mut().for_each(strip),
            Value::Object(members) => {
                members.remove("file");
                members.values_mut().for_each(strip);
            }
            _ => {}
        }
    }
    let mut value = json!(report);
    strip(&mut value);
    value
}

#[test]
fn both_shapes_say_the_same() {
    let [az, arm] = ["az", "arm"].map(|shape| posture(&read(&[folder(shape)])));
    assert_eq!(without_files(&az.paths), without_files(&arm.paths));
    assert_eq!(
        without_files(&az.file_systems),
        without_files(&arm.file_systems)
    );
    assert_eq!(without_files(&az.clients), without_files(&arm.clients));
    assert_eq!((az.warnings, arm.warnings), (Vec::new(), Vec::new()));
    assert_eq!(
        (az.paths.len(), az.file_systems.len(), az.clients.len()),
        (1, 1, 1)
    );
}

/// The same JSON with its keys in other letters.
fn lettered(value: &Value, letters: fn(&str) -> String) -> Value {
    match value {
        Value::Array(items) => items.iter().map(|item| lettered(item, letters)).collect(),
        Value::Object(members) => members
            .iter()
            .map(|(key, member)| (letters(key), lettered(member, letters)))
            .collect(),
        other => other.clone(),
    }
}

#[test]
fn keys_may_be_in_any_letters() {
    let good = posture(&azure(base()));
    let title = |key: &str| key[..1].to_uppercase() + &key[1..];
    for letters in [str::to_uppercase, str::to_lowercase, title] {
        let other = base().iter().map(|it| lettered(it, letters)).collect();
        assert_eq!(posture(&azure(other)), good);
    }
}

/// Ids come in other letters in one export than in another.
#[test]
fn ids_may_be_in_any_letters() {
    let mut nic = of_base("client-1-nic");
    let subnet = &mut nic["ipConfigurations"][0]["subnet"]["id"];
    *subnet = json!(subnet.as_str().unwrap().to_uppercase());
    let mut all = base();
    all.retain(|it| it["name"] != "client-1-nic");
    all.push(nic);
    assert_eq!(path_to(&azure(all), MGS), path_to(&azure(base()), MGS));
}

#[test]
fn a_resource_in_several_files_counts_once() {
    let all = [folder("az"), folder("arm"), folder("az/nics.json")];
    let report = posture(&read(&all));
    let alone = posture(&azure(base()));
    assert_eq!(without_files(&report.paths), without_files(&alone.paths));
    assert_eq!(report.warnings, Vec::<String>::new());
}

#[test]
fn exports_of_a_resource_add_up() {
    let mut listed = of_base("client-1");
    listed.as_object_mut().unwrap().remove("hardwareProfile");
    let viewed = json!({
        "id": listed["id"].as_str().unwrap().to_lowercase(),
        "hardwareProfile": {"vmSize": "Standard_D8s_v5"},
    });
    let mut all = base();
    all.retain(|it| it["name"] != "client-1");
    all.extend([listed, viewed]);
    assert_eq!(path_to(&azure(all), MGS), path_to(&azure(base()), MGS));
}

#[test]
fn exports_that_differ_are_told() {
    let dir = tempfile::tempdir().unwrap();
    let off = changed(of_base("client-vnet"), "/encryption/enabled", json!(false));
    fs::write(dir.path().join("older.json"), off.to_string()).unwrap();
    for (paths, outcome) in [
        ([dir.path().to_owned(), folder("az")], "fail"),
        ([folder("az"), dir.path().to_owned()], "pass"),
    ] {
        let azure = read(&paths);
        assert_eq!(
            azure.export.warnings.len(),
            1,
            "{:?}",
            azure.export.warnings
        );
        assert!(
            azure.export.warnings[0]
                .contains("client-vnet in resource group hpc differs in encryption.enabled")
        );
        assert_eq!(path_to(&azure, MGS)[0].outcome.name(), outcome);
    }
}

/// Two exports of all, of which one is older, differ everywhere: a few are told.
#[test]
fn of_many_differences_a_few_are_told() {
    let nic = |name: usize, on: bool| {
        let mut nic = of_base("client-1-nic");
        nic["id"] = id(
            "Microsoft.Network/networkInterfaces",
            &format!("nic-{name}"),
        );
        nic["enableAcceleratedNetworking"] = json!(on);
        nic
    };
    let of = |count: usize| {
        let all = (0..count).flat_map(|name| [nic(name, true), nic(name, false)]);
        Export::of("both.json", all.collect()).warnings
    };
    assert_eq!(of(5).len(), 5);
    let told = of(300);
    assert_eq!(told.len(), 6);
    assert!(told[5].starts_with("and 295 more"), "{told:?}");
    // Nor does a file list all that is not read in it.
    let strangers = (0..300).map(|name| json!({"type": format!("a/{name}")}));
    let told = Export::of("odd.json", strangers.collect()).warnings;
    assert!(told.len() <= 21, "{}", told.len());
    let counted = told.iter().map(|warning| {
        let words = warning.strip_prefix("odd.json: ").unwrap();
        words.split(' ').next().unwrap().parse().unwrap_or(1)
    });
    assert_eq!(counted.sum::<u64>(), 300);
}

/// A file counts as a whole: nothing of one that is cut is used.
#[test]
fn resources_before_a_fault_do_not_count() {
    let dir = tempfile::tempdir().unwrap();
    let whole = json!([of_base("client-vnet"), of_base("fs1")]).to_string();
    fs::write(dir.path().join("good.json"), "[]").unwrap();
    for text in [
        &whole[..whole.len() - 1],
        &format!("{whole}]"),
        &format!("{{\"value\":{whole}"),
    ] {
        fs::write(dir.path().join("cut.json"), text).unwrap();
        let export = Export::read(&[dir.path().to_owned()]).unwrap();
        assert_eq!(
            (export.vnets.len(), export.file_systems.len()),
            (0, 0),
            "{text}"
        );
        assert_eq!(export.warnings.len(), 1);
    }
}

#[test]
fn lists_of_arm_hold_their_resources_in_value() {
    let vnets = json!([of_base("client-vnet"), of_base("server-vnet")]);
    let keys = ["value", "Value"];
    for list in keys.map(|key| json!({"nextLink": "https://x", key: vnets, "@odata": 1})) {
        let export = Export::of("list.json", list);
        assert_eq!(export.vnets.len(), 2);
        let next = "list.json: one page of a list, whose next page is named and not here";
        assert_eq!(export.warnings, [next]);
        assert!(export.is_paged());
        // Nothing is sure of an estate of which a part is here.
        let checks = posture(&Azure::new(export, VmSizes::default())).checks;
        assert_eq!(checks[0].outcome.name(), "unknown");
    }
    let last = json!({"nextLink": null, "value": vnets});
    assert!(!Export::of("list.json", last).is_paged());
}

/// Azure Resource Graph lists in `data`, and names the next page in `skip_token`.
#[test]
fn lists_of_the_resource_graph_hold_their_resources_in_data() {
    let all: Vec<Value> = base().iter().map(crate::support::azure::arm).collect();
    for (token, is_paged) in [(json!(null), false), (json!("x"), true)] {
        let list = json!({"count": all.len(), "data": all, "skip_token": token});
        let export = Export::of("graph.json", list);
        assert_eq!(export.is_paged(), is_paged);
        let report = posture(&Azure::new(export, VmSizes::default()));
        let alone = posture(&azure(base()));
        assert_eq!(without_files(&report.paths), without_files(&alone.paths));
    }
}

/// Commands that append to a file leave documents in a row.
#[test]
fn documents_may_stand_in_a_row() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("all.json");
    let rows: Vec<String> = base().iter().map(ToString::to_string).collect();
    for (text, is_whole) in [
        (rows.join("\n"), true),
        (format!("[{}]\n[{}]", rows.join(","), rows[0]), true),
        (rows.concat(), true),
        (format!("{} x", rows.join(" ")), false),
    ] {
        fs::write(&path, &text).unwrap();
        let read_ = Export::read(std::slice::from_ref(&path));
        assert_eq!(read_.is_ok(), is_whole);
        if let Ok(export) = read_ {
            assert_eq!(export.inventory.files[0].size, text.len() as u64);
            let report = posture(&Azure::new(export, VmSizes::default()));
            assert_eq!(report.paths.len(), 1);
        }
    }
}

/// References and ids of the same resource in other letters are no difference.
#[test]
fn letters_of_ids_are_no_difference() {
    let nic = of_base("client-1-nic");
    let text = nic.to_string().replace("resourceGroups", "resourcegroups");
    let other: Value = serde_json::from_str(&text).unwrap();
    assert_ne!(nic, other);
    assert_eq!(Export::of("both", json!([nic, other])).warnings, [""; 0]);
}

/// `az resource list` prints no properties, so nothing fails for them.
#[test]
fn exports_without_properties_say_nothing() {
    let bare = |it: &Value| json!({"id": it["id"], "name": it["name"], "properties": null});
    let mut all: Vec<Value> = base().iter().map(bare).collect();
    let report = posture(&azure(all.clone()));
    assert_eq!(report.summary.fail, 0, "{report:#?}");
    // What other exports say of the same resources counts as it does alone.
    all.extend(base());
    let report = posture(&azure(all));
    assert_eq!(report.summary, posture(&azure(base())).summary);
    // Nor does a VNet fail whose encryption --query left out.
    let vnet = of_base("client-vnet");
    let query =
        json!({"id": vnet["id"], "addressSpace": vnet["addressSpace"], "subnets": vnet["subnets"]});
    let mut all = base();
    all.retain(|it| it["id"] != vnet["id"]);
    all.push(query);
    assert_eq!(path_to(&azure(all), MGS)[0].outcome.name(), "unknown");
}

/// VNets nested in peerings of VNets take memory once, not once for each level.
#[test]
fn nested_vnets_are_read_once() {
    let id = |depth: usize| id("Microsoft.Network/virtualNetworks", &format!("v{depth}"));
    let fill = "x".repeat(10_000);
    let nested = (0..60).fold(
        json!({"id": id(60)}),
        |inner, depth| json!({"id": id(depth), "tags": fill, "virtualNetworkPeerings": [inner]}),
    );
    let export = Export::of("nested", nested);
    assert_eq!(export.vnets.len(), 61);
}

#[test]
fn what_is_no_resource_is_counted_and_named() {
    let strangers = json!([
        {"id": id("Microsoft.Network/publicIPAddresses", "ip"), "type": "Microsoft.Network/publicIPAddresses"},
        {"id": id("Microsoft.Network/publicIPAddresses", "ip2")},
        {"name": "x", "type": "Microsoft.Network/virtualNetworks"},
        {"statuses": [{"code": "PowerState/running"}]},
        {"records": []},
        17,
        null,
        "text",
        [],
    ]);
    let export = Export::of("odd.json", strangers);
    assert_eq!(
        export.warnings,
        [
            "odd.json: passed over: Microsoft.Network/virtualNetworks without an id",
            "odd.json: passed over: a flow log, which says what was sent and not how it is configured",
            "odd.json: passed over: an instance view that names no VM: az vm get-instance-view names it",
            "odd.json: 2 passed over: microsoft.network/publicipaddresses says nothing here",
            "odd.json: 4 passed over: no resource: it has no id",
        ]
    );
}

#[test]
fn files_may_be_in_utf_16_and_have_a_mark() {
    let text = fixture("az/vnets.json").to_string();
    let wide = |bytes: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(bytes).collect::<Vec<u8>>();
    let ways = [
        [b"\xef\xbb\xbf".to_vec(), text.clone().into_bytes()].concat(),
        [vec![0xff, 0xfe], wide(u16::to_le_bytes)].concat(),
        [vec![0xfe, 0xff], wide(u16::to_be_bytes)].concat(),
    ];
    let dir = tempfile::tempdir().unwrap();
    for bytes in ways {
        let path = dir.path().join("vnets.json");
        fs::write(&path, bytes).unwrap();
        let export = Export::read(&[path]).unwrap();
        assert_eq!(export.vnets.len(), 2);
        assert_eq!(export.peerings.len(), 2);
    }
}

#[test]
fn broken_files_of_a_folder_are_passed_over() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    fs::write(at("cut.json"), "[{\"id\": ").unwrap();
    fs::write(at("deep.json"), "[".repeat(100_000)).unwrap();
    fs::write(at("latin.json"), b"[\"\xe9\"]").unwrap();
    let none = |error: ExportError| error.to_string();
    let error = none(Export::read(&[dir.path().to_owned()]).unwrap_err());
    assert!(error.contains("holds no JSON that can be read"), "{error}");
    fs::write(at("good.json"), "[]").unwrap();
    let export = Export::read(&[dir.path().to_owned()]).unwrap();
    let named = ["cut.json", "deep.json", "latin.json"];
    assert_eq!(export.warnings.len(), named.len());
    for (warning, name) in export.warnings.iter().zip(named) {
        assert!(
            warning.contains(name) && warning.contains("not JSON"),
            "{warning}"
        );
    }
    // A broken file that is named itself is an error, whatever is named beside it.
    let error = none(Export::read(&[at("good.json"), at("cut.json")]).unwrap_err());
    assert!(error.contains("cut.json"), "{error}");
    let error = none(Export::read(&[at("missing")]).unwrap_err());
    assert!(
        error.contains("cannot read") && error.contains("missing"),
        "{error}"
    );
    fs::create_dir(at("bare")).unwrap();
    let error = none(Export::read(&[at("bare")]).unwrap_err());
    assert!(
        error.contains("bare") && error.contains("no files"),
        "{error}"
    );
}

#[test]
fn a_file_beyond_the_limit_is_not_read() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("large.json");
    let file = fs::File::create(&path).unwrap();
    file.set_len(plainsight::azure::export::MAX_LEN + 1)
        .unwrap();
    let error = Export::read(&[path]).unwrap_err().to_string();
    assert!(error.contains("larger than 64 MiB"), "{error}");
}
