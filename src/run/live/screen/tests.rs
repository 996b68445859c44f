//! The screen as it is drawn in several sizes, and as keys change it.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::{Buffer, Cell};
use ratatui::style::Modifier;
use termina::event::KeyCode;

use super::page::{ScreenLook, draw};
use super::view::View;
use crate::engine::Engine;
use crate::report::{Evidence, InputReport, Losses, PathReport, ProofReport};
use crate::run::live::events::EventEnds;
use crate::run::live::state::{Minute, RunState, Second};
use crate::verdict::Verdict;

const LOOK: ScreenLook = ScreenLook {
    color: false,
    keys: true,
};
const SIZES: [(u16, u16); 3] = [(80, 24), (50, 20), (200, 50)];

/// A state of some paths, the later ones busier.
fn state(paths: Vec<PathReport>) -> RunState {
    let engine = Engine::default();
    let mut report = engine.report(None, None, engine.run());
    let minutes = paths.iter().enumerate().map(|(place, path)| {
        let mut minute = Minute::default();
        minute.tick(Second {
            encrypted: 0,
            plaintext: 200_000,
            all: 200_000 + place as u64,
        });
        (EventEnds::of(path), minute)
    });
    let minutes = Arc::new(minutes.collect());
    report.paths = paths;
    RunState {
        report: Arc::new(report),
        elapsed: Duration::from_secs(61),
        saving: None,
        minutes,
    }
}

/// So many paths, every tenth in plaintext, and the more so the later it comes.
fn paths(count: u64) -> Vec<PathReport> {
    let path = |n: u64| {
        let client = format!("10.20.{}.{}", n / 200, n % 200);
        let (verdict, plaintext) = match n % 10 {
            0 => (Verdict::Plaintext, 1000 + n),
            _ => (Verdict::Encrypted, 0),
        };
        PathReport::example((&client, "10.20.2.4"), verdict, plaintext)
    };
    (1..=count).map(path).collect()
}

fn drawn(state: &RunState, view: &mut View, (width, height): (u16, u16)) -> Buffer {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).expect("memory");
    let drawn = terminal.draw(|frame| draw(frame, state, view, LOOK));
    drawn.expect("memory").buffer.clone()
}

fn lines(buffer: &Buffer) -> Vec<String> {
    let cells: Vec<&str> = buffer.content.iter().map(Cell::symbol).collect();
    let lines = cells.chunks(buffer.area.width.into());
    lines
        .map(|line| line.concat().trim_end().to_owned())
        .collect()
}

fn screen(state: &RunState, view: &mut View, size: (u16, u16)) -> Vec<String> {
    lines(&drawn(state, view, size))
}

/// Clients of the rows that are shown.
fn clients(lines: &[String]) -> Vec<&str> {
    let header = lines.iter().position(|line| line.starts_with("Client"));
    let rows = lines[header.expect("a header") + 1..].iter();
    let rows = rows.take_while(|line| line.starts_with("10.20."));
    rows.filter_map(|row| row.split_whitespace().next())
        .collect()
}

/// Client in the row that is marked.
fn marked(buffer: &Buffer) -> String {
    let cells = buffer.content.iter();
    let marked = cells.filter(|cell| cell.modifier.contains(Modifier::REVERSED));
    let text: String = marked.map(Cell::symbol).collect();
    let client = text.split_whitespace().next();
    client.unwrap_or_default().to_owned()
}

fn press(view: &mut View, state: &RunState, keys: &[KeyCode]) {
    for &key in keys {
        assert!(!view.press(key, state), "{key:?} ends the run");
    }
}

fn typed(text: &str) -> Vec<KeyCode> {
    text.chars().map(KeyCode::Char).collect()
}

#[test]
fn as_many_as_fit_are_shown_the_worst_first() {
    for size in SIZES {
        let state = state(paths(400));
        let lines = screen(&state, &mut View::default(), size);
        let clients = clients(&lines);
        assert_eq!(
            clients[..3],
            ["10.20.2.0", "10.20.1.190", "10.20.1.180"],
            "{lines:#?}"
        );
        let plaintext = 40_usize.saturating_sub(clients.len());
        let encrypted = 400 - clients.len() - plaintext;
        let says = match plaintext {
            0 => format!("and {encrypted} more: {encrypted} encrypted"),
            some => format!(
                "and {} more: {some} plaintext, {encrypted} encrypted",
                some + encrypted
            ),
        };
        assert!(lines.contains(&says), "no {says:?} in {lines:#?}");
        assert_eq!(lines.len(), usize::from(size.1));
    }
}

