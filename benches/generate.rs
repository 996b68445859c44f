//! Writes a trace for benchmarks:
//! `cargo bench --bench generate -- MIX PACKETS FILE [SEED]`, where MIX is `small`,
//! `mixed` or `flows=N`, and a FILE that ends in `.pcapng` is one.

use std::error::Error;
use std::fs::File;
use std::io::BufWriter;

mod generator;

use generator::mixes::{Mix, Supply};
use generator::writers::{Container, write};

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1).filter(|arg| arg != "--bench");
    let (Some(mix), Some(packets), Some(file)) = (args.next(), args.next(), args.next()) else {
        println!("usage: cargo bench --bench generate -- small|mixed|flows=N PACKETS FILE [SEED]");
        return Ok(());
    };
    let mix = match (mix.as_str(), mix.strip_prefix("flows=")) {
        ("small", _) => Mix::Small,
        ("mixed", _) => Mix::Mixed,
        (_, Some(flows)) => Mix::Flows(flows.parse()?),
        _ => return Err(format!("no such mix: {mix}").into()),
    };
    let container = if file.ends_with(".pcapng") {
        Container::Pcapng
    } else {
        Container::Pcap
    };
    let seed = args.next().map_or(Ok(988), |seed| seed.parse())?;
    let mut out = BufWriter::with_capacity(1 << 20, File::create(file)?);
    write(
        &mut Supply::new(mix, seed),
        container,
        packets.parse()?,
        &mut out,
    )?;
    Ok(())
}
