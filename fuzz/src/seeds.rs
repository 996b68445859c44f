//! Inputs that the repository holds already, for a fuzzer to start from.

use std::fs;
use std::io::{self, Cursor};
use std::path::{Path, PathBuf};

use super::saved;
use plainsight::capture::Interfaces;
use plainsight::input::Input;
use serde_json::Value;

/// Lists of servers in each form that is accepted, and in some that are not.
const LISTS: [&str; 8] = [
    "10.0.0.4,10.0.0.5",
    "10.0.0.0/24 fd00::/64 fd00::1",
    "10.0.0.4@tcp:10.0.0.5@tcp1,10.0.0.6@tcp2:/lustre",
    "10.0.[0-3].[4-9]@tcp",
    "10.0.0.[4,6,8-10/2]@tcp  # a comment\n10.0.1.*@tcp",
    "10.0.0.4@o2ib,0@lo",
    "[0-255].[0-255].[0-255].[0-255]@tcp",
    "",
];

/// Writes what a target starts from to its corpus.
///
/// # Panics
/// Where the repository's files cannot be read, or the corpus not be written.
pub fn plant(target: &str) {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    let seeds = of(target).expect("the repository's files");
    save(&corpus.join(target), seeds).expect("a corpus");
}

fn of(target: &str) -> io::Result<Vec<Vec<u8>>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let inside = |folder| files(&root.join(folder));
    match target {
        "capture" => contents(&inside("captures")?),
        "frame" => frames(&inside("captures")?),
        "flow_log" => contents(&inside("tests/flow-logs")?),
        "export" => exports(&inside("tests/azure")?),
        "saved" => Ok(saved::seeds(&inside("captures")?)),
        _ => lists(&inside("tests/client-vm")?),
    }
}

/// Lists of servers, and the files in which a client finds them.
fn lists(files: &[PathBuf]) -> io::Result<Vec<Vec<u8>>> {
    let lists = LISTS.map(|list| list.as_bytes().to_vec());
    Ok([lists.to_vec(), contents(files)?].concat())
}

/// All files of a folder and its folders, in order.
fn files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder)?.map(|entry| Ok(entry?.path()));
    let mut paths = entries.collect::<io::Result<Vec<_>>>()?;
    paths.sort();
    let mut all = Vec::new();
    for path in paths {
        if path.is_dir() {
            all.extend(files(&path)?);
        } else if path.is_file() {
            all.push(path);
        }
    }
    Ok(all)
}

fn contents(files: &[PathBuf]) -> io::Result<Vec<Vec<u8>>> {
    files.iter().map(fs::read).collect()
}

/// The first frames of each capture, as the target of frames takes them.
fn frames(captures: &[PathBuf]) -> io::Result<Vec<Vec<u8>>> {
    let mut frames = Vec::new();
    for capture in contents(captures)? {
        let Ok(input) = Input::from_stream("seed", Box::new(Cursor::new(capture))) else {
            continue;
        };
        let before = frames.len();
        let interfaces = Interfaces::default();
        input.walk(
            &interfaces,
            |frame| {
                if frames.len() < before + 20 {
                    let head = [frame.link_type.0.to_be_bytes(), [0, 0]].concat();
                    frames.push([&head, frame.data].concat());
                }
            },
            |_| {},
        );
    }
    Ok(frames)
}

/// Exports, and all of one kind of tool as one list, so that a path can be told.
fn exports(files: &[PathBuf]) -> io::Result<Vec<Vec<u8>>> {
    let is_of_az = |path: &&PathBuf| path.parent().is_some_and(|it| it.ends_with("az"));
    let mut joined = Vec::new();
    for path in files.iter().filter(is_of_az) {
        match serde_json::from_slice(&fs::read(path)?)? {
            Value::Array(resources) => joined.extend(resources),
            resource => joined.push(resource),
        }
    }
    let joined = serde_json::to_vec(&joined)?;
    Ok([contents(files)?, vec![joined]].concat())
}

fn save(folder: &Path, seeds: Vec<Vec<u8>>) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    let mut seeds = seeds.into_iter().enumerate();
    seeds.try_for_each(|(number, seed)| fs::write(folder.join(format!("seed-{number}")), seed))
}