#[test]
fn nothing_is_said_of_more_where_all_fit() {
    for size in SIZES {
        let lines = screen(&state(paths(9)), &mut View::default(), size);
        assert_eq!(clients(&lines).len(), 9);
        assert!(
            !lines.iter().any(|line| line.contains(" more")),
            "{lines:#?}"
        );
    }
}

/// Words with a digit in them.
fn numbers(lines: &[String]) -> BTreeSet<&str> {
    let words = lines.iter().flat_map(|line| line.split_whitespace());
    words
        .filter(|word| word.contains(|letter: char| letter.is_ascii_digit()))
        .collect()
}

#[test]
fn no_number_is_cut_in_any_width() {
    let mut all = paths(3);
    all.push(PathReport::example(
        ("fd00:1234:5678:9abc:def0:1234:5678:9abc", "10.200.200.200"),
        Verdict::Undetermined,
        0,
    ));
    let mut state = state(all);
    let minutes = Arc::make_mut(&mut state.minutes);
    for (minute, rate) in minutes.values_mut().zip([999_949_000, 200_000, 4_000, 0]) {
        minute.tick(Second {
            encrypted: rate * 2,
            plaintext: 200_000 + rate,
            all: 0,
        });
    }
    let wide = screen(&state, &mut View::default(), (300, 60));
    for width in (1..=110).chain([200]) {
        let lines = screen(&state, &mut View::default(), (width, 60));
        let whole = numbers(&wide);
        let cut: Vec<_> = numbers(&lines)
            .into_iter()
            .filter(|word| !word.contains('…') && !whole.contains(word))
            .collect();
        assert!(cut.is_empty(), "{cut:?} at {width} of {lines:#?}");
    }
    let rates = numbers(&wide);
    assert!(
        ["999.9", "400.0", "8.0"]
            .iter()
            .all(|rate| rates.contains(rate)),
        "{rates:?}"
    );
}

