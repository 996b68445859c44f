//! The page as a reader has it: in a browser, which is asked what it shows.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::azure::folder;
use crate::support::browser::Browser;
use crate::support::bytes::{NANOS, Order, pcap_header, pcap_record};
use crate::support::packets::{self, Ip, TCP, UDP, dtls, lustre};
use crate::support::program::{analyze, any_report, plainsight, run, text, trace};
use crate::support::skip::skipped_here;

/// Longest time in which a page of 8,000 paths may load.
const LOAD_LIMIT: Duration = Duration::from_secs(3);

/// The page, the JSON and the table of a command.
struct Shown {
    page: PathBuf,
    json: Value,
    table: String,
    _folder: tempfile::TempDir,
}

impl Shown {
    fn by(command: &mut Command) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let page = folder.path().join("report.html");
        command.arg("-o").arg(&page);
        command.arg("-o").arg(folder.path().join("report.txt"));
        let json = any_report(command);
        let table = fs::read_to_string(folder.path().join("report.txt")).expect("a table");
        Self {
            page,
            json,
            table,
            _folder: folder,
        }
    }

    fn of(captures: &[&str]) -> Self {
        let mut command = analyze();
        command.args(["--servers", "10.20.2.5,10.20.2.6,10.20.2.99,10.20.2.0/24"]);
        Self::by(command.args(captures.iter().map(|name| trace(name))))
    }

    /// The answer, which the table has in several lines.
    fn answer(&self) -> String {
        let lines = self.table.lines().take_while(|line| !line.is_empty());
        lines.collect::<Vec<_>>().join(" ")
    }

    fn paths(&self) -> &[Value] {
        self.json["paths"].as_array().expect("paths")
    }
}

fn word(value: &Value) -> &str {
    value.as_str().unwrap_or("–")
}

/// Sum over the classes of a path.
fn packets_of(path: &Value) -> u64 {
    let classes = path["traffic"].as_object().expect("classes").values();
    classes.filter_map(|class| class["packets"].as_u64()).sum()
}

/// A number with its thousands apart.
fn number(number: u64) -> String {
    let digits = number.to_string();
    let groups = digits.as_bytes().rchunks(3).rev();
    let groups: Vec<&str> = groups
        .map(|it| std::str::from_utf8(it).expect("digits"))
        .collect();
    groups.join(",")
}

/// Rows of the list of paths, as the browser shows them: what the columns say, by both ends.
fn rows(browser: &mut Browser) -> BTreeMap<(String, String), [String; 4]> {
    let cells = browser.value(
        "[...document.querySelectorAll('#rows summary')].map((row) =>
            [...row.children].map((cell) => cell.textContent))",
    );
    let rows: Vec<[String; 6]> = serde_json::from_value(cells).expect("rows of six");
    let rows = rows.into_iter();
    rows.map(|[verdict, client, server, encrypted, plaintext, packets]| {
        ((client, server), [verdict, encrypted, plaintext, packets])
    })
    .collect()
}

/// Letters of the matrix, by both ends.
fn cells(browser: &mut Browser) -> BTreeMap<(String, String), String> {
    let cells = browser.value(
        "(() => {
            const servers = [...document.querySelectorAll('.matrix thead th')];
            const rows = [...document.querySelectorAll('.matrix tbody tr')];
            return rows.flatMap((row) => [...row.querySelectorAll('td')].map((cell, at) =>
                [row.firstElementChild.textContent, servers[at].textContent, cell.textContent]));
        })()",
    );
    let cells: Vec<[String; 3]> = serde_json::from_value(cells).expect("cells");
    let cells = cells.into_iter().filter(|[.., letter]| !letter.is_empty());
    cells
        .map(|[client, server, letter]| ((client, server), letter))
        .collect()
}

/// Letter of a verdict.
fn letter(verdict: &str) -> String {
    match verdict {
        "undetermined" => "N".to_owned(),
        verdict => verdict[..1].to_uppercase(),
    }
}

