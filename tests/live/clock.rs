//! A clock that is set while a run goes on. libfaketime gives the program another one than
//! the kernel, which stamps the packets.

use std::slice;

use anyhow::{Result, ensure};

use crate::Scene;
use crate::frames::{self, Sender};
use crate::program::{Live, Surroundings, folder, number};
use crate::saved::analyzed;
use crate::stage::SERVER;

pub const SCENES: &[Scene] = &[
    ("a clock set back loses no packet", set_back),
    ("a clock set forward loses no packet", set_forward),
];

const SENT: u32 = 1000;

/// To the program it is later than to the kernel, as if the clock was set back after the
/// run began.
fn set_back() -> Result<()> {
    all_counted("+3600")
}

fn set_forward() -> Result<()> {
    all_counted("-3600")
}

fn all_counted(offset: &str) -> Result<()> {
    for threads in [1, 2] {
        let namespace = frames::quiet()?;
        let environment = [
            "LD_PRELOAD=/usr/$LIB/faketime/libfaketime.so.1",
            &format!("FAKETIME={offset}"),
            // Nobody sets the clock that never goes back.
            "FAKETIME_DONT_FAKE_MONOTONIC=1",
        ];
        let surroundings = Surroundings {
            environment: environment.map(str::to_owned).into(),
            ..Surroundings::default()
        };
        let arguments = format!(
            "-i eth0 --threads {threads} --servers {SERVER} --events events -w trace.pcapng"
        );
        let mut live = Live::spawn_in(&namespace, folder()?, &arguments, surroundings)?;
        live.await_event("started", |_| true)?;
        let mut sender = Sender::on(&namespace)?;
        sender.send(0..SENT / 2)?;
        live.report()?;
        // Still in the kernel's ring when the run ends.
        sender.send(SENT / 2..SENT)?;
        let ended = live.end()?;
        let counted = number(&ended.report, "accounting.packets")?;
        let lost = number(&ended.report, "losses.packets")?;
        ensure!(
            (counted, lost) == (u64::from(SENT), 0),
            "{counted} counted, {lost} lost"
        );
        let trace = ended.file("trace.pcapng");
        let kept = number(
            &analyzed(slice::from_ref(&trace), SERVER)?,
            "accounting.packets",
        )?;
        ensure!(kept == u64::from(SENT), "{kept} kept by {threads} workers");
    }
    Ok(())
}
