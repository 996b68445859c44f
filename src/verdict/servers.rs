//! Addresses of AMLFS servers, as the user names them: single addresses, NIDs, ranges of NIDs
//! (nidrange of lctl and nodemap, Lustre manual 40.3), CIDR blocks.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr};

use ipnet::IpNet;
use nom::{
    IResult, Parser,
    branch::alt,
    bytes::complete::tag,
    character::complete::{char, u8},
    combinator::{all_consuming, map, opt},
    multi::{fold_many0, separated_list1},
    sequence::{delimited, preceded},
};

use crate::decode::Address;
use crate::evidence::target::TargetName;
use crate::flow::Ranges;

/// Addresses of AMLFS servers, and who says so.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Servers {
    expected: BTreeMap<Address, String>,
    blocks: Vec<(IpNet, String)>,
    /// Names of the file systems that an address serves, as far as its clients tell.
    file_systems: BTreeMap<Address, BTreeSet<String>>,
    /// Targets that an address serves, as far as its clients tell.
    targets: BTreeMap<Address, BTreeSet<TargetName>>,
}

/// Why a word names no server.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ServersError {
    /// Neither address, nor NID, nor CIDR block.
    #[error(
        "`{0}` is no server: give an address (10.0.0.4), a NID (10.0.0.4@tcp, 10.0.0.[4-9]@tcp), a mount source (10.0.0.4@tcp:/lustrefs) or a CIDR block (10.0.0.0/24)"
    )]
    Unknown(String),
    /// A NID of another network type.
    #[error("`{0}`: AMLFS speaks TCP only, so its NIDs end in @tcp")]
    NotTcp(String),
    /// A range of more addresses than are worth expecting, and how many it has.
    #[error("`{0}` names {1} servers, each expected to be seen: name a CIDR block instead")]
    TooMany(String, u64),
    /// The word with which the names exceed [`Servers::LIMIT`].
    #[error("with `{0}` more than {limit} servers or blocks are named: name larger CIDR blocks instead", limit = Servers::LIMIT)]
    TooManyInAll(String),
}

impl Servers {
    /// The source of a server that the user named.
    pub const FLAG: &str = "--servers";

    /// Number of addresses that lists may name, and of blocks: many times the servers of
    /// the largest file system, and few enough to hold in memory.
    pub const LIMIT: usize = 1 << 16;

    /// Adds what the user's list names: words between commas or white space.
    ///
    /// # Errors
    /// The first word that names no server.
    pub fn add_list(&mut self, list: &str) -> Result<(), ServersError> {
        self.add_list_from(list, Self::FLAG)
    }

    /// Adds what a list from elsewhere names. The first source that names an address
    /// stays its source.
    ///
    /// # Errors
    /// The first word that names no server.
    pub fn add_list_from(&mut self, list: &str, source: &str) -> Result<(), ServersError> {
        words(list)
            .into_iter()
            .try_for_each(|word| self.add(word, source))
    }

    fn add(&mut self, word: &str, source: &str) -> Result<(), ServersError> {
        if let Ok(block) = word.parse::<IpNet>() {
            self.add_block(block, source);
        } else {
            self.add_mount(word, source)?;
        }
        if self.expected.len().max(self.blocks.len()) > Self::LIMIT {
            return Err(ServersError::TooManyInAll(word.to_owned()));
        }
        Ok(())
    }

    /// Adds the servers of a mount source (mount.lustre(8): NIDs with `:` between those of servers
    /// that stand in for each other, then `:/`, the file system and a folder of it), or of a NID.
    fn add_mount(&mut self, word: &str, source: &str) -> Result<(), ServersError> {
        let (nids, path) = match word.split_once(":/") {
            Some((nids, path)) => (nids, Some(path)),
            None => (word, None),
        };
        let name = path.and_then(|path| path.split('/').next());
        for nid in nids_between_colons(nids) {
            for address in addresses(nid)? {
                self.add_expected(address, source);
                if let Some(name) = name.filter(|name| !name.is_empty()) {
                    self.add_file_system(address, name);
                }
            }
        }
        Ok(())
    }

