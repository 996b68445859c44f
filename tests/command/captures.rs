//! The traces of `captures/`, held to what their making implies.

use std::path::Path;

use anyhow::Result;

use crate::support::expect;
use crate::support::program::{PROGRAM, trace};

#[test]
fn every_trace_gets_the_verdicts_its_making_implies() -> Result<()> {
    let (folder, program) = (trace(""), Path::new(PROGRAM));
    let mut wrong = Vec::new();
    for trace in expect::load(&folder)? {
        wrong.extend(expect::check(program, &folder, &trace)?);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(())
}
