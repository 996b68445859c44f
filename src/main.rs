//! The `plainsight` command.
fn main() {}
