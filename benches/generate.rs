//! Writes a trace for benchmarks:
//! `cargo bench --bench generate -- MIX PACKETS FILE [SEED]`, where MIX is `small`,
//! `mixed`, `flows=N`, `vm`, `fleet`, `wild`, `small-vm` or `small-fleet`, and a FILE that
//! ends in `.pcapng` is one. With `flow-log` for MIX it writes a flow log of that many bytes, and
//! with `estate` the exports of an estate into a folder.

use std::error::Error;
use std::fs::File;
use std::io::{BufWriter, Write};

mod generator;

use generator::mixes::{Mix, Supply};
use generator::writers::{Container, write};

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1).filter(|arg| arg != "--bench");
    let (Some(mix), Some(packets), Some(file)) = (args.next(), args.next(), args.next()) else {
        let mixes = Mix::NAMES;
        println!("usage: cargo bench --bench generate -- {mixes} PACKETS FILE [SEED]");
        println!("       cargo bench --bench generate -- flow-log BYTES FILE [SEED]");
        println!("       cargo bench --bench generate -- estate 0 FOLDER");
        return Ok(());
    };
    let seed = args.next().map_or(Ok(988), |seed| seed.parse())?;
    if mix == "flow-log" {
        let mut out = BufWriter::with_capacity(1 << 20, File::create(file)?);
        generator::flow_log::write(seed, packets.parse()?, &mut out)?;
        return Ok(out.flush()?);
    }
    if mix == "estate" {
        return Ok(generator::estate::write(file.as_ref())?);
    }
    let mix: Mix = mix.parse()?;
    let container = if file.ends_with(".pcapng") {
        Container::Pcapng
    } else {
        Container::Pcap
    };
    let mut out = BufWriter::with_capacity(1 << 20, File::create(file)?);
    write(
        &mut Supply::new(mix, seed),
        container,
        packets.parse()?,
        &mut out,
    )?;
    Ok(())
}
