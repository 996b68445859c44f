//! Metrics: the endpoint, a Prometheus server that scrapes it, and the file.

use std::collections::BTreeMap;
use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail, ensure};
use serde_json::Value;
use tempfile::TempDir;

use crate::Scene;
use crate::frames;
use crate::hosts::Namespace;
use crate::program::{Ended, Live, await_some, folder};
use crate::stage::{SECOND, SERVER, Stage};

pub const SCENES: &[Scene] = &[
    ("the endpoint counts what the report does", endpoint),
    ("a Prometheus server scrapes it", prometheus),
    ("the file for metrics is always whole", textfile),
    ("a scraper that stays keeps no other waiting", two_scrapers),
    ("idle clients keep nobody from the metrics", idle_clients),
    ("metrics come in the format that is asked for", formats),
    ("metrics are sums where that is asked for", sums),
];

type Labels = BTreeMap<String, String>;
/// A metric's name and its labels, and a number.
type Sample = ((String, Labels), f64);
/// All samples of a moment.
pub type Samples = BTreeMap<(String, Labels), f64>;

/// Where a run serves its metrics.
pub struct Endpoint<'n> {
    address: SocketAddr,
    namespace: &'n Namespace,
}

impl<'n> Endpoint<'n> {
    pub fn of(live: &mut Live, namespace: &'n Namespace) -> Result<Self> {
        let started = live.await_event("started", |_| true)?;
        let address = started["metrics"].as_str().context("no address")?;
        Ok(Self {
            address: address.parse()?,
            namespace,
        })
    }

    /// All samples now.
    pub fn metrics(&self) -> Result<Samples> {
        served(&self.text()?)
    }

    fn text(&self) -> Result<String> {
        self.text_in("application/openmetrics-text")
    }

    fn text_in(&self, accept: &str) -> Result<String> {
        let answer = self.ask("GET", "/metrics", accept)?;
        ensure!(answer.status == 200, "status {}", answer.status);
        Ok(answer.body)
    }

    fn ask(&self, method: &str, path: &str, accept: &str) -> Result<Answer> {
        ask(self.namespace, self.address, method, path, accept)
    }
}

/// Answer of an HTTP server.
struct Answer {
    status: u16,
    /// Its first line and its headers.
    head: String,
    body: String,
}