    /// Adds a server that is expected to be seen, as `source` says. Of several sources
    /// the first counts.
    pub fn add_expected(&mut self, address: Address, source: &str) {
        let named = self.expected.entry(address);
        named.or_insert_with(|| source.to_owned());
    }

    /// Adds a block of addresses that may be servers, as `source` says.
    pub fn add_block(&mut self, block: IpNet, source: &str) {
        if self.blocks.iter().all(|(known, _)| *known != block) {
            self.blocks.push((block, source.to_owned()));
        }
    }

    /// Adds the name of a file system that an address serves. It makes no server of it.
    pub fn add_file_system(&mut self, server: Address, name: &str) {
        let names = self.file_systems.entry(server).or_default();
        names.insert(name.to_owned());
    }

    /// Adds a target that an address serves, and with it a file system. It makes no server of it.
    pub fn add_target(&mut self, server: Address, target: TargetName) {
        if let Some(name) = target.file_system() {
            self.add_file_system(server, name);
        }
        self.targets.entry(server).or_default().insert(target);
    }

    /// Targets that an address serves.
    pub fn targets(&self, server: Address) -> impl Iterator<Item = TargetName> {
        self.targets.get(&server).into_iter().flatten().copied()
    }

    /// Names of the file systems that an address serves.
    pub fn file_systems(&self, server: Address) -> impl Iterator<Item = &str> {
        let names = self.file_systems.get(&server).into_iter().flatten();
        names.map(String::as_str)
    }

    /// Certainty that an address is a server: 2 if it was named, 1 if it is in a block that
    /// was, else 0.
    #[must_use]
    pub fn rank(&self, address: Address) -> u8 {
        if self.expected.contains_key(&address) {
            return 2;
        }
        let address = IpAddr::from(address);
        let contains = |(block, _): &(IpNet, _)| block.contains(&address);
        u8::from(self.blocks.iter().any(contains))
    }

    /// The addresses that were named one by one, and so are expected to be seen.
    pub fn expected(&self) -> impl Iterator<Item = Address> {
        self.expected.keys().copied()
    }

    /// The same with who says so.
    pub fn named(&self) -> impl Iterator<Item = (Address, &str)> {
        let named = self.expected.iter();
        named.map(|(&address, source)| (address, source.as_str()))
    }

    /// The blocks of those that may be servers, with who says so.
    pub fn blocks(&self) -> impl Iterator<Item = (IpNet, &str)> {
        let blocks = self.blocks.iter();
        blocks.map(|(block, source)| (*block, source.as_str()))
    }

    /// All of these addresses.
    #[must_use]
    pub fn ranges(&self) -> Ranges {
        let single = self.expected().map(|address| (address, address));
        let blocks = self.blocks().map(|(block, _)| {
            let ends = [block.network(), block.broadcast()];
            let [first, last] = ends.map(Address::from);
            (first, last)
        });
        Ranges::of(single.chain(blocks))
    }

    /// Tests that nothing was named.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.expected.is_empty() && self.blocks.is_empty()
    }
}

/// NIDs that `:` stands between. One ends with its network type: before that, a colon is one of
/// an IPv6 address.
fn nids_between_colons(list: &str) -> impl Iterator<Item = &str> {
    let mut has_type = false;
    list.split(move |c| {
        let is_between = c == ':' && has_type;
        has_type = (has_type || c == '@') && !is_between;
        is_between
    })
}

/// The addresses that one word names: an address, or a NID of network type TCP, whose
/// IPv4 address may be a range.
///
/// # Errors
/// Why it names none, or too many.
pub fn addresses(word: &str) -> Result<Vec<Address>, ServersError> {
    let unknown = || ServersError::Unknown(word.to_owned());
    let (address, network) = word.split_once('@').unwrap_or((word, "tcp"));
    let is_tcp = network
        .strip_prefix("tcp")
        .is_some_and(|number| number.chars().all(|c| c.is_ascii_digit()));
    let single = address.parse::<IpAddr>();
    if !is_tcp && (single.is_ok() || nid_range(address).is_ok()) {
        return Err(ServersError::NotTcp(word.to_owned()));
    }
    match single {
        _ if !is_tcp => Err(unknown()),
        Ok(address) => Ok(vec![address.into()]),
        Err(_) => in_range(word, &nid_range(address).map_err(|_| unknown())?.1),
    }
}

