//! The JSON of `posture`, held to its description in `posture.schema.json`, and what stays
//! the same whatever the configuration.

use std::fs;

use plainsight::azure::checks::{CheckKind, Outcome};
use plainsight::report::Standing;
use plainsight::verdict::Exit;
use serde_json::{Value, json};

use crate::azure::report;
use crate::support::azure::{azure, base, folder, id, of_base, posture};
use crate::support::program::{plainsight, said};

fn validator(schema: &str) -> jsonschema::Validator {
    let schema: Value = serde_json::from_str(schema).expect("JSON");
    jsonschema::draft202012::meta::validate(&schema).expect("a schema of draft 2020-12");
    jsonschema::options()
        .should_validate_formats(true)
        .build(&schema)
        .expect("a schema")
}

fn assert_described(validator: &jsonschema::Validator, report: &Value) {
    let wrong: Vec<String> = validator
        .iter_errors(report)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert!(wrong.is_empty(), "{}\n{report:#}", wrong.join("\n"));
}

/// The names of all fixtures of causes and traps.
fn fixtures() -> Vec<String> {
    let names = ["causes", "traps"].into_iter().flat_map(|inside| {
        let entries = std::fs::read_dir(folder(inside)).expect("a folder");
        entries.map(move |entry| {
            let name = entry.expect("an entry").file_name();
            format!("{inside}/{}", name.to_string_lossy())
        })
    });
    names.collect()
}

#[test]
fn every_posture_is_as_described() {
    let validator = validator(include_str!("../posture.schema.json"));
    let names = fixtures();
    assert!(names.len() > 20);
    for name in &names {
        let azure = azure(crate::support::azure::with(
            &crate::support::azure::fixture(name),
        ));
        assert_described(&validator, &json!(posture(&azure)));
    }
    assert_described(&validator, &report(&["posture"], &["az"], 0));
    assert_described(&validator, &report(&["posture"], &["az/amlfs.json"], 3));
}

#[test]
fn analyses_with_azure_are_as_described() {
    let validator = validator(include_str!("../report.schema.json"));
    let capture = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/captures/one-path-each-way.pcap"
    );
    for names in [
        &["causes/client-vnet-off.json", "az"][..],
        &["az/nics.json"],
        &["arm"],
    ] {
        assert_described(&validator, &report(&["analyze", capture], names, 1));
    }
}

#[test]
fn what_is_not_described_is_refused() {
    let validator = validator(include_str!("../posture.schema.json"));
    let good = json!(posture(&azure(base())));
    assert!(validator.is_valid(&good));
    for (place, value) in [
        ("/schema_version", json!(2)),
        ("/summary/exit_code", json!(2)),
        ("/paths/0/causes/0/outcome", json!("maybe")),
        ("/paths/0/causes/0/check", json!("moon")),
        ("/paths/0/causes/0/field/path", json!("")),
        ("/paths/0/client/found_by", json!("luck")),
        ("/file_systems/0/checks/0/remedy", json!("rm -rf /")),
        ("/clients/0", json!({})),
    ] {
        let mut bad = good.clone();
        *bad.pointer_mut(place).expect(place) = value;
        assert!(!validator.is_valid(&bad), "{place}");
    }
}

/// Every object says which fields it has, and what each of them means.
#[test]
fn every_field_is_described() {
    fn check(at: &str, schema: &Value) {
        let Some(properties) = schema["properties"].as_object() else {
            return;
        };
        assert_eq!(schema["additionalProperties"], false, "{at}");
        let required = schema["required"].as_array().expect(at);
        for (name, property) in properties {
            assert!(property["description"].is_string(), "{at}/{name}");
            assert!(required.contains(&json!(name)), "{at}/{name}");
            check(&format!("{at}/{name}"), property);
        }
    }
    let schema: Value = serde_json::from_str(include_str!("../posture.schema.json")).unwrap();
    check("", &schema);
    for (name, definition) in schema["$defs"].as_object().unwrap() {
        check(name, definition);
    }
}

#[test]
fn exit_codes_are_those_of_the_contract() {
    use Outcome::{Fail, Note, Pass, Unknown};
    let rows: [(&[Outcome], u8); 9] = [
        (&[], 3),
        (&[Pass], 0),
        (&[Pass, Pass], 0),
        (&[Pass, Unknown], 3),
        (&[Unknown, Fail], 1),
        (&[Fail, Pass], 1),
        (&[Unknown], 3),
        (&[Note, Pass], 0),
        (&[Note, Unknown], 3),
    ];
    for (outcomes, code) in rows {
        assert_eq!(
            Exit::of_checks(outcomes.iter().copied()).code(),
            code,
            "{outcomes:?}"
        );
    }
}