/// Holds that the browser shows the answer, the counts, and a row and a cell for each path.
fn assert_shows(browser: &mut Browser, shown: &Shown) {
    assert_eq!(browser.texts(".answer"), [shown.answer()]);
    let counts: Vec<String> = browser.texts(".counts li");
    let summary = shown.json["summary"].as_object().expect("counts");
    let some = summary.iter().filter(|(name, count)| {
        name.as_str() != "exit_code" && count.as_u64().is_some_and(|count| count > 0)
    });
    let mut expected: Vec<String> = some
        .map(|(name, count)| format!("{} {count} {name}", letter(name)))
        .collect();
    expected.sort();
    let mut sorted = counts;
    sorted.sort();
    assert_eq!(sorted, expected);
    let rows = rows(browser);
    assert_eq!(rows.len(), shown.paths().len());
    let mut letters = BTreeMap::new();
    for path in shown.paths() {
        let ends = (
            word(&path["client"]).to_owned(),
            word(&path["server"]).to_owned(),
        );
        let [verdict, encrypted, plaintext, packets] = &rows[&ends];
        let loss = if path["under_loss"] == true {
            ", under loss"
        } else {
            ""
        };
        assert_eq!(*verdict, format!("{}{loss}", word(&path["verdict"])));
        if packets_of(path) > 0 {
            assert_eq!(*packets, number(packets_of(path)));
            for (class, cell) in [("encrypted", encrypted), ("plaintext", plaintext)] {
                let is_none = path["traffic"][class]["packets"] == 0;
                assert_eq!(cell == "–", is_none, "{ends:?}: {class}");
            }
        }
        letters.insert(ends, letter(word(&path["verdict"])));
    }
    if letters.len() > 1 {
        assert_eq!(cells(browser), letters);
    }
}

/// Holds that the browser shows what proves each path that is not encrypted.
fn assert_tells(browser: &mut Browser, shown: &Shown) {
    let text = browser.texts("main").concat();
    for path in shown
        .paths()
        .iter()
        .filter(|it| it["verdict"] != "encrypted")
    {
        for obligation in path["proof"].as_array().expect("a proof") {
            let says = word(&obligation["says"]);
            let is_told = path["verdict"] != "silent" || obligation["outcome"] != "met";
            assert!(!is_told || text.contains(&says[1..]), "{says}");
        }
        let Some(first) = path["evidence"].get(0) else {
            continue;
        };
        let wanted = [
            &first["shows"],
            &first["file"],
            &first["time"],
            &path["display_filter"],
        ];
        for it in wanted.into_iter().filter_map(Value::as_str) {
            assert!(text.contains(it), "{it}: {text}");
        }
        let packet = first["packet"].as_u64().map(|it| format!("packet {it},"));
        assert!(packet.is_none_or(|it| text.contains(&it)), "{first}");
    }
    for warning in shown.json["warnings"].as_array().expect("warnings") {
        assert!(text.contains(word(warning)), "{warning}");
    }
    let read = shown.json["accounting"]["packets"]
        .as_u64()
        .expect("packets");
    assert!(text.contains(&format!("{} packets read: ", number(read))));
}

#[test]
fn the_page_shows_what_the_json_says() {
    let Some(mut browser) = Browser::start() else {
        return;
    };
    let captures: [&[&str]; 6] = [
        &["one-path-each-way.pcap", "aes-128.pcap"],
        &["turns.pcapng"],
        &["snap-34.cap"],
        &["null-cipher.pcap"],
        &["dtls-elsewhere.pcap"],
        &["two-interfaces.pcapng", "fragments.pcap"],
    ];
    for names in captures {
        let shown = Shown::of(names);
        browser.open(&shown.page, "");
        assert_shows(&mut browser, &shown);
        assert_tells(&mut browser, &shown);
    }
    let mut with_log = analyze();
    with_log.args(["--vantage", "guest", "--servers", "10.20.2.5,10.20.2.6"]);
    with_log
        .arg("--azure")
        .arg(folder("causes"))
        .arg("--flow-logs");
    with_log.arg(folder("../flow-logs/both-nics.json"));
    let shown = Shown::by(with_log.arg(trace("turns.pcapng")));
    browser.open(&shown.page, "");
    assert_shows(&mut browser, &shown);
    assert_tells(&mut browser, &shown);
    let text = browser.texts("main").concat();
    for check in shown.paths()[0]["causes"].as_array().expect("causes") {
        if check["outcome"] == "fail" {
            assert!(text.contains(word(&check["says"])), "{check}");
            let remedy = check["remedy"].as_str().unwrap_or_default();
            assert!(
                remedy.split(" && ").all(|part| text.contains(part)),
                "{remedy}"
            );
        }
    }
}

