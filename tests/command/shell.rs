//! What the shell learns of the command, and how scripts call it.

use std::fs;
use std::process::Command;

use crate::support::expect::SERVERS;
use crate::support::program::{analyze, plainsight, report, run, said, text, trace};

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