fn ask(
    namespace: &Namespace,
    address: SocketAddr,
    method: &str,
    path: &str,
    accept: &str,
) -> Result<Answer> {
    let mut stream = namespace.enter(|| TcpStream::connect(address))??;
    write!(
        stream,
        "{method} {path} HTTP/1.0\r\nHost: {address}\r\nAccept: {accept}\r\n\r\n"
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let (head, body) = answer.split_once("\r\n\r\n").context("no answer")?;
    let status = head.split(' ').nth(1).context("no status")?;
    Ok(Answer {
        status: status.parse()?,
        head: head.to_lowercase(),
        body: body.to_owned(),
    })
}

/// Gets what is at a path of an HTTP server; gives the status and the body.
fn get(namespace: &Namespace, address: SocketAddr, path: &str) -> Result<(u16, String)> {
    let answer = ask(namespace, address, "GET", path, "*/*")?;
    Ok((answer.status, answer.body))
}

/// Reads what is served; the last line ends it.
fn served(text: &str) -> Result<Samples> {
    samples(text.strip_suffix("# EOF\n").context("it is cut off")?)
}

/// Reads the text format; each line must be a comment or a sample.
fn samples(text: &str) -> Result<Samples> {
    let lines = text.lines().filter(|line| !line.starts_with("# "));
    lines.map(sample).collect()
}

/// Reads the file's text; the last sample of all must be there.
fn whole(text: &str) -> Result<Samples> {
    ensure!(text.ends_with('\n'), "it is cut off");
    let samples = samples(text)?;
    sum(&samples, "plainsight_peak_memory_bytes").context("it is cut off")?;
    Ok(samples)
}

/// Has Prometheus' own tool look at a file's text.
fn check(text: &str) -> Result<()> {
    let mut tool = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let mut input = tool.stdin.take().context("no input")?;
    input.write_all(text.as_bytes())?;
    drop(input);
    let said = tool.wait_with_output()?;
    let complaints = [said.stdout, said.stderr].concat();
    let complaints = String::from_utf8_lossy(&complaints);
    ensure!(
        said.status.success() && complaints.is_empty(),
        "{complaints}"
    );
    Ok(())
}

fn sample(line: &str) -> Result<Sample> {
    let (series, value) = line.rsplit_once(' ').with_context(|| line.to_owned())?;
    let (name, labels) = series.split_once('{').unwrap_or((series, "}"));
    let labels = labels.strip_suffix('}').with_context(|| line.to_owned())?;
    // A capture's name may hold a comma, but no quotation mark.
    let labels = labels.split_terminator('"').collect::<Vec<_>>();
    let labels = labels.chunks(2).map(|pair| match pair {
        [name, value] => {
            let name = name.trim_start_matches(',').trim_end_matches('=');
            Ok((name.to_owned(), (*value).to_owned()))
        }
        _ => bail!("{line}"),
    });
    Ok((
        (name.to_owned(), labels.collect::<Result<_>>()?),
        value.parse()?,
    ))
}

/// Metric of the time of each path's last packet in plaintext.
const LAST_PLAINTEXT: &str = "plainsight_last_plaintext_timestamp_seconds";

/// The sum over all series of a metric.
pub fn sum(samples: &Samples, metric: &str) -> Result<u64> {
    let of_metric = samples.iter().filter(|((name, _), _)| name == metric);
    let sum = of_metric.fold(0.0, |sum, (_, value)| sum + value);
    Ok(format!("{sum}").parse()?)
}

/// What a report makes each series of its paths be.
fn expected(report: &Value) -> Result<Samples> {
    let mut samples = Samples::new();
    for path in report["paths"].as_array().into_iter().flatten() {
        for (class, count) in path["traffic"].as_object().context("no traffic")? {
            let counted = [
                ("path_packets", "packets"),
                ("path_wire_bytes", "wire_bytes"),
            ];
            for (metric, field) in counted {
                let value = count[field].as_f64().context("no count")?;
                let name = format!("plainsight_{metric}_total");
                samples.insert((name, labels(path, "class", class)), value);
            }
        }
        if let Some(last) = path["plaintext_last"].as_str() {
            let last: jiff::Timestamp = last.parse()?;
            let seconds = last.as_duration().as_secs_f64();
            samples.insert((LAST_PLAINTEXT.to_owned(), ends(path)), seconds);
        }
        let mut insert = |name: &str, value: f64| {
            samples.insert((format!("plainsight_path_{name}"), ends(path)), value)
        };
        let under_loss = path["under_loss"].as_bool().context("no under_loss")?;
        insert("under_loss", f64::from(u8::from(under_loss)));
        if let Some(missing) = path["dtls"]["missing"].as_f64() {
            insert("dtls_missing_records", missing);
        }
        for verdict in [
            "encrypted",
            "weak",
            "mixed",
            "plaintext",
            "conflict",
            "unproven",
            "undetermined",
            "silent",
        ] {
            let holds = f64::from(u8::from(path["verdict"] == verdict));
            let name = "plainsight_path_verdict".to_owned();
            samples.insert((name, labels(path, "verdict", verdict)), holds);
        }
    }
    Ok(samples)
}

fn labels(path: &Value, name: &str, value: &str) -> Labels {
    let mut labels = ends(path);
    labels.insert(name.to_owned(), value.to_owned());
    labels
}

fn ends(path: &Value) -> Labels {
    let end = |end: &str| {
        let address = path[end].as_str().unwrap_or_default();
        (end.to_owned(), address.to_owned())
    };
    ["client", "server"].map(end).into()
}

/// Checks that samples on paths are those of a report, all of them.
fn same(samples: &Samples, report: &Value) -> Result<()> {
    let of_paths = |name: &str| name.starts_with("plainsight_path_") || name == LAST_PLAINTEXT;
    let mut got = samples.clone();
    got.retain(|(name, _), _| of_paths(name));
    let expected = expected(report)?;
    ensure!(
        got == expected,
        "{got:#?}\nwhere the report has\n{expected:#?}"
    );
    Ok(())
}

/// A run that saw both kinds of traffic, until its metrics count all of it.
fn played(stage: &Stage, arguments: &str) -> Result<Live> {
    let arguments = format!("--servers {SERVER},{SECOND} --metrics 127.0.0.1:0 {arguments}");
    let mut live = stage.live(&arguments)?;
    let before = stage.counters()?;
    stage.encrypt(40001, stage.server())?;
    stage.converse(1023, stage.second())?;
    let passed = stage.counters()? - before;
    let endpoint = Endpoint::of(&mut live, stage.client().namespace())?;
    await_some("metrics of all packets", || {
        let read = sum(&endpoint.metrics()?, "plainsight_capture_packets_total")?;
        Ok((read == passed.packets).then_some(()))
    })?;
    Ok(live)
}

fn ends_as_played(live: Live) -> Result<Ended> {
    let ended = live.end()?;
    ended.hold(&[(SERVER, "encrypted"), (SECOND, "plaintext")], 1)?;
    Ok(ended)
}

fn endpoint() -> Result<()> {
    let stage = Stage::new()?;
    let mut live = played(&stage, "")?;
    let namespace = stage.client().namespace();
    let endpoint = Endpoint::of(&mut live, namespace)?;
    let samples = endpoint.metrics()?;
    for path in ["/metrics/more", "/favicon.ico"] {
        let (status, _) = get(namespace, endpoint.address, path)?;
        ensure!(status == 404, "{path}: status {status}");
    }
    let up = sum(&samples, "plainsight_capture_up")?;
    let dropped = sum(&samples, "plainsight_capture_dropped_packets_total")?;
    ensure!((up, dropped) == (1, 0), "up {up}, dropped {dropped}");
    let mut names = samples.keys().map(|(name, _)| name);
    ensure!(names.any(|name| name == LAST_PLAINTEXT), "no plaintext");
    same(&samples, &ends_as_played(live)?.report)
}

/// One connects and never asks; one asks, and would keep its connection.
fn two_scrapers() -> Result<()> {
    let namespace = frames::quiet()?;
    let mut live = frames::live(&namespace, "--metrics 127.0.0.1:0")?;
    let endpoint = Endpoint::of(&mut live, &namespace)?;
    let connect = || namespace.enter(|| TcpStream::connect(endpoint.address));
    let silent = connect()??;
    let mut staying = connect()??;
    write!(staying, "GET /metrics HTTP/1.1\r\nHost: it\r\n\r\n")?;
    let mut answer = String::new();
    // It ends where the other end closes the connection.
    staying.read_to_string(&mut answer)?;
    ensure!(answer.contains("\r\nconnection: close\r\n"), "{answer}");
    endpoint.metrics()?;
    // The first was not turned away meanwhile: nothing but time ends it.
    silent.set_nonblocking(true)?;
    let read = (&silent).read(&mut [0]).map_err(|error| error.kind());
    ensure!(
        read == Err(ErrorKind::WouldBlock),
        "others waited for it: {read:?}"
    );
    live.end()?;
    Ok(())
}

/// More than are served at once.
fn idle_clients() -> Result<()> {
    let namespace = frames::quiet()?;
    let mut live = frames::live(&namespace, "--metrics 127.0.0.1:0")?;
    let endpoint = Endpoint::of(&mut live, &namespace)?;
    let connect = || namespace.enter(|| TcpStream::connect(endpoint.address));
    let idle: Vec<_> = (0..40)
        .map(|_| connect()?.map_err(Into::into))
        .collect::<Result<_>>()?;
    let begun = Instant::now();
    endpoint.metrics()?;
    let took = begun.elapsed();
    ensure!(
        took < Duration::from_secs(2),
        "it waited for others: {took:?}"
    );
    let is_open = |stream: &TcpStream| {
        stream.set_nonblocking(true)?;
        let read = (&*stream).read(&mut [0]).map_err(|error| error.kind());
        anyhow::Ok(read == Err(ErrorKind::WouldBlock))
    };
    let open = idle.iter().map(is_open).collect::<Result<Vec<_>>>()?;
    let count = open.iter().filter(|it| **it).count();
    ensure!((1..16).contains(&count), "{count} are still served");
    ensure!(open.is_sorted(), "others than the oldest were dropped");
    live.end()?;
    Ok(())
}

fn formats() -> Result<()> {
    let stage = Stage::new()?;
    let mut live = played(&stage, "-w trace.pcapng")?;
    let endpoint = Endpoint::of(&mut live, stage.client().namespace())?;
    let open_metrics = endpoint.ask(
        "GET",
        "/metrics",
        "application/openmetrics-text;q=0.5,*/*;q=0.1",
    )?;
    ensure!(
        open_metrics
            .head
            .contains("content-type: application/openmetrics-text; version=1.0.0"),
        "{}",
        open_metrics.head
    );
    let text = endpoint.ask("GET", "/metrics", "*/*")?;
    ensure!(
        text.head
            .contains("content-type: text/plain; version=0.0.4"),
        "{}",
        text.head
    );
    check(&text.body)?;
    let names = |samples: Samples| samples.into_keys().collect::<Vec<_>>();
    ensure!(
        names(served(&open_metrics.body)?) == names(whole(&text.body)?),
        "others than in the other format"
    );
    let page = endpoint.ask("GET", "/", "text/html")?;
    ensure!(
        page.status == 200 && page.body.contains("href=\"/metrics\""),
        "{}",
        page.body
    );
    let head = endpoint.ask("HEAD", "/metrics", "*/*")?;
    ensure!(head.status == 200 && head.body.is_empty(), "{}", head.body);
    let post = endpoint.ask("POST", "/metrics", "*/*")?;
    ensure!(
        post.status == 405 && post.head.contains("allow: get, head"),
        "{}",
        post.head
    );
    live.end()?;
    Ok(())
}

fn sums() -> Result<()> {
    let stage = Stage::new()?;
    let mut live = played(&stage, "--metrics-detail sums")?;
    let endpoint = Endpoint::of(&mut live, stage.client().namespace())?;
    check(&endpoint.text_in("text/plain")?)?;
    let samples = endpoint.metrics()?;
    let of_paths = samples
        .keys()
        .filter(|(_, labels)| labels.contains_key("client"));
    ensure!(of_paths.count() == 0, "{samples:#?}");
    let ended = ends_as_played(live)?;
    let expected = expected(&ended.report)?;
    for metric in [
        "plainsight_path_packets_total",
        "plainsight_path_wire_bytes_total",
        "plainsight_path_dtls_missing_records",
        "plainsight_path_under_loss",
    ] {
        let (got, whole) = (sum(&samples, metric)?, sum(&expected, metric)?);
        ensure!(got == whole, "{metric}: {got}, not {whole}");
    }
    let of_verdict = |verdict: &str| {
        let labels = Labels::from([("verdict".to_owned(), verdict.to_owned())]);
        samples
            .get(&("plainsight_paths".to_owned(), labels))
            .copied()
    };
    let counts = ["encrypted", "plaintext", "mixed"].map(of_verdict);
    ensure!(counts == [Some(1.0), Some(1.0), Some(0.0)], "{counts:?}");
    Ok(())
}

/// A Prometheus server. It ends when dropped.
struct Prometheus<'n> {
    child: Child,
    namespace: &'n Namespace,
    /// Its configuration and its data.
    _folder: TempDir,
}

