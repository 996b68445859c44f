//! What the shell learns of the command, and how scripts call it.

use std::fs;
use std::process::Command;

use serde_json::Value;

use crate::support::expect::SERVERS;
use crate::support::program::{analyze, complaint, plainsight, report, run, said, text, trace};

/// Commands with a page of their own.
const COMMANDS: [&str; 6] = ["analyze", "live", "merge", "posture", "bench", "verify"];

#[test]
fn each_shell_has_completions_of_every_command() {
    for shell in ["bash", "zsh", "fish", "powershell"] {
        let script = said(&mut plainsight(&["completions", shell]), 0);
        for command in COMMANDS {
            assert!(script.contains(command), "{shell}: {command}");
        }
        assert!(script.contains("require-handshake"), "{shell}");
    }
}

#[test]
fn bash_completes_a_flag() {
    let script = said(&mut plainsight(&["completions", "bash"]), 0);
    let asked = "COMP_WORDS=(plainsight analyze --max-l); COMP_CWORD=2; \
                 _plainsight plainsight --max-l analyze; echo \"${COMPREPLY[*]}\"";
    let mut bash = Command::new("bash");
    let output = run(bash.arg("-c").arg(format!("{script}\n{asked}")));
    assert_eq!(text(&output.stdout).trim(), "--max-loss");
}

#[test]
fn each_command_has_a_manual_page() {
    let page = said(&mut plainsight(&["man"]), 0);
    assert!(
        page.starts_with(".ie") && page.contains(".TH plainsight"),
        "{page}"
    );
    for command in COMMANDS {
        assert!(page.contains(command), "{command}");
        let page = said(&mut plainsight(&["man", command]), 0);
        assert!(page.contains(&format!("plainsight\\-{command}")), "{page}");
        assert!(page.contains("Exit codes"), "{page}");
    }
}

#[test]
fn a_quiet_run_has_its_exit_code_and_files_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("report.json");
    for (name, exit_code) in [("all-encrypted.pcap", 0), ("all-plaintext.pcap", 1)] {
        let mut command = analyze();
        command.args(["-q", "--servers", SERVERS, "-o"]).arg(&file);
        assert_eq!(said(command.arg(trace(name)), exit_code), "");
        assert!(
            fs::read_to_string(&file)
                .expect("a report")
                .starts_with('{')
        );
    }
}

#[test]
fn variables_stand_in_for_lasting_flags() {
    let with = |name: &str, value: &str| {
        let mut command = analyze();
        command
            .arg(trace("aes-128.pcap"))
            .args(["--servers", SERVERS]);
        command.env(name, value);
        command
    };
    let policy = report(&mut with("PLAINSIGHT_POLICY", "any-dtls"), 0);
    assert_eq!(policy["paths"][0]["verdict"], "encrypted");
    let mut flag = with("PLAINSIGHT_POLICY", "any-dtls");
    report(flag.args(["--policy", "azure"]), 1);
    let mut servers = analyze();
    servers.env("PLAINSIGHT_SERVERS", SERVERS);
    report(servers.arg(trace("all-encrypted.pcap")), 0);
}

/// Flags of a command's help, by the heading that they stand below.
fn headed(command: &str) -> Vec<(String, Vec<String>)> {
    let help = said(&mut plainsight(&[command, "--help"]), 0);
    let mut groups = Vec::<(String, Vec<String>)>::new();
    for line in help.lines() {
        if let Some(heading) = line.strip_suffix(':').filter(|it| !it.starts_with(' ')) {
            groups.push((heading.to_owned(), Vec::new()));
        }
        let flag = line.trim_start().split_once("--").filter(|(before, _)| {
            let is_short = before.len() == 4 && before.starts_with('-');
            (before.is_empty() || is_short) && line.starts_with("  ")
        });
        if let (Some((_, flag)), Some((_, flags))) = (flag, groups.last_mut()) {
            let name = flag.split([' ', '=', ',', '[']).next().unwrap_or_default();
            flags.push(name.to_owned());
        }
    }
    groups
}

