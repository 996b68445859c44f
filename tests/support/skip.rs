//! Tests that cannot run on a machine, told in the one form that `.ci/run` looks for.

use std::io::Write;

/// Tells on a line of its own that a test was skipped, and why.
///
/// Written past the test harness, which shows what a test prints only if it fails.
pub fn skipped(name: &str, why: &str) {
    // In one write, or lines of other tests come between.
    let line = format!("skipped: {name}: {why}\n");
    let written = std::io::stderr().write_all(line.as_bytes());
    written.expect("standard error");
}

/// Tells that the test of this thread was skipped, and why.
pub fn skipped_here(why: &str) {
    let thread = std::thread::current();
    skipped(thread.name().unwrap_or("a test"), why);
}
