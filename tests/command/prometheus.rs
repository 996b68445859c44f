//! Alerts and the dashboard, as Prometheus' own tool reads them.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::io::ErrorKind;
use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

use crate::support::program::root;
use crate::support::skip::skipped_here;

/// Columns of a dashboard.
const COLUMNS: u64 = 24;

fn folder() -> PathBuf {
    root().join("contrib/prometheus")
}

fn dashboard() -> Value {
    let text = fs::read_to_string(folder().join("dashboard.json")).expect("a dashboard");
    serde_json::from_str(&text).expect("JSON")
}

/// Has promtool look at files of a folder; it must find no fault.
fn promtool(folder: &std::path::Path, arguments: &[&str]) {
    let mut command = Command::new("promtool");
    match command.args(arguments).current_dir(folder).output() {
        Err(error) if error.kind() == ErrorKind::NotFound => skipped_here("there is no promtool"),
        output => {
            let output = output.expect("promtool runs");
            let said = [output.stdout, output.stderr].concat();
            let said = String::from_utf8_lossy(&said);
            assert!(output.status.success(), "{said}");
        }
    }
}

#[test]
fn each_alert_fires_when_it_should() {
    promtool(&folder(), &["check", "rules", "rules.yml"]);
    promtool(&folder(), &["test", "rules", "rules.test.yml"]);
    let read = |name: &str| fs::read_to_string(folder().join(name)).expect("a file");
    let (rules, tests) = (read("rules.yml"), read("rules.test.yml"));
    let names = |text: &str, key: &str| -> BTreeSet<String> {
        let lines = text.lines().filter_map(|line| line.split_once(key));
        lines.map(|(_, name)| name.trim().to_owned()).collect()
    };
    assert_eq!(names(&tests, "alertname:"), names(&rules, "- alert:"));
}

/// Queries of a dashboard, each with its panel.
fn queries(dashboard: &Value) -> Vec<(String, String)> {
    let panels = dashboard["panels"].as_array().expect("panels");
    let of_panel = |panel: &Value| -> Vec<(String, String)> {
        let title = panel["title"].as_str().expect("a title");
        let targets = panel["targets"].as_array().expect("targets");
        let query = |target: &Value| target["expr"].as_str().expect("a query").to_owned();
        let queries = targets.iter().map(query);
        queries.map(|query| (title.to_owned(), query)).collect()
    };
    panels.iter().flat_map(of_panel).collect()
}

#[test]
fn each_query_of_the_dashboard_is_one() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut rules = "groups:\n- name: dashboard\n  rules:\n".to_owned();
    for (number, (_, query)) in queries(&dashboard()).into_iter().enumerate() {
        let query = query.replace("$__rate_interval", "5m");
        let query = serde_json::to_string(&query).expect("a string");
        writeln!(rules, "  - {{record: 'dashboard:{number}', expr: {query}}}").unwrap();
    }
    fs::write(folder.path().join("rules.yml"), rules).unwrap();
    promtool(folder.path(), &["check", "rules", "rules.yml"]);
}

/// Every panel has a number and a place of its own, shows queries of the source that a reader
/// chooses, and is of a kind that comes with Grafana.
#[test]
fn each_panel_of_the_dashboard_has_its_place() {
    let dashboard = dashboard();
    let variables = dashboard["templating"]["list"].as_array().expect("a list");
    let variables: Vec<_> = variables.iter().map(|it| it["name"].as_str()).collect();
    assert_eq!(variables, ["datasource", "job", "instance"].map(Some));
    let panels = dashboard["panels"].as_array().expect("panels");
    let (mut ids, mut cells) = (BTreeSet::new(), BTreeSet::new());
    for panel in panels {
        assert!(ids.insert(panel["id"].as_u64()), "{panel}");
        let kind = panel["type"].as_str().expect("a kind");
        assert!(["stat", "timeseries", "table"].contains(&kind), "{kind}");
        let place = |side: &str| panel["gridPos"][side].as_u64().expect("a number");
        let [x, y, width, height] = ["x", "y", "w", "h"].map(place);
        assert!(x + width <= COLUMNS, "{panel}");
        for cell in (x..x + width).flat_map(|x| (y..y + height).map(move |y| (x, y))) {
            assert!(cells.insert(cell), "{panel} lies on another");
        }
        let targets = panel["targets"].as_array().expect("targets");
        for part in targets.iter().chain([panel]) {
            assert_eq!(part["datasource"]["uid"], "${datasource}", "{panel}");
        }
        let of_reader = |target: &Value| {
            target["expr"]
                .as_str()
                .expect("a query")
                .contains("$instance")
        };
        assert!(targets.iter().all(of_reader), "{panel}");
    }
}