impl<'n> Prometheus<'n> {
    /// In its own namespace, no other has the port.
    const ADDRESS: &'static str = "127.0.0.1:9090";

    fn start(namespace: &'n Namespace, target: SocketAddr) -> Result<Self> {
        let folder = folder()?;
        let config = format!(
            "global: {{scrape_interval: 1s}}\n\
             scrape_configs: [{{job_name: plainsight, static_configs: [{{targets: ['{target}']}}]}}]\n"
        );
        fs::write(folder.path().join("prometheus.yml"), config)?;
        let child = Command::new("ip")
            .args(["netns", "exec", &namespace.name, "prometheus"])
            .args(["--config.file=prometheus.yml", "--storage.tsdb.path=data"])
            .arg(format!("--web.listen-address={}", Self::ADDRESS))
            .current_dir(folder.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        Ok(Self {
            child,
            namespace,
            _folder: folder,
        })
    }

    /// The series of a metric, as it knows them now.
    fn query(&self, metric: &str) -> Result<Samples> {
        let path = format!("/api/v1/query?query={metric}");
        let (status, body) = get(self.namespace, Self::ADDRESS.parse()?, &path)?;
        ensure!(status == 200, "{metric}: status {status}: {body}");
        let answer: Value = serde_json::from_str(&body)?;
        let series = answer["data"]["result"].as_array().context("no result")?;
        series
            .iter()
            .map(|series| Self::sample(metric, series))
            .collect()
    }

    fn sample(metric: &str, series: &Value) -> Result<Sample> {
        let mut labels: Labels = serde_json::from_value(series["metric"].clone())?;
        // It adds where it has the series from.
        for name in ["__name__", "instance", "job"] {
            labels.remove(name).with_context(|| format!("{series}"))?;
        }
        let value = series["value"][1].as_str().context("no value")?;
        Ok(((metric.to_owned(), labels), value.parse()?))
    }

    /// Waits until it has scraped a number of packets.
    fn await_packets(&self, packets: u64) -> Result<()> {
        await_some("Prometheus to scrape", || {
            // It takes a while to listen.
            let Ok(known) = self.query("plainsight_capture_packets_total") else {
                return Ok(None);
            };
            let read = sum(&known, "plainsight_capture_packets_total")?;
            Ok((read == packets).then_some(()))
        })
    }
}

impl Drop for Prometheus<'_> {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn prometheus() -> Result<()> {
    let stage = Stage::new()?;
    let mut live = played(&stage, "")?;
    let namespace = stage.client().namespace();
    let endpoint = Endpoint::of(&mut live, namespace)?;
    let packets = sum(&endpoint.metrics()?, "plainsight_capture_packets_total")?;
    let server = Prometheus::start(namespace, endpoint.address)?;
    server.await_packets(packets)?;
    let up = server.query("up")?;
    ensure!(up.values().eq([&1.0]), "{up:?}");
    let mut known = Samples::new();
    for metric in [
        "path_packets_total",
        "path_wire_bytes_total",
        "path_verdict",
        "path_dtls_missing_records",
        "path_under_loss",
        "last_plaintext_timestamp_seconds",
    ] {
        known.extend(server.query(&format!("plainsight_{metric}"))?);
    }
    same(&known, &ends_as_played(live)?.report)
}