/// Number of addresses that one range may name.
const MAX_RANGE: u64 = 4096;

fn in_range(word: &str, octets: &[Octet]) -> Result<Vec<Address>, ServersError> {
    let [a, b, c, d] = octets else {
        return Err(ServersError::Unknown(word.to_owned()));
    };
    // At most 256 values each, so the product of four fits.
    let many: u64 = octets.iter().map(|octet| octet.len() as u64).product();
    if many == 0 {
        return Err(ServersError::Unknown(word.to_owned()));
    }
    if many > MAX_RANGE {
        return Err(ServersError::TooMany(word.to_owned(), many));
    }
    let all = a.iter().flat_map(|&a| b.iter().map(move |&b| [a, b]));
    let all = all.flat_map(|[a, b]| c.iter().map(move |&c| [a, b, c]));
    let all = all.flat_map(|[a, b, c]| d.iter().map(move |&d| [a, b, c, d]));
    let address = |octets| Address::from(IpAddr::V4(Ipv4Addr::from_octets(octets)));
    Ok(all.map(address).collect())
}

/// The words of a list. Commas between brackets belong to a range, and `#` begins a
/// comment that ends with its line.
#[must_use]
pub fn words(list: &str) -> Vec<&str> {
    let mut depth = 0_i32;
    let ends_word = move |c: char| {
        depth += i32::from(c == '[') - i32::from(c == ']');
        c.is_whitespace() || (c == ',' && depth <= 0)
    };
    list.lines()
        .map(|line| line.split('#').next().unwrap_or_default())
        .flat_map(|line| line.split(ends_word))
        .filter(|word| !word.is_empty())
        .collect()
}

/// The values that an octet of a range may have, each once however often it is named.
type Octet = BTreeSet<u8>;

/// Four octets, each a number, a list of numbers and ranges in brackets, or `*`.
fn nid_range(text: &str) -> IResult<&str, Vec<Octet>> {
    all_consuming(separated_list1(char('.'), octet)).parse(text)
}

fn octet(text: &str) -> IResult<&str, Octet> {
    alt((
        map(tag("*"), |_| (0..=255).collect()),
        delimited(char('['), spans, char(']')),
        map(u8, |number| [number].into()),
    ))
    .parse(text)
}

/// One span or more, with commas between them.
fn spans(text: &str) -> IResult<&str, Octet> {
    let (rest, first) = span(text)?;
    let gather = |mut octet: Octet, span: Octet| {
        octet.extend(span);
        octet
    };
    fold_many0(preceded(char(','), span), move || first.clone(), gather).parse(rest)
}

