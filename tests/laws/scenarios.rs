//! Law 6: encrypted is a proof. Whole scenarios, whose truth is known from their making, are
//! cut, split, spread, wrapped, copied and reordered; no path that leaks is ever called
//! encrypted, and none that does not is called anything worse than undetermined. What leaves
//! the packets in their order makes no verdict better, and what hides nothing of them changes
//! none, and no count.

use std::collections::BTreeMap;

use fastrand::Rng;
use plainsight::aggregate::InputPart;
use plainsight::aggregate::duplicates::Window;
use plainsight::engine::{CountedState, Engine};
use plainsight::verdict::Servers;
use serde_json::{Value, json};

use super::support::packets::Link;
use super::support::run::{self, Stored};

mod change;
mod traffic;

use change::{Change, Shot};
use traffic::{Plan, Sent};

/// Scenarios of a run; more by `PLAINSIGHT_SCENARIOS`.
const SCENARIOS: u64 = 10_000;

/// Terms on which every server may be seen or not.
fn engine(max_flows: usize) -> Engine {
    let mut servers = Servers::default();
    for block in ["10.20.2.0/24", "fd00:2::/64"] {
        servers.add_list(block).expect("a block");
    }
    Engine {
        servers,
        ..run::engine(max_flows)
    }
}

/// A scenario, and two captures of it.
#[derive(Debug)]
struct Scenario {
    seed: u64,
    plans: [Plan; 2],
    packets: Vec<Sent>,
    unchanged: Change,
    change: Change,
}

impl Scenario {
    fn any(seed: u64, rng: &mut Rng) -> Self {
        let plans = [0, 1].map(|path| Plan::any(path, rng));
        let packets = plans.iter().flat_map(|plan| plan.packets(rng)).collect();
        let gap = [1, 1000, 300_000][rng.usize(..3)];
        let unchanged = Change::none(Link::Ethernet, gap);
        Self {
            seed,
            plans,
            packets,
            change: Change::any(&unchanged, rng),
            unchanged,
        }
    }

    fn any_plan(&self, is: fn(&Plan) -> bool) -> bool {
        self.plans.iter().any(is)
    }
}

/// Frames of a capture of a scenario.
pub fn frames(seed: u64) -> Vec<Stored> {
    let mut rng = Rng::with_seed(seed);
    let scenario = Scenario::any(seed, &mut rng);
    let files = scenario.change.files(&scenario.packets, &mut rng);
    let shots = files.into_iter().flatten();
    shots.map(|shot| shot.frame).collect()
}

/// Counted state of files, each walked in two parts.
fn counted(files: &[Vec<Shot>], engine: &Engine, rng: &mut Rng) -> CountedState {
    let mut counted = engine.counted();
    for (number, file) in (0..).zip(files) {
        let part = InputPart {
            file: number,
            piece: 0,
        };
        let cut = rng.usize(..=file.len());
        let mut window = Window::default();
        for range in [0..cut, cut..file.len()] {
            let mut worker = engine.worker();
            *worker.window() = window;
            for place in range {
                let shot = &file[place];
                worker.packet(part, &shot.frame.at_time(place, shot.micros));
            }
            window = std::mem::take(worker.window());
            let events = worker.take_fragments();
            counted.add(worker.into_snapshot());
            counted.play(events);
        }
    }
    counted.finish();
    counted
}

/// A report on a capture of a scenario.
struct Told<'s> {
    scenario: &'s Scenario,
    change: &'s Change,
    paths: Vec<Value>,
    verdicts: BTreeMap<String, String>,
    exit: u64,
}

impl<'s> Told<'s> {
    fn of(scenario: &'s Scenario, change: &'s Change, rng: &mut Rng) -> Self {
        let files = change.files(&scenario.packets, rng);
        let engine = engine(change.max_flows);
        let report = run::report_value(counted(&files, &engine, rng), &engine);
        run::assert_sums(&report, files.iter().flatten().map(|shot| &shot.frame));
        let paths = report["paths"].as_array().expect("paths").clone();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let verdict = |path: &Value| (text(&path["server"]), text(&path["verdict"]));
        Self {
            scenario,
            change,
            verdicts: paths.iter().map(verdict).collect(),
            exit: report["summary"]["exit_code"].as_u64().expect("a code"),
            paths,
        }
    }

