//! Formats that a command offers are those that its document is written in.

use std::process::Command;

use plainsight::report::{self, POSTURE_FORMATS};

/// Help of a command.
fn help(command: &str) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_plainsight"))
        .args([command, "-h"])
        .output()
        .expect("it runs");
    String::from_utf8(output.stdout).expect("text")
}

/// Holds that a command's help offers these names and endings, and no others.
fn assert_offers(command: &str, formats: &[(&str, &str)]) {
    let help = help(command);
    let words: Vec<&str> = help.split_whitespace().collect();
    let words = words.join(" ");
    let names: Vec<&str> = formats.iter().map(|&(name, _)| name).collect();
    let offered = format!("[possible values: {}]", names.join(", "));
    assert!(
        words.contains(&offered),
        "{command} offers {offered}: {help}"
    );
    let endings: Vec<String> = formats
        .iter()
        .map(|(_, ending)| format!(".{ending}"))
        .collect();
    let offered = format!("in the format of its ending: {};", endings.join(" or "));
    assert!(
        words.contains(&offered),
        "{command} offers {offered}: {help}"
    );
}

#[test]
fn reports_are_offered_in_the_formats_of_reports() {
    let formats: Vec<_> = report::FORMATS
        .iter()
        .map(|it| (it.name, it.ending))
        .collect();
    assert_offers("analyze", &formats);
    assert_offers("live", &formats);
}

#[test]
fn checks_are_offered_in_the_formats_of_checks() {
    let formats: Vec<_> = POSTURE_FORMATS
        .iter()
        .map(|it| (it.name, it.ending))
        .collect();
    assert_offers("posture", &formats);
}
