//! Exports of a large estate: the fixtures of one client and one file system, many times over.
//! Each file system has its VNet and two VNets of clients, and the rest of the VMs stand in VNets
//! that nothing joins with any.

use std::fs;
use std::io;
use std::path::Path;

use serde_json::{Value, json};

/// File systems, each in a VNet of its own.
pub const FILE_SYSTEMS: usize = 12;
/// VNets of clients of each file system.
const CLIENT_VNETS: usize = 2;
/// VMs in each of those.
const CLIENTS: usize = 75;
/// VNets that nothing is joined with.
const LONELY_VNETS: usize = 4;
/// VMs in each of those.
const LONELY: usize = 50;
/// All VNets.
pub const VNETS: usize = FILE_SYSTEMS * (1 + CLIENT_VNETS) + LONELY_VNETS;
/// All VMs.
pub const VMS: usize = PATHS + LONELY_VNETS * LONELY;
/// Paths from clients to file systems.
pub const PATHS: usize = FILE_SYSTEMS * CLIENT_VNETS * CLIENTS;
/// Of so many VMs one has a size that cannot encrypt.
const UNSUPPORTED: usize = 10;

/// Fixtures that the estate is made of.
const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/azure/az");

/// Writes the exports of the estate into a folder, a file for each kind of resource.
pub fn write(folder: &Path) -> io::Result<()> {
    let mut estate = Estate::default();
    for at in 0..FILE_SYSTEMS {
        estate.file_system(at)?;
    }
    for at in 0..LONELY_VNETS {
        let number = FILE_SYSTEMS * CLIENT_VNETS + at;
        estate.clients(number, None, LONELY)?;
    }
    for (name, resources) in estate.0 {
        let text = serde_json::to_vec_pretty(&resources)?;
        fs::write(folder.join(format!("{name}.json")), text)?;
    }
    Ok(())
}

