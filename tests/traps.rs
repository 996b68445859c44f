//! Captures that once got a wrong verdict, or could: each test says the law that they
//! are held to.

#[path = "capture/bytes.rs"]
#[allow(dead_code, reason = "few kinds of capture are made here")]
mod bytes;
#[path = "traps/coats.rs"]
mod coats;
#[path = "traps/cuts.rs"]
mod cuts;
#[path = "traps/floods.rs"]
mod floods;
#[allow(dead_code, reason = "a few packets are made here")]
mod packets;
#[path = "traps/paths.rs"]
mod paths;
#[path = "traps/run.rs"]
mod run;