fn textfile() -> Result<()> {
    let stage = Stage::new()?;
    let mut live = played(&stage, "--textfile metrics.prom")?;
    let endpoint = Endpoint::of(&mut live, stage.client().namespace())?;
    let file = live.file("metrics.prom");
    let over = AtomicBool::new(false);
    let (served, ended) = thread::scope(|scope| {
        let reader = scope.spawn(|| read_over_and_over(&file, &over));
        // Long enough that it is written again.
        thread::sleep(Duration::from_secs(7));
        let served = endpoint.metrics();
        over.store(true, Ordering::Relaxed);
        let states = reader.join().map_err(|_| anyhow!("the reader died"))??;
        ensure!(states >= 2, "it never changed");
        anyhow::Ok((served?, ends_as_played(live)?))
    })?;
    let last = fs::read_to_string(ended.file("metrics.prom"))?;
    check(&last)?;
    let last = whole(&last)?;
    let names = |samples: &Samples| samples.keys().cloned().collect::<Vec<_>>();
    ensure!(names(&last) == names(&served), "others than the endpoint's");
    same(&served, &ended.report)?;
    same(&last, &ended.report)
}

/// Reads a file that is replaced; gives how many states it had, each of them whole.
fn read_over_and_over(file: &Path, over: &AtomicBool) -> Result<usize> {
    let mut states = Vec::new();
    while !over.load(Ordering::Relaxed) {
        let text = fs::read_to_string(file)?;
        whole(&text)?;
        if states.last() != Some(&text) {
            states.push(text);
        }
    }
    Ok(states.len())
}