/// Resources by the name of their file.
#[derive(Default)]
struct Estate(std::collections::BTreeMap<&'static str, Vec<Value>>);

impl Estate {
    fn add(&mut self, name: &'static str, resources: impl IntoIterator<Item = Value>) {
        self.0.entry(name).or_default().extend(resources);
    }

    /// A file system with its VNet, servers, key and flow log, and its clients.
    fn file_system(&mut self, at: usize) -> io::Result<()> {
        let words = [
            ("fs1", format!("fs{at:02}")),
            ("server-vnet", format!("server-vnet-{at:02}")),
            ("amlfs-nsg", format!("amlfs-nsg-{at:02}")),
            ("hpc-keys", format!("hpc-keys-{at:02}")),
            ("hpc-id", format!("hpc-id-{at:02}")),
            ("amlfs-0a1b2c3d", format!("amlfs-{at:02}1b2c3d")),
            ("amlfs-4e5f6a7b", format!("amlfs-{at:02}5f6a7b")),
            ("10.20.2.", format!("10.{}.2.", 100 + at)),
            ("0c0c0c0c-", format!("{at:08}-")),
        ];
        for name in [
            "amlfs",
            "flow-logs",
            "keyvaults",
            "keys",
            "roles",
            "rotation-policy",
        ] {
            self.add(name, fixture(name, &words)?);
        }
        let nics = fixture("nics", &words)?.into_iter();
        self.add("nics", nics.filter(|nic| is_named(nic, "amlfs-")));
        let groups = fixture("nsgs", &words)?.into_iter();
        let groups = groups.filter(|group| is_named(group, "amlfs-"));
        self.add("nsgs", groups.map(|group| for_clients(group, at)));
        let vnets = fixture("vnets", &words)?.into_iter();
        let mut vnet = vnets
            .filter(|vnet| is_named(vnet, "server-"))
            .collect::<Vec<_>>();
        let peering = vnet[0]["virtualNetworkPeerings"][0].clone();
        let numbers = (0..CLIENT_VNETS).map(|it| at * CLIENT_VNETS + it);
        let peerings: Result<Vec<Value>, _> = numbers
            .clone()
            .map(|number| replaced(&peering.to_string(), &client_words(number)))
            .collect();
        vnet[0]["virtualNetworkPeerings"] = json!(peerings?);
        self.add("vnets", vnet);
        let mut numbers = numbers;
        numbers.try_for_each(|number| self.clients(number, Some(&words), CLIENTS))
    }

    /// A VNet of clients, joined with that of a file system where its words are given.
    fn clients(
        &mut self,
        number: usize,
        server: Option<&[(&str, String)]>,
        count: usize,
    ) -> io::Result<()> {
        let mut words = client_words(number).to_vec();
        words.extend(server.unwrap_or_default().iter().cloned());
        let vnets = fixture("vnets", &words)?.into_iter();
        let mut vnet = vnets
            .filter(|vnet| is_named(vnet, "client-"))
            .collect::<Vec<_>>();
        if server.is_none() {
            vnet[0]["virtualNetworkPeerings"] = json!([]);
        }
        self.add("vnets", vnet);
        let groups = fixture("nsgs", &words)?.into_iter();
        self.add("nsgs", groups.filter(|group| is_named(group, "clients-")));
        (0..count).try_for_each(|at| self.client(number, at, &words))
    }

    fn client(&mut self, number: usize, at: usize, words: &[(&str, String)]) -> io::Result<()> {
        let mut own = vec![
            ("client-1", format!("vm-{number:02}-{at:02}")),
            ("10.20.1.4\"", format!("10.{}.1.{}\"", 20 + number, 4 + at)),
        ];
        own.extend(words.iter().cloned());
        let mut vms = fixture("vms", &own)?;
        let nics = fixture("nics", &own)?.into_iter();
        let mut nics: Vec<Value> = nics.filter(|nic| is_named(nic, "vm-")).collect();
        nics[0]["ipConfigurations"] = json!([nics[0]["ipConfigurations"][0]]);
        if at.is_multiple_of(UNSUPPORTED) {
            vms[0]["hardwareProfile"]["vmSize"] = json!("Standard_HB120rs_v3");
            nics[0]["vnetEncryptionSupported"] = json!(false);
        }
        self.add("vms", vms);
        self.add("nics", nics);
        self.add("disks", fixture("disks", &own)?);
        Ok(())
    }
}

/// A group whose rules for the clients of the fixture are for those of both VNets.
fn for_clients(mut group: Value, at: usize) -> Value {
    let own = "10.20.1.0/25";
    let numbers = (0..CLIENT_VNETS).map(|it| at * CLIENT_VNETS + it);
    let blocks: Vec<String> = numbers
        .map(|number| format!("10.{}.1.0/25", 20 + number))
        .collect();
    let rules = group["securityRules"].as_array_mut();
    for rule in rules.into_iter().flatten() {
        for side in ["source", "destination"] {
            let prefix = format!("{side}AddressPrefix");
            if rule[&prefix] == own {
                rule[&prefix] = Value::Null;
                rule[format!("{side}AddressPrefixes")] = json!(blocks);
            }
        }
    }
    group
}

fn client_words(number: usize) -> [(&'static str, String); 3] {
    [
        ("client-vnet", format!("client-vnet-{number:02}")),
        ("clients-nsg", format!("clients-nsg-{number:02}")),
        ("10.20.1.", format!("10.{}.1.", 20 + number)),
    ]
}

fn is_named(resource: &Value, start: &str) -> bool {
    resource["name"]
        .as_str()
        .is_some_and(|name| name.starts_with(start))
}

/// Resources of a fixture, with words replaced.
fn fixture(name: &str, words: &[(&str, String)]) -> io::Result<Vec<Value>> {
    let text = fs::read_to_string(format!("{FIXTURES}/{name}.json"))?;
    Ok(match replaced(&text, words)? {
        Value::Array(resources) => resources,
        one => vec![one],
    })
}

fn replaced(text: &str, words: &[(&str, String)]) -> io::Result<Value> {
    let mut text = text.to_owned();
    for (word, by) in words {
        text = text.replace(word, by);
    }
    Ok(serde_json::from_str(&text)?)
}