#[test]
fn flags_stand_in_groups() {
    for (command, headings) in [
        (
            "live",
            &[
                "Capture",
                "End of the run",
                "Saved packets and counts",
                "Events and metrics",
                "Verdicts",
                "Report",
                "Exit code",
            ][..],
        ),
        (
            "analyze",
            &[
                "Window",
                "Verdicts",
                "Azure's configuration",
                "Counting",
                "Report",
                "Exit code",
            ],
        ),
        ("merge", &["Verdicts", "Report", "Exit code"]),
    ] {
        let groups = headed(command);
        for heading in headings {
            let flags = groups.iter().find(|(it, _)| it == heading);
            let flags = flags.map(|(_, flags)| flags.len());
            assert!(
                flags.is_some_and(|count| count > 0),
                "{command}: {heading} in {groups:?}"
            );
        }
        let longest = groups.iter().map(|(_, flags)| flags.len()).max();
        assert!(longest <= Some(10), "{command}: {groups:?}");
    }
    let stands = |flag: &str, heading: &str| {
        let groups = headed("analyze");
        let found = groups
            .iter()
            .find(|(_, flags)| flags.iter().any(|it| it == flag));
        assert_eq!(
            found.map(|(heading, _)| heading.as_str()),
            Some(heading),
            "{flag}"
        );
    };
    stands("policy", "Verdicts");
    stands("azure", "Azure's configuration");
    stands("threads", "Options");
    stands("fail-on", "Exit code");
}

#[test]
fn each_command_tells_its_exit_codes() {
    for command in COMMANDS.iter().chain(&["files"]) {
        let help = said(&mut plainsight(&[command, "--help"]), 0);
        let (_, codes) = help.split_once("Exit codes:\n").expect("exit codes");
        assert!(
            codes.contains("  0  ") && codes.contains("  2  "),
            "{command}: {codes}"
        );
    }
}

/// Code and warnings of a trace, with a list of verdicts that fail.
fn failing(name: &str, servers: &str, fail_on: &str) -> (i32, String) {
    let mut command = analyze();
    command.args([
        "--format",
        "json",
        "--servers",
        servers,
        "--fail-on",
        fail_on,
    ]);
    let output = run(command.arg(trace(name)));
    let report: Value = serde_json::from_str(&text(&output.stdout)).expect("JSON");
    let code = output.status.code().expect("a code");
    assert_eq!(report["summary"]["exit_code"], code);
    (code, report["warnings"].to_string())
}

#[test]
fn a_script_chooses_the_verdicts_that_fail_it() {
    for (name, servers, fail_on, expected) in [
        ("all-plaintext.pcap", SERVERS, "plaintext", 1),
        ("all-plaintext.pcap", SERVERS, "mixed,weak", 3),
        ("all-plaintext.pcap", SERVERS, "silent,plaintext", 1),
        ("all-encrypted.pcap", SERVERS, "mixed", 0),
        ("all-encrypted.pcap", "192.0.2.4", "plaintext", 3),
        ("all-encrypted.pcap", "192.0.2.4", "silent", 1),
    ] {
        let (code, warnings) = failing(name, servers, fail_on);
        assert_eq!(code, expected, "{name} {fail_on}: {warnings}");
        assert!(
            warnings.contains("--fail-on: exit code 1 is for"),
            "{warnings}"
        );
    }
    let (code, warnings) = failing(
        "all-plaintext.pcap",
        SERVERS,
        "plaintext,mixed,weak,conflict",
    );
    assert!(code == 1 && !warnings.contains("--fail-on"), "{warnings}");
    for slip in ["encrypted", "", "plain"] {
        let mut command = analyze();
        command
            .args(["--fail-on", slip])
            .arg(trace("all-plaintext.pcap"));
        let complaint = complaint(&mut command);
        assert!(complaint.contains("--fail-on"), "{complaint}");
    }
}

#[test]
fn lasting_flags_come_from_the_environment() {
    let mut command = analyze();
    command.arg(trace("all-plaintext.pcap"));
    command
        .env("PLAINSIGHT_SERVERS", SERVERS)
        .env("PLAINSIGHT_MAX_FLOWS", "0x");
    assert!(complaint(&mut command).contains("--max-flows"));
    let help = said(&mut plainsight(&["live", "--help"]), 0);
    for name in [
        "SERVERS",
        "VANTAGE",
        "POLICY",
        "MAX_LOSS",
        "MAX_FLOWS",
        "VXLAN_PORT",
        "ACCEPT",
        "INTERFACE",
        "SNAP_LENGTH",
        "BUFFER",
        "THREADS",
        "WRITE",
        "ROTATE_SIZE",
        "ROTATE_COUNT",
        "EVENTS",
        "METRICS",
        "METRICS_DETAIL",
        "TEXTFILE",
        "USER",
    ] {
        assert!(
            help.contains(&format!("[env: PLAINSIGHT_{name}=")),
            "{name}"
        );
    }
}