#[test]
fn a_narrow_screen_has_the_columns_that_matter() {
    let header = |width| {
        let lines = screen(&state(paths(9)), &mut View::default(), (width, 20));
        let header = lines.into_iter().find(|line| line.starts_with("Client"));
        header
            .expect("a header")
            .split_whitespace()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    assert_eq!(header(32), ["Client", "Server", "Verdict"]);
    assert_eq!(
        header(50),
        ["Client", "Server", "Verdict", "Plaintext", "Lost"]
    );
    let all = [
        "Client",
        "Server",
        "Verdict",
        "Encrypted",
        "Plaintext",
        "Lost",
        "Minute",
    ];
    assert_eq!(header(80), all);
    let lines = screen(&state(paths(9)), &mut View::default(), (50, 20));
    assert!(
        lines.iter().any(|line| line.contains("200.0 kB/s")),
        "{lines:#?}"
    );
}

#[test]
fn the_rows_follow_what_is_marked() {
    let state = state(paths(400));
    let mut view = View::default();
    let size = (80, 24);
    assert_eq!(marked(&drawn(&state, &mut view, size)), "10.20.2.0");
    press(&mut view, &state, &[KeyCode::Down; 39]);
    let buffer = drawn(&state, &mut view, size);
    assert_eq!(marked(&buffer), "10.20.0.10", "the last in plaintext");
    let shown = lines(&buffer);
    assert_eq!(clients(&shown).last(), Some(&"10.20.0.10"), "{shown:#?}");
    let above = 40 - clients(&shown).len();
    let says = format!(
        "and {} more: {above} plaintext, 360 encrypted, {above} of them above",
        360 + above
    );
    assert!(shown.contains(&says), "no {says:?} in {shown:#?}");

    press(&mut view, &state, &[KeyCode::End]);
    let buffer = drawn(&state, &mut view, size);
    assert_eq!(marked(&buffer), "10.20.1.199");
    press(&mut view, &state, &[KeyCode::Down, KeyCode::PageDown]);
    assert_eq!(marked(&drawn(&state, &mut view, size)), "10.20.1.199");
    press(&mut view, &state, &[KeyCode::PageUp]);
    let buffer = drawn(&state, &mut view, size);
    let page = clients(&lines(&buffer)).len();
    assert_eq!(
        marked(&buffer),
        format!("10.20.1.{}", 199 - page - page / 9)
    );
    press(&mut view, &state, &[KeyCode::Home, KeyCode::Up]);
    assert_eq!(marked(&drawn(&state, &mut view, size)), "10.20.2.0");
}

#[test]
fn what_is_marked_stays_so_while_others_move() {
    let before = state(paths(40));
    let mut view = View::default();
    drawn(&before, &mut view, (80, 24));
    press(&mut view, &before, &[KeyCode::Down, KeyCode::Down]);
    assert_eq!(marked(&drawn(&before, &mut view, (80, 24))), "10.20.0.20");
    let worse = PathReport::example(("10.20.9.9", "10.20.2.4"), Verdict::Plaintext, 9999);
    let after = state(paths(40).into_iter().chain([worse]).collect());
    let buffer = drawn(&after, &mut view, (80, 24));
    assert_eq!(marked(&buffer), "10.20.0.20");
    assert_eq!(
        clients(&lines(&buffer))[0],
        "10.20.9.9",
        "the worst is first"
    );
    // The first is marked as such, whichever it is.
    let mut view = View::default();
    drawn(&before, &mut view, (80, 24));
    assert_eq!(marked(&drawn(&after, &mut view, (80, 24))), "10.20.9.9");
    // One that is gone leaves its place.
    press(&mut view, &after, &[KeyCode::Down]);
    drawn(&after, &mut view, (80, 24));
    let fewer = state(paths(39));
    assert_eq!(marked(&drawn(&fewer, &mut view, (80, 24))), "10.20.0.20");
}

#[test]
fn paths_are_filtered_by_what_they_hold() {
    let state = state(paths(400));
    let mut view = View::default();
    let size = (80, 24);
    press(&mut view, &state, &typed("/20.0.1 PLAIN"));
    let shown = screen(&state, &mut view, size);
    assert!(
        shown.contains(&"/20.0.1 PLAIN_  11 of 400 paths".to_owned()),
        "{shown:#?}"
    );
    assert_eq!(clients(&shown).len(), 11);
    let answer = &shown[0];
    assert!(answer.starts_with("360 of 400"), "not of all: {answer}");
    press(&mut view, &state, &[KeyCode::Backspace; 8]);
    let shown = screen(&state, &mut view, size);
    assert!(
        shown
            .iter()
            .any(|line| line.starts_with("/20.0_  199 of 400")),
        "{shown:#?}"
    );
    press(&mut view, &state, &typed("q?s"));
    press(&mut view, &state, &[KeyCode::Enter]);
    let shown = screen(&state, &mut view, size);
    let says = "/20.0q?s  0 of 400 paths  Esc shows all".to_owned();
    assert!(shown.contains(&says), "{shown:#?}");
    press(
        &mut view,
        &state,
        &[KeyCode::Enter, KeyCode::Down, KeyCode::End],
    );
    press(&mut view, &state, &[KeyCode::Escape]);
    let shown = screen(&state, &mut view, size);
    assert!(
        !shown.iter().any(|line| line.contains("400 paths  ")),
        "{shown:#?}"
    );
    assert_eq!(clients(&shown)[0], "10.20.2.0");
}

#[test]
fn paths_are_sorted_as_asked() {
    let mut all = paths(30);
    all.reverse();
    let state = state(all);
    let mut view = View::default();
    let mut first = |key: &str| {
        press(&mut view, &state, &typed(key));
        let shown = screen(&state, &mut view, (80, 24));
        let says = shown[shown.len() - 2].clone();
        (clients(&shown)[..2].join(" "), says)
    };
    let (worst, _) = first("");
    assert_eq!(worst, "10.20.0.30 10.20.0.20");
    assert_eq!(
        first("s"),
        (
            "10.20.0.1 10.20.0.2".to_owned(),
            "most traffic first".to_owned()
        )
    );
    assert_eq!(
        first("s"),
        ("10.20.0.1 10.20.0.2".to_owned(), "by client".to_owned())
    );
    assert_eq!(first("s").1, "by server");
    assert_eq!(first("s").0, worst);
}

/// A path with more evidence and proof than a screen has room for.
fn proven(path: PathReport) -> PathReport {
    let evidence = Evidence {
        of: "plaintext",
        file: "eth0\u{1b}[2J".into(),
        packet: Some(42),
        record: None,
        time: None,
        shows: "An OST_WRITE request in the clear".to_owned(),
        display_filter: None,
    };
    let proof = (0..40).map(|place| ProofReport {
        obligation: "suite",
        outcome: "open",
        says: format!("reason {place}").into(),
        evidence: Vec::new(),
    });
    PathReport {
        evidence: vec![evidence],
        proof: proof.collect(),
        ..path
    }
}

#[test]
fn a_path_has_a_page_with_its_evidence_and_proof() {
    let mut all = paths(20);
    all[9] = proven(all[9].clone());
    let state = state(all);
    let mut view = View::default();
    screen(&state, &mut view, (80, 24));
    press(&mut view, &state, &[KeyCode::Down, KeyCode::Enter]);
    let shown = screen(&state, &mut view, (80, 24));
    assert_eq!(shown[0], "10.20.0.10 to 10.20.2.4: plaintext");
    let has = |shown: &[String], text: &str| shown.iter().any(|line| line.contains(text));
    assert!(
        has(&shown, "An OST_WRITE request in the clear"),
        "{shown:#?}"
    );
    assert!(has(&shown, "eth0\u{fffd}[2J, packet 42"), "{shown:#?}");
    assert!(!has(&shown, "Reason 39"), "{shown:#?}");
    press(&mut view, &state, &[KeyCode::End]);
    let shown = screen(&state, &mut view, (80, 24));
    assert!(has(&shown, "Reason 39"), "{shown:#?}");
    press(
        &mut view,
        &state,
        &[KeyCode::PageUp, KeyCode::Home, KeyCode::Char('q')],
    );
    let buffer = drawn(&state, &mut view, (80, 24));
    assert_eq!(marked(&buffer), "10.20.0.10");
}

#[test]
fn keys_are_shown_and_one_ends_the_run() {
    let state = state(paths(3));
    let mut view = View::default();
    press(&mut view, &state, &typed("?"));
    for size in SIZES {
        let shown = screen(&state, &mut view, size);
        assert_eq!(shown[0], "Keys");
        assert!(
            shown.iter().any(|line| line.starts_with("PgUp, PgDn")),
            "{shown:#?}"
        );
    }
    press(&mut view, &state, &typed("q"));
    let shown = screen(&state, &mut view, (50, 20));
    let footer = "0:01:01  0 packets read             ? keys  q ends";
    assert_eq!(shown.last().map(String::as_str), Some(footer));
    assert!(view.press(KeyCode::Char('q'), &state));
    let shown = screen(&state, &mut view, (50, 20));
    assert!(
        shown.last().is_some_and(|line| line.ends_with("ending")),
        "{shown:#?}"
    );
}

#[test]
fn names_cannot_command_the_terminal() {
    let mut state = state(paths(3));
    let report = Arc::make_mut(&mut state.report);
    report.inputs.push(InputReport {
        name: "e\u{1b}[2J\u{7}0".to_owned(),
        format: "live",
        compression: None,
        packets: 0,
        fault: None,
        losses: Some(Losses {
            kernel: 12_345,
            ..Losses::default()
        }),
        before: Vec::new(),
    });
    let shown = screen(&state, &mut View::default(), (80, 24));
    let says = "0:01:01  e\u{fffd}[2J\u{fffd}0: 12,345 dropped  0 packets read";
    assert!(
        shown.last().is_some_and(|line| line.starts_with(says)),
        "{shown:#?}"
    );
}

#[test]
fn a_long_answer_says_that_there_is_more() {
    let mut all = paths(3);
    for verdict in [
        Verdict::Mixed,
        Verdict::Weak,
        Verdict::Unproven,
        Verdict::Undetermined,
    ] {
        all.push(PathReport::example(("10.20.7.7", "10.20.2.4"), verdict, 70));
    }
    let state = state(all);
    let shown = screen(&state, &mut View::default(), (40, 9));
    assert!(shown[2].ends_with('…'), "{shown:#?}");
    assert!(shown[3].starts_with("Client"), "{shown:#?}");
}

#[test]
fn the_smallest_screens_are_drawn() {
    let state = state(paths(30));
    for width in 1..12 {
        for height in 1..12 {
            let mut view = View::default();
            for keys in ["", "/1", "s", "?"] {
                press(&mut view, &state, &typed(keys));
                drawn(&state, &mut view, (width, height));
            }
            press(
                &mut view,
                &state,
                &[KeyCode::Escape, KeyCode::Escape, KeyCode::Enter],
            );
            drawn(&state, &mut view, (width, height));
        }
    }
}