/// Who is neither in the VNet nor in a peered one is no client.
#[test]
fn clients_are_those_in_reach() {
    let text = json!([
        of_base("client-1-nic"),
        of_base("client-vnet"),
        of_base("client-1")
    ])
    .to_string();
    let text = text
        .replace("client-1", "far-1")
        .replace("client-vnet", "far-vnet");
    let text = text
        .replace("server-vnet", "elsewhere-vnet")
        .replace("10.20.1.", "10.99.1.");
    let mut all = base();
    let far: Value = serde_json::from_str(&text).unwrap();
    all.extend(far.as_array().unwrap().clone());
    // Nor is a NIC without a VM, as those of private endpoints are.
    let mut endpoint = of_base("client-1-nic");
    endpoint["id"] = id("Microsoft.Network/networkInterfaces", "endpoint-nic");
    endpoint.as_object_mut().unwrap().remove("virtualMachine");
    endpoint["ipConfigurations"][0]["privateIPAddress"] = json!("10.20.1.99");
    all.push(endpoint);
    let report = posture(&azure(all));
    let clients: Vec<_> = report
        .paths
        .iter()
        .map(|path| path.ends.client.address.as_deref())
        .collect();
    assert_eq!(clients, [Some("10.20.1.4")]);
    // Each VM is named all the same, and why it is on no path.
    let standing: Vec<_> = report
        .clients
        .iter()
        .map(|it| (&it.name[..], it.standing))
        .collect();
    let far = ("far-1", Standing::NoPath);
    assert_eq!(standing, [("client-1", Standing::OnPath), far]);
    let check = &report.clients[1].checks[0];
    assert_eq!(
        (check.check, check.outcome),
        (CheckKind::Reach, Outcome::Note)
    );
    assert!(
        check.says.contains("no peering joins VNet far-vnet"),
        "{}",
        check.says
    );
}

/// A file system without a client in the exports is checked as far as it goes.
#[test]
fn the_servers_end_is_checked_without_clients() {
    let mut all = base();
    all.retain(|it| it["name"] != "client-1-nic" && it["name"] != "client-1");
    let report = posture(&azure(all));
    assert_eq!(report.paths.len(), 1);
    assert_eq!(report.paths[0].ends.client.address, None);
    let outcomes: Vec<_> = report.paths[0]
        .causes
        .iter()
        .take(2)
        .map(|check| check.outcome)
        .collect();
    assert_eq!(outcomes, [Outcome::Unknown, Outcome::Pass]);
}

/// Each width has its lines, and no cell is lost.
#[test]
fn tables_fit_their_page() {
    let report = posture(&azure(crate::support::azure::with(
        &crate::support::azure::fixture("causes/vm-size.json"),
    )));
    for width in [80, 200] {
        let style = plainsight::report::Style {
            width,
            verbose: false,
            ..plainsight::report::Style::default()
        };
        let mut page = Vec::new();
        plainsight::report::POSTURE_FORMATS[0]
            .write(&report, &style, &mut page)
            .unwrap();
        let page = String::from_utf8(page).unwrap();
        let longest = page.lines().map(|line| line.chars().count()).max().unwrap();
        assert!(longest <= width.into(), "{longest}: {page}");
        for word in [
            "fail ",
            "unknown ",
            "pass ",
            "Standard_HB120rs_v3",
            "temporary-disk-encryption",
            "What fails, and no command mends",
            "vm-size: VM client-1 has size",
        ] {
            assert!(page.contains(word), "{word}: {page}");
        }
    }
}

/// Many resources with the same to say share a line, and nothing is followed without end.
#[test]
fn many_clients_share_their_lines() {
    let all = ["client-1-nic", "client-1", "client-1-os"].map(of_base);
    let all = json!(all).to_string();
    let mut resources = base();
    for number in 2..=60 {
        let text = all.replace("client-1", &format!("client-{number}"));
        let text = text.replace("10.20.1.4\"", &format!("10.20.1.{}\"", number + 20));
        let more: Value = serde_json::from_str(&text).unwrap();
        resources.extend(more.as_array().unwrap().clone());
    }
    let report = posture(&azure(resources));
    assert_eq!((report.paths.len(), report.clients.len()), (60, 60));
    let style = plainsight::report::Style {
        width: 200,
        verbose: false,
        ..plainsight::report::Style::default()
    };
    let mut page = Vec::new();
    plainsight::report::POSTURE_FORMATS[0]
        .write(&report, &style, &mut page)
        .unwrap();
    let page = String::from_utf8(page).unwrap();
    let size = "client-1, client-10 and 58 more: hardwareProfile.vmSize = Standard_D8s_v5";
    assert!(page.contains(size), "{page}");
    assert!(
        page.contains("  and 40 more: --format json lists them"),
        "{page}"
    );
    assert!(page.lines().count() < 120, "{page}");
}