/// `4`, `4-9`, or `4-10/2` for every second.
fn span(text: &str) -> IResult<&str, Octet> {
    let to = preceded(char('-'), u8);
    let step = preceded(char('/'), u8);
    map((u8, opt((to, opt(step)))), |(from, to)| match to {
        None => [from].into(),
        Some((to, step)) => (from..=to)
            .step_by(step.unwrap_or(1).max(1).into())
            .collect(),
    })
    .parse(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expected(list: &str) -> Vec<String> {
        let mut servers = Servers::default();
        servers.add_list(list).unwrap();
        servers
            .expected()
            .map(|address| address.to_string())
            .collect()
    }

    #[test]
    fn addresses_and_nids_are_expected() {
        assert_eq!(expected("10.0.0.4"), ["10.0.0.4"]);
        assert_eq!(
            expected("10.0.0.4@tcp,10.0.0.5@tcp0"),
            ["10.0.0.4", "10.0.0.5"]
        );
        assert_eq!(expected("fd00::4"), ["fd00::4"]);
        assert_eq!(expected("fd00::4@tcp,fd00::5@tcp2"), ["fd00::4", "fd00::5"]);
        assert_eq!(
            expected("10.0.0.[4-5,9]@tcp 10.0.[1-2].7@tcp1 # the rest\n10.0.0.[20-24/2]@tcp"),
            [
                "10.0.0.4",
                "10.0.0.5",
                "10.0.0.9",
                "10.0.0.20",
                "10.0.0.22",
                "10.0.0.24",
                "10.0.1.7",
                "10.0.2.7"
            ]
        );
    }

    #[test]
    fn mount_sources_name_servers_and_their_file_system() {
        let mut servers = Servers::default();
        let list =
            "10.0.0.4@tcp:10.0.0.5@tcp1:/lustrefs/scratch,fd00::4@tcp,fd00::5@tcp:/home 10.0.0.9:/";
        assert_eq!(servers.add_list(list), Ok(()));
        let told = servers.expected().map(|address| {
            let names: Vec<&str> = servers.file_systems(address).collect();
            format!("{address} {}", names.join(","))
        });
        let expected = [
            "10.0.0.4 lustrefs",
            "10.0.0.5 lustrefs",
            "10.0.0.9 ",
            "fd00::4 ",
            "fd00::5 home",
        ];
        assert_eq!(told.collect::<Vec<_>>(), expected);
        for list in ["10.0.0.4@o2ib:/fs", ":/fs", "10.0.0.4@tcp:", "mgs@tcp:/fs"] {
            assert!(Servers::default().add_list(list).is_err(), "{list}");
        }
    }

    #[test]
    fn blocks_only_say_who_may_be_one() {
        let mut servers = Servers::default();
        servers.add_list("10.20.2.0/24,10.20.2.9").unwrap();
        assert_eq!(servers.expected().count(), 1);
        let rank = |text: &str| servers.rank(text.parse::<IpAddr>().unwrap().into());
        assert_eq!(
            (rank("10.20.2.9"), rank("10.20.2.1"), rank("10.20.3.1")),
            (2, 1, 0)
        );
    }

    #[test]
    fn the_first_to_name_a_server_is_its_source() {
        let mut servers = Servers::default();
        servers.add_list("10.0.0.4,10.0.0.0/24").unwrap();
        let found = servers.add_list_from("10.0.0.4@tcp,10.0.0.5@tcp,10.0.0.0/24", "azure");
        assert_eq!(found, Ok(()));
        let sources: Vec<_> = servers.named().map(|(_, source)| source).collect();
        assert_eq!(sources, ["--servers", "azure"]);
        let sources: Vec<_> = servers.blocks().map(|(_, source)| source).collect();
        assert_eq!(sources, ["--servers"]);
    }

    #[test]
    fn what_names_no_server_is_refused() {
        let refused = |list: &str| Servers::default().add_list(list).unwrap_err().to_string();
        assert!(refused("lustre-server").contains("`lustre-server` is no server"));
        assert!(refused("10.0.0.4@o2ib").contains("AMLFS speaks TCP only"));
        assert!(refused("fd00::4@o2ib1").contains("AMLFS speaks TCP only"));
        assert!(refused("10.0.0@tcp").contains("no server"));
        assert!(refused("10.0.0.300").contains("no server"));
        assert!(refused("10.0.0.[9-4]@tcp").contains("no server"));
        assert!(refused("10.*.*.4@tcp").contains("65536 servers"));
        assert!(refused("*.*.*.*@tcp").contains("4294967296 servers"));
    }

    /// Lists whose spans repeat each other, or that go on and on, are short to type.
    #[test]
    fn a_short_list_takes_little_memory() {
        let span = ["0-255"; 250].join(",");
        let all = vec!["0-255"; 4096].join(",");
        let wide = format!("[{span}].[{span}].[{span}].[{span}]@tcp");
        let refused = |list: &str| Servers::default().add_list(list).unwrap_err().to_string();
        assert!(refused(&wide).contains("4294967296 servers"));
        assert!(refused(&format!("[{all}].[{all}].0.4@tcp")).contains("65536 servers"));
        assert_eq!(expected("10.0.0.[4,4,4-5,5]@tcp"), ["10.0.0.4", "10.0.0.5"]);
        let ranges: Vec<String> = (0..17).map(|b| format!("10.{b}.[0-15].*")).collect();
        assert_eq!(expected(&ranges[..16].join(",")).len(), Servers::LIMIT);
        assert!(refused(&ranges.join(",")).contains("more than 65536 servers"));
    }
}