    fn verdict(&self, plan: &Plan) -> Option<&str> {
        let server = plan.ends.server.to_string();
        self.verdicts.get(&server).map(String::as_str)
    }

    /// All that no change of the capture may change.
    fn facts(&self) -> Value {
        let list = |value: &Value, fields: &[&str]| -> Value {
            let items = value.as_array().into_iter().flatten();
            let of = |it: &Value| fields.iter().map(|&field| it[field].clone()).collect();
            items.map(of).collect::<Vec<Value>>().into()
        };
        let count = |path: &Value| -> Value {
            let classes = path["traffic"].as_object().expect("classes").iter();
            let of = |(class, it): (_, &Value)| json!([class, it["packets"], it["payload_bytes"]]);
            classes.map(of).collect()
        };
        let of = |path: &Value| {
            let suites = list(&path["dtls"]["suites"], &["name"]);
            let proof = list(&path["proof"], &["obligation", "outcome"]);
            json!([path["server"], path["verdict"], count(path), suites, proof])
        };
        let mut facts: Vec<_> = self.paths.iter().map(of).collect();
        facts.push(self.exit.into());
        facts.into()
    }

    /// Holds the report to what was made.
    fn hold(&self) {
        let Self { change, .. } = self;
        let leaks = self.scenario.any_plan(Plan::leaks);
        let is_exposed = leaks || change.is_whole() && self.scenario.any_plan(Plan::exposes);
        assert!(!is_exposed || self.exit != 0, "{self}");
        for plan in &self.scenario.plans {
            let verdict = self.verdict(plan);
            if (plan.leaks() || plan.is_strange()) && change.is_told() {
                assert_ne!(verdict, Some("encrypted"), "{self}");
            }
            if !plan.leaks() {
                let fair = [None, Some("encrypted"), Some("undetermined")];
                assert!(fair.contains(&verdict), "{self}");
            }
            let is_readable = change.is_in_order() || change.keeps_order() && !plan.has_fragments();
            if plan.is_proven() && change.is_whole() && is_readable {
                assert_eq!(verdict, Some("encrypted"), "{self}");
            }
        }
    }
}

impl std::fmt::Display for Told<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Scenario { seed, plans, .. } = self.scenario;
        let facts = self.facts();
        write!(f, "seed {seed}, {:?}\n{plans:#?}\n{facts}", self.change)
    }
}

fn check(seed: u64) {
    let mut rng = Rng::with_seed(seed);
    let scenario = Scenario::any(seed, &mut rng);
    let Scenario {
        unchanged, change, ..
    } = &scenario;
    let [before, after] = [unchanged, change].map(|it| Told::of(&scenario, it, &mut rng));
    before.hold();
    after.hold();
    // In another order a hello that was seen may govern records whose own was not.
    if change.is_in_order() {
        assert!(after.exit != 0 || before.exit == 0, "{before}\n{after}");
        for plan in &scenario.plans {
            let [before_it, after_it] = [&before, &after].map(|told| told.verdict(plan));
            let is_proven = |verdict| verdict == Some("encrypted");
            assert!(
                !is_proven(after_it) || is_proven(before_it),
                "{before}\n{after}"
            );
        }
    }
    if change.changes_nothing() {
        assert!(after.facts() == before.facts(), "{before}\n{after}");
    }
}

#[test]
fn no_scenario_that_leaks_is_encrypted() {
    let wanted = std::env::var("PLAINSIGHT_SCENARIOS").ok();
    let count = wanted.map_or(SCENARIOS, |count| count.parse().expect("a number"));
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for thread in (0..).take(threads) {
            scope.spawn(move || (thread..count).step_by(threads).for_each(check));
        }
    });
}