/// An address that is in use more often than can be told apart belongs to nobody.
#[test]
fn an_address_of_too_many_is_nobodys() {
    let nic = of_base("client-1-nic").to_string();
    let resources: Vec<Value> = (0..5000)
        .map(|number| {
            serde_json::from_str(&nic.replace("client-1-nic", &format!("nic-{number}"))).unwrap()
        })
        .collect();
    let azure = azure(resources);
    let address = "10.20.1.4".parse::<std::net::IpAddr>().unwrap();
    let ends = azure.ends(address, address);
    assert!(ends.client.nic.is_none() && ends.client.found_by.is_none());
}

/// A requirement that no check answers is open, in each format: without the disks nothing is
/// said of them, and that is no pass.
#[test]
fn a_requirement_without_an_answer_is_open() {
    let dir = tempfile::tempdir().unwrap();
    for entry in fs::read_dir(folder("az")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap();
        if name != "disks.json" {
            fs::copy(&path, dir.path().join(name)).unwrap();
        }
    }
    let required = "disk-export,double-encryption,disk-key-rotation";
    let said_in = |format: &str, more: &[&str], exit_code| {
        let mut command = plainsight(&["posture", "--format", format]);
        command.arg("--azure").arg(dir.path()).args(more);
        said(&mut command, exit_code)
    };
    let more = ["--require", required];
    let report: Value = serde_json::from_str(&said_in("json", &more, 3)).unwrap();
    let open = |of: &Value| {
        let checks = of["checks"].as_array().unwrap().iter();
        let open = checks.filter(|it| it["outcome"] == "unknown");
        let says = open.map(|it| it["says"].as_str().unwrap());
        says.filter(|says| says.contains("it is required")).count()
    };
    // Of the rotation nothing tells; the VM tells of a disk.
    assert_eq!((open(&report), open(&report["clients"][0])), (1, 2));
    assert_eq!(report["summary"]["unknown"], 3);
    assert_described(&validator(include_str!("../posture.schema.json")), &report);
    let table = said_in("table", &more, 3);
    let words: Vec<&str> = table.split_whitespace().collect();
    let told = words.join(" ").matches("it is required").count();
    // Two checks of one disk say the same.
    assert_eq!(told, 2, "{table}");
    assert_eq!(said_in("junit", &more, 3).matches("<error ").count(), 3);
    let sarif: Value = serde_json::from_str(&said_in("sarif", &more, 3)).unwrap();
    let results = sarif["runs"][0]["results"].as_array().unwrap().iter();
    assert_eq!(results.filter(|it| it["kind"] == "open").count(), 3);
}

/// Servers are not locked down where a rule lets in whoever is behind a service tag or in an
/// application security group: nobody can tell from exports who that is. All of Azure is
/// anybody; Azure Monitor has to get in.
#[test]
fn a_tag_or_a_group_of_others_is_no_lock() {
    let opened = |more: Value| {
        let mut rule = json!({
            "name": "odd", "priority": 115, "direction": "Inbound", "access": "Allow",
            "protocol": "Tcp", "sourcePortRange": "*", "destinationAddressPrefix": "*",
            "destinationPortRange": "988",
        });
        let more = more.as_object().unwrap().clone();
        rule.as_object_mut().unwrap().extend(more);
        let dir = tempfile::tempdir().unwrap();
        for entry in fs::read_dir(folder("az")).unwrap() {
            let path = entry.unwrap().path();
            fs::copy(&path, dir.path().join(path.file_name().unwrap())).unwrap();
        }
        let file = dir.path().join("nsgs.json");
        let mut groups: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
        let groups_ = groups.as_array_mut().unwrap().iter_mut();
        for group in groups_.filter(|group| group["name"] == "amlfs-nsg") {
            group["securityRules"]
                .as_array_mut()
                .unwrap()
                .push(rule.clone());
        }
        fs::write(&file, groups.to_string()).unwrap();
        let mut command = plainsight(&["posture"]);
        let output = command.arg("--azure").arg(dir.path()).output().unwrap();
        output.status.code()
    };
    let tag = |tag: &str| opened(json!({"sourceAddressPrefix": tag}));
    for open in ["Storage", "Storage.EastUS", "AzureDatabricks", "nonsense"] {
        assert_eq!(tag(open), Some(3), "{open}");
    }
    for anybody in ["AzureCloud", "AzureCloud.eastus", "Internet"] {
        assert_eq!(tag(anybody), Some(1), "{anybody}");
    }
    for needed in ["AzureMonitor", "AzureLoadBalancer", "10.20.1.0/26"] {
        assert_eq!(tag(needed), Some(0), "{needed}");
    }
    let group = id("Microsoft.Network/applicationSecurityGroups", "some");
    let of_group = json!({"sourceApplicationSecurityGroups": [{"id": group}]});
    assert_eq!(opened(of_group), Some(3));
}
