//! The state for Prometheus: on an HTTP endpoint in the `OpenMetrics` text format, and in
//! Prometheus' own as a file for `node_exporter`'s textfile collector.
//!
//! <https://prometheus.io/docs/instrumenting/exposition_formats/>

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::fmt;
use std::io::{self, Write};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::time::Duration;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::CONTENT_TYPE;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use jiff::SignedDuration;
use nix::sys::resource::{UsageWho, getrusage};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric, MetricEncoder};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::{Registry, Unit};
use tokio::net::TcpStream;
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::clock::spent;
use super::saving::SavingState;
use super::state::{Published, RunState};
use crate::report::{InputReport, Moment, PathReport};
use crate::run::output::{OutputPlace, SHARED};
use crate::verdict::Verdict;

/// The media type of what is served.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
/// Longest time for a client to send its request.
const PATIENCE: Duration = Duration::from_secs(5);
/// Longest time for a client to send its request and to read the answer.
const SCRAPE: Duration = Duration::from_secs(10);
/// Clients that are served at once.
const AT_ONCE: usize = 16;

/// An endpoint that is open and not yet served.
pub(super) struct MetricsEndpoint {
    listener: TcpListener,
    runtime: Runtime,
}

impl MetricsEndpoint {
    /// Opens it.
    pub(super) fn open(address: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        let runtime = Builder::new_current_thread().enable_all().build()?;
        Ok(Self { listener, runtime })
    }

    /// Its address, with the port that was chosen if none was named.
    pub(super) fn address(&self) -> Option<SocketAddr> {
        self.listener.local_addr().ok()
    }

    /// Serves for as long as the process lives.
    pub(super) fn serve(self, published: &Published) -> io::Result<()> {
        let Self { listener, runtime } = self;
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::from_std(listener)?;
            let mut clients = JoinSet::new();
            loop {
                if clients.len() == AT_ONCE {
                    clients.join_next().await;
                }
                match listener.accept().await {
                    Ok((stream, _)) => {
                        clients.spawn(serve_one(stream, Published::clone(published)));
                    }
                    // Out of descriptors, most likely: they come back.
                    Err(_) => sleep(Duration::from_millis(100)).await,
                }
            }
        })
    }
}

/// Answers once: a client that keeps its connection would keep others out.
async fn serve_one(stream: TcpStream, published: Published) {
    let answer = service_fn(move |request| {
        let answer = answer(&request, &published);
        async { Ok::<_, Infallible>(answer) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(PATIENCE)
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), answer);
    let _ = timeout(SCRAPE, connection).await;
}

fn answer(request: &Request<Incoming>, published: &Published) -> Response<Full<Bytes>> {
    let (status, body) = match (request.method(), request.uri().path()) {
        (&Method::GET, "/metrics") => (StatusCode::OK, text(published)),
        (&Method::GET, _) => (StatusCode::NOT_FOUND, "see /metrics\n".to_owned()),
        _ => (StatusCode::METHOD_NOT_ALLOWED, String::new()),
    };
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    if status == StatusCode::OK {
        let media = hyper::header::HeaderValue::from_static(OPEN_METRICS);
        response.headers_mut().insert(CONTENT_TYPE, media);
    }
    response
}

/// The state as text.
fn text(published: &Published) -> String {
    let mut registry = Registry::with_prefix("plainsight");
    registry.register_collector(Box::new(Metrics(Published::clone(published))));
    let mut text = String::new();
    // Writing to a string does not fail.
    let _ = encode(&mut text, &registry);
    text
}

/// `OpenMetrics` in Prometheus' older format: there the comments name a counter as its
/// samples do, and tell neither units nor the end.
fn prometheus_text(open_metrics: &str) -> String {
    let counter = |line: &str| {
        let name = line.strip_prefix("# TYPE ")?.strip_suffix(" counter")?;
        Some(name.to_owned())
    };
    let counters: BTreeSet<String> = open_metrics.lines().filter_map(counter).collect();
    let mut text = String::with_capacity(open_metrics.len());
    for line in open_metrics.lines() {
        let mut words = line.splitn(4, ' ');
        match [(); 4].map(|()| words.next().unwrap_or_default()) {
            ["#", "UNIT" | "EOF", ..] => {}
            ["#", comment, name, said] if counters.contains(name) => {
                text.extend(["# ", comment, " ", name, "_total ", said, "\n"]);
            }
            _ => text.extend([line, "\n"]),
        }
    }
    text
}

/// A file that always holds a whole state: written beside its place, and moved there.
#[derive(Debug)]
pub(super) struct Textfile {
    place: OutputPlace,
}

impl Textfile {
    /// Interval at which it is written.
    pub(super) const EVERY: Duration = Duration::from_secs(5);

    /// Opens the folder that it is in, while that is allowed.
    ///
    /// # Errors
    /// It cannot be opened.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let place = OutputPlace::open(path)?;
        Ok(Self { place })
    }

    /// Its path.
    pub(super) fn path(&self) -> &Path {
        self.place.path()
    }

    pub(super) fn write(&self, published: &Published) -> io::Result<()> {
        let mut draft = self.place.draft(SHARED)?;
        draft.write_all(prometheus_text(&text(published)).as_bytes())?;
        draft.show()
    }
}