/// A state that is merged gives the page that its capture gives, but for the name of the input.
#[test]
fn merge_writes_the_same_page() {
    let folder = tempfile::tempdir().expect("a folder");
    let [state, page] = ["a.state", "a.html"].map(|name| folder.path().join(name));
    let mut command = analyze();
    command.args(["-q", "--servers", "10.20.2.0/24", "--save"]);
    run(command
        .arg(&state)
        .arg("-o")
        .arg(&page)
        .arg(trace("one-path-each-way.pcap")));
    let mut merge = plainsight(&["merge", "--format", "html", "--servers", "10.20.2.0/24"]);
    let merged = text(&run(merge.arg(&state)).stdout);
    assert_eq!(merged, fs::read_to_string(page).expect("a page"));
}

#[test]
fn a_posture_has_its_page() {
    let Some(mut browser) = Browser::start() else {
        return;
    };
    let mut command = plainsight(&["posture", "--azure"]);
    let shown = Shown::by(command.arg(folder("causes")));
    browser.open(&shown.page, "");
    assert_eq!(browser.texts(".answer"), [shown.answer()]);
    let text = browser.texts("main").concat();
    let controls = shown.json["controls"].as_array().expect("controls");
    assert_eq!(browser.texts(".controls > details").len(), controls.len());
    for control in controls {
        assert!(text.contains(word(&control["title"])), "{control}");
        assert!(text.contains(word(&control["remedy"])), "{control}");
    }
    for file in shown.json["inventory"]["files"].as_array().expect("files") {
        assert!(text.contains(word(&file["sha256"])), "{file}");
    }
    for system in shown.json["file_systems"].as_array().expect("file systems") {
        assert!(text.contains(word(&system["id"])), "{system}");
    }
    let fails = shown.json["summary"]["fail"].as_u64().expect("a number");
    assert!(fails > 0);
    let counts = browser.texts(".counts li");
    assert!(counts.contains(&format!("✗ {fails} failed")), "{counts:?}");
}

const NOTHING: [&str; 0] = [];

#[test]
fn no_request_leaves_the_page() {
    let Some(mut browser) = Browser::start() else {
        return;
    };
    let shown = Shown::of(&["turns.pcapng"]);
    let source = fs::read_to_string(&shown.page).expect("a page");
    for scheme in ["http:", "https:", "//www", "url(", "@import", "src="] {
        assert!(!source.contains(scheme), "{scheme}");
    }
    // Those of the browser's own beginning.
    browser.wanted();
    browser.open(&shown.page, "");
    let page = format!("file://{}", shown.page.display());
    assert_eq!(browser.requests(), [page]);
    assert_eq!(browser.wanted(), NOTHING);
    // What the page were to ask for, its policy forbids.
    let reach = "fetch('http://example.test/').then(() => 'reached', () => 'refused')";
    assert_eq!(browser.value(reach), "refused");
    assert_eq!(browser.wanted(), NOTHING);
    // Without the policy, it would be counted.
    let open = shown.page.with_file_name("open.html");
    let policy = source.find("<meta http-equiv").expect("a policy");
    let end = policy + source[policy..].find('>').expect("its end");
    let without = [&source[..policy], &source[end + 1..]].concat();
    fs::write(&open, without).expect("a page");
    browser.open(&open, "");
    browser.value("void fetch('http://example.test/').catch(() => 0)");
    let wanted = browser.wanted();
    assert!(
        wanted.iter().any(|it| it.contains("example.test")),
        "{wanted:?}"
    );
}

/// A capture of 250 clients and 32 servers, of which the first clients send plaintext.
fn many_paths(plaintext: u16) -> Vec<u8> {
    let mut file = pcap_header(Order::Little, NANOS, 65_535, 101);
    let mut at = 0;
    for client in 0..250 {
        for server in 4..36 {
            let [high, low] = (client + 4_u16).to_be_bytes();
            let there = Ip::v4([10, 1, high, low], [10, 0, 0, server]);
            let back = Ip::between(there.destination, there.source);
            let packets = if client < plaintext {
                let request = lustre::connection_request(there.destination);
                let answer = packets::tcp(988, 1023, &[1; 60]);
                [
                    there.packet(TCP, &packets::tcp(1023, 988, &request)),
                    back.packet(TCP, &answer),
                ]
            } else {
                let record = |sequence| {
                    let record = dtls::protected(sequence, 300);
                    packets::udp(40_000, 40_000, &record)
                };
                [there.packet(UDP, &record(1)), back.packet(UDP, &record(2))]
            };
            for packet in packets {
                at += 1;
                let len = u32::try_from(packet.len()).expect("a short packet");
                let time = (1_795_000_000 + at / 1000, at % 1000 * 1_000_000);
                file.extend(pcap_record(Order::Little, time, &packet, len));
            }
        }
    }
    file
}