#[derive(Debug)]
struct Metrics(Published);

impl Collector for Metrics {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        if let Some(state) = self.0.load().as_deref() {
            paths(state, &mut encoder)?;
            captures(state, &mut encoder)?;
        }
        cost(&mut encoder)
    }
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct PathEnds {
    client: String,
    server: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct PathClass {
    client: String,
    server: String,
    class: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct PathVerdict {
    client: String,
    server: String,
    verdict: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct CaptureDrop {
    capture: String,
    by: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct CaptureName {
    capture: String,
}

fn paths(state: &RunState, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
    let paths = &state.report.paths;
    let mut packets = counter(encoder, "path_packets", "Packets by path and class", None)?;
    each_class(paths, |labels, count| {
        sample(&mut packets, labels, count.packets)
    })?;
    let (unit, help) = (Some(Unit::Bytes), "Original frame lengths");
    let mut bytes = counter(encoder, "path_wire", help, unit.as_ref())?;
    each_class(paths, |labels, count| {
        sample(&mut bytes, labels, count.wire_bytes)
    })?;
    verdicts(paths, encoder)?;
    last_plaintext(paths, encoder)?;
    losses(paths, encoder)
}

/// Time of the last packet in plaintext, of each path that had any: an alert clears once it is
/// long ago.
fn last_plaintext(paths: &[PathReport], encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
    let (unit, help) = (Some(Unit::Seconds), "Time of the last packet in plaintext");
    let mut last = gauge(encoder, "last_plaintext_timestamp", help, unit.as_ref())?;
    for path in paths {
        if let Some(Moment(time)) = path.plaintext_last {
            let seconds = ConstGauge::new(SignedDuration::from_nanos(time.0).as_secs_f64());
            seconds.encode(last.encode_family(&ends(path))?)?;
        }
    }
    Ok(())
}

/// Each path's verdict as a set of states, one of which holds.
fn verdicts(paths: &[PathReport], encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
    let help = "1 for the verdict that holds";
    let mut verdicts = gauge(encoder, "path_verdict", help, None)?;
    for path in paths {
        for verdict in Verdict::ALL {
            let PathEnds { client, server } = ends(path);
            let labels = PathVerdict {
                client,
                server,
                verdict: verdict.name(),
            };
            let holds = i64::from(verdict == path.verdict);
            ConstGauge::new(holds).encode(verdicts.encode_family(&labels)?)?;
        }
    }
    Ok(())
}

/// Missing records of each path. Records that come late lower their number again.
fn losses(paths: &[PathReport], encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
    let help = "Records that DTLS numbered and nobody saw";
    let mut missing = gauge(encoder, "path_dtls_missing_records", help, None)?;
    for path in paths {
        if let Some(dtls) = &path.dtls {
            let records = ConstGauge::new(dtls.missing);
            records.encode(missing.encode_family(&ends(path))?)?;
        }
    }
    let help = "Whether the verdict had to do without some packets";
    let mut under_loss = gauge(encoder, "path_under_loss", help, None)?;
    for path in paths {
        let is_under_loss = ConstGauge::new(i64::from(path.under_loss));
        is_under_loss.encode(under_loss.encode_family(&ends(path))?)?;
    }
    Ok(())
}

fn each_class(
    paths: &[PathReport],
    mut show: impl FnMut(&PathClass, crate::flow::Count) -> fmt::Result,
) -> fmt::Result {
    for path in paths {
        let PathEnds { client, server } = ends(path);
        for (class, count) in path.traffic.by_class() {
            let labels = PathClass {
                client: client.clone(),
                server: server.clone(),
                class: class.name(),
            };
            show(&labels, count)?;
        }
    }
    Ok(())
}

fn ends(path: &PathReport) -> PathEnds {
    let name = |end: &Option<String>| end.clone().unwrap_or_default();
    PathEnds {
        client: name(&path.client),
        server: name(&path.server),
    }
}

fn captures(state: &RunState, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
    let inputs = &state.report.inputs;
    let mut packets = counter(encoder, "capture_packets", "Packets read", None)?;
    for input in inputs {
        let capture = input.name.clone();
        sample(&mut packets, &CaptureName { capture }, input.packets)?;
    }
    let mut drops = counter(encoder, "capture_dropped_packets", "Packets not seen", None)?;
    for input in inputs {
        let losses = input.losses.as_ref();
        let by = losses.map(|it| [("kernel", Some(it.kernel)), ("interface", it.interface)]);
        let known = by.into_iter().flatten();
        for (by, dropped) in known.filter_map(|(by, dropped)| Some((by, dropped?))) {
            let capture = input.name.clone();
            sample(&mut drops, &CaptureDrop { capture, by }, dropped)?;
        }
    }
    up(inputs, encoder)?;
    if let Some(state) = state.saving {
        saving(state, encoder)?;
    }
    let (unit, help) = (Some(Unit::Seconds), "How long the run has gone on");
    let run = gauge(encoder, "run", help, unit.as_ref())?;
    ConstGauge::new(state.elapsed.as_secs_f64()).encode(run)
}

fn up(inputs: &[InputReport], encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
    let mut up = gauge(encoder, "capture_up", "Whether the interface is up", None)?;
    for input in inputs {
        let is_down = input.losses.as_ref().is_some_and(|losses| losses.down);
        let capture = input.name.clone();
        let labels = CaptureName { capture };
        ConstGauge::new(i64::from(!is_down)).encode(up.encode_family(&labels)?)?;
    }
    Ok(())
}

fn saving(state: SavingState, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
    let help = "Packets read that are in no file of -w";
    let unsaved = counter(encoder, "unsaved_packets", help, None)?;
    ConstCounter::new(state.unsaved).encode(unsaved)?;
    let help = "Whether the file of -w can be written";
    let up = gauge(encoder, "saving_up", help, None)?;
    ConstGauge::new(i64::from(!state.has_failed)).encode(up)
}

/// CPU time and memory of the process.
fn cost(encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
    let Ok(usage) = getrusage(UsageWho::RUSAGE_SELF) else {
        return Ok(());
    };
    let seconds = Some(Unit::Seconds);
    let cpu = counter(encoder, "cpu", "CPU time of the process", seconds.as_ref())?;
    ConstCounter::new(spent(&usage).as_secs_f64()).encode(cpu)?;
    let bytes = Some(Unit::Bytes);
    let peak = gauge(
        encoder,
        "peak_memory",
        "Largest resident memory",
        bytes.as_ref(),
    )?;
    ConstGauge::new(usage.max_rss() * 1024).encode(peak)
}

fn counter<'e>(
    encoder: &'e mut DescriptorEncoder<'_>,
    name: &'e str,
    help: &str,
    unit: Option<&'e Unit>,
) -> Result<MetricEncoder<'e>, fmt::Error> {
    encoder.encode_descriptor(name, help, unit, MetricType::Counter)
}

fn gauge<'e>(
    encoder: &'e mut DescriptorEncoder<'_>,
    name: &'e str,
    help: &str,
    unit: Option<&'e Unit>,
) -> Result<MetricEncoder<'e>, fmt::Error> {
    encoder.encode_descriptor(name, help, unit, MetricType::Gauge)
}

fn sample(
    encoder: &mut MetricEncoder<'_>,
    labels: &impl EncodeLabelSet,
    value: u64,
) -> fmt::Result {
    ConstCounter::new(value).encode(encoder.encode_family(labels)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_are_named_alike_in_comments_and_samples() {
        let open_metrics = "# HELP a_b Some b, total counter\n# TYPE a_b counter\n\
            # UNIT a_b bytes\na_b_total{c=\"# TYPE d counter\"} 1\n\
            # HELP d Some d\n# TYPE d gauge\nd 2\n# EOF\n";
        let prometheus = "# HELP a_b_total Some b, total counter\n# TYPE a_b_total counter\n\
            a_b_total{c=\"# TYPE d counter\"} 1\n# HELP d Some d\n# TYPE d gauge\nd 2\n";
        assert_eq!(prometheus_text(open_metrics), prometheus);
    }
}