/// The page of a capture of 8,000 paths.
fn page_of_many(folder: &Path, plaintext: u16) -> PathBuf {
    let [capture, page] = ["many.pcap", "many.html"].map(|name| folder.join(name));
    fs::write(&capture, many_paths(plaintext)).expect("a file");
    let mut command = analyze();
    command.args(["-q", "--servers", "10.0.0.0/24", "-o"]);
    let output = run(command.arg(&page).arg(&capture));
    assert_eq!(text(&output.stderr), "");
    page
}

#[test]
fn eight_thousand_paths_load_within_three_seconds() {
    let Some(mut browser) = Browser::start() else {
        return;
    };
    for plaintext in [20, 250] {
        let folder = tempfile::tempdir().expect("a folder");
        let page = page_of_many(folder.path(), plaintext);
        // Other tests run beside it, which take the time of one load or another.
        let mut times = (0..5).map(|_| {
            browser.open(&page, "");
            browser.load_time()
        });
        assert!(
            times.any(|time| time < LOAD_LIMIT),
            "{plaintext}: {LOAD_LIMIT:?}"
        );
        let count = browser.value("document.querySelectorAll('#rows > details').length");
        assert_eq!(count, 8000);
        assert_eq!(cells(&mut browser).len(), 8000);
        assert_eq!(browser.texts("#shown"), ["8,000 of 8,000 shown"]);
        let first = "document.querySelector('.matrix tbody td').textContent";
        assert_eq!(browser.value(first), "P", "the worst first");
    }
}

/// What a stranger may name anything.
const HOSTILE: &str = "<img src=x onerror=alert(1)>&amp;\"'\u{202e}\u{1b}[31m</script><b>";
/// The same, as it is to be read.
const VISIBLE: &str = r#"<img src=x onerror=alert(1)>&amp;"'\xe2\x80\xae\x1b[31m</script><b>"#;

#[test]
fn hostile_names_show_as_text() {
    let Some(mut browser) = Browser::start() else {
        return;
    };
    let folder_ = tempfile::tempdir().expect("a folder");
    let name = HOSTILE.replace('/', "|");
    let capture = folder_.path().join(&name);
    fs::copy(trace("turns.pcapng"), &capture).expect("a copy");
    let exports = folder_.path().join("exports");
    fs::create_dir(&exports).expect("a folder");
    for entry in fs::read_dir(folder("az")).expect("exports") {
        let entry = entry.expect("a file");
        let text = fs::read_to_string(entry.path()).expect("JSON");
        let named = text.replace("client-1-nic", "<u>nic\\u202e");
        fs::write(exports.join(entry.file_name()), named).expect("a file");
    }
    let mut command = analyze();
    command.args(["--servers", "10.20.2.5,10.20.2.6"]);
    let shown = Shown::by(command.arg("--azure").arg(exports).arg(capture));
    browser.open(&shown.page, "");
    assert_eq!(
        browser.value("document.querySelectorAll('img, u').length"),
        0
    );
    let text = browser.texts("main").concat();
    assert!(
        text.contains(&VISIBLE.replace('/', "|")),
        "{}",
        shown.json["inputs"]
    );
    assert!(text.contains(r"<u>nic\xe2\x80\xae"), "{text}");
    let source = fs::read_to_string(&shown.page).expect("a page");
    let body = source.split("<body>").nth(1).expect("a body");
    let body = body.split("<script>").next().expect("its text");
    assert!(!body.contains(['\u{1b}', '\u{202e}', '\n']));
}

#[test]
fn the_page_is_read_without_its_script() {
    let Some(mut browser) = Browser::start() else {
        return;
    };
    browser.call(
        "Emulation.setScriptExecutionDisabled",
        &json!({"value": true}),
    );
    let shown = Shown::of(&["one-path-each-way.pcap", "aes-128.pcap"]);
    browser.open(&shown.page, "");
    assert_shows(&mut browser, &shown);
    assert_tells(&mut browser, &shown);
    let is_shown = "document.getElementById('bar').checkVisibility()";
    assert_eq!(browser.value(is_shown), false, "what needs the script");
    // A letter of the matrix leads to its path, which unfolds.
    let last = browser.value("document.querySelector('#rows > details:last-child .inside').id");
    let last = last.as_str().expect("an id").to_owned();
    browser.open(&shown.page, &format!("#{last}"));
    let is_open = format!("document.getElementById('{last}').parentElement.open");
    assert_eq!(browser.value(&is_open), true);
}

/// Ends of the paths that are shown, in their order.
fn visible(browser: &mut Browser) -> Vec<String> {
    browser.texts("#rows > details:not([hidden]) summary > :nth-child(3)")
}

#[test]
fn the_script_sorts_and_filters() {
    let Some(mut browser) = Browser::start() else {
        return;
    };
    let shown = Shown::of(&["one-path-each-way.pcap"]);
    browser.open(&shown.page, "");
    assert_eq!(
        browser.value("document.getElementById('bar').checkVisibility()"),
        true
    );
    assert_eq!(
        visible(&mut browser),
        ["10.20.2.6", "10.20.2.99", "10.20.2.5"]
    );
    browser.open(&shown.page, "#verdict=plaintext,encrypted&sort=packets");
    assert_eq!(visible(&mut browser), ["10.20.2.5", "10.20.2.6"]);
    browser.open(&shown.page, "#find=10.20.2.9");
    assert_eq!(visible(&mut browser), ["10.20.2.99"]);
    assert_eq!(browser.texts("#shown"), ["1 of 3 shown"]);
    let empty = "(() => {
        const find = document.getElementById('find');
        find.value = '';
        find.dispatchEvent(new Event('input'));
    })()";
    browser.value(empty);
    assert_eq!(visible(&mut browser).len(), 3);
    browser.value("document.querySelector('[data-sort=server] button').click()");
    assert_eq!(
        visible(&mut browser),
        ["10.20.2.5", "10.20.2.6", "10.20.2.99"]
    );
    assert_eq!(browser.value("location.hash"), "#sort=server");
    browser.value("document.querySelector('#bar input[value=silent]').click()");
    assert_eq!(visible(&mut browser), ["10.20.2.5", "10.20.2.6"]);
    // A path that is filtered out appears when something leads to it.
    let silent = "[...document.querySelectorAll('.matrix td a')].find((it) => it.text == 'S')";
    browser.value(&format!("{silent}.click()"));
    let is_open = "new Promise((done) => setTimeout(() => done(visualViewport.width > 0 &&
        document.querySelector('#rows > .S').open), 200))";
    assert_eq!(browser.value(is_open), true);
    assert_eq!(visible(&mut browser).len(), 3);
}

#[test]
fn nothing_stands_out_at_any_width_and_in_either_scheme() {
    let Some(mut browser) = Browser::start() else {
        return;
    };
    let mut command = analyze();
    command.args(["--servers", "10.20.2.5,10.20.2.6", "--azure"]);
    let report = Shown::by(command.arg(folder("causes")).arg(trace("turns.pcapng")));
    let mut posture = plainsight(&["posture", "--azure"]);
    let posture = Shown::by(posture.arg(folder("causes")));
    let mut colors = Vec::new();
    for (scheme, shown) in [("light", &report), ("dark", &report), ("light", &posture)] {
        browser.prefer("prefers-color-scheme", scheme);
        for width in [390, 1280, 1920] {
            browser.set_width(width);
            browser.open(&shown.page, "");
            browser.value("document.querySelectorAll('details').forEach((it) => it.open = true)");
            let wide = browser.value("document.documentElement.scrollWidth");
            assert_eq!(wide, width, "{scheme}");
        }
        colors.push(browser.value("getComputedStyle(document.body).backgroundColor"));
    }
    assert_eq!(colors[0], colors[2]);
    assert_ne!(colors[0], colors[1]);
}

#[test]
fn a_printed_page_has_the_evidence() {
    let Some(mut browser) = Browser::start() else {
        return;
    };
    if Command::new("pdftotext").arg("-v").output().is_err() {
        return skipped_here("no pdftotext here, which .ci/setup test installs");
    }
    let shown = Shown::of(&["one-path-each-way.pcap", "aes-128.pcap", "null-cipher.pcap"]);
    browser.open(&shown.page, "");
    browser.value("document.querySelectorAll('details').forEach((it) => it.open = false)");
    let file = shown.page.with_extension("pdf");
    browser.print(&file);
    let printed = text(&run(Command::new("pdftotext").arg(file).arg("-")).stdout);
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let printed = words(&printed);
    assert!(printed.contains(&words(&shown.answer())), "{printed}");
    for path in shown
        .paths()
        .iter()
        .filter(|it| it["verdict"] != "encrypted")
    {
        for it in path["evidence"]
            .as_array()
            .expect("evidence")
            .iter()
            .take(1)
        {
            assert!(printed.contains(word(&it["shows"])), "{it}: {printed}");
        }
    }
}
