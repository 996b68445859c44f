//! The HTTP endpoint for metrics.
//!
//! It answers whoever asks, and nobody can keep others from an answer: of too many clients, the
//! one goes that has waited longest without a request, of the address that has most. Those that
//! read slowly share what they read.

use std::collections::{HashMap, VecDeque};
use std::convert::Infallible;
use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{ACCEPT, ALLOW, CONTENT_TYPE, HeaderValue, VARY};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpStream;
use tokio::runtime::{Builder, Runtime};
use tokio::task::AbortHandle;
use tokio::time::{sleep, timeout};

use super::bodies::Bodies;
use super::exposition::TextFormat;
use super::{MetricsSource, Published};

/// Longest time for a client to send its request.
const PATIENCE: Duration = Duration::from_secs(5);
/// Longest time for a client to send its request and to read the answer.
const SCRAPE: Duration = Duration::from_secs(10);
/// Clients that are served at once.
const AT_ONCE: usize = 16;
/// Page for a person who looks at the address of the endpoint.
const LANDING_PAGE: &str = concat!(
    "<!DOCTYPE html>\n<html lang=\"en\"><head><title>plainsight</title></head><body>\n",
    "<h1>plainsight ",
    env!("CARGO_PKG_VERSION"),
    "</h1>\n<p>It watches which paths to Azure Managed Lustre are encrypted.</p>\n",
    "<p><a href=\"/metrics\">Metrics</a> for Prometheus</p>\n</body></html>\n"
);

/// An endpoint that is open and not yet served.
pub(in crate::run::live) struct MetricsEndpoint {
    listener: TcpListener,
    runtime: Runtime,
    source: MetricsSource,
}

impl MetricsEndpoint {
    /// Opens it.
    pub(in crate::run::live) fn open(
        address: SocketAddr,
        source: MetricsSource,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        let runtime = Builder::new_current_thread().enable_all().build()?;
        Ok(Self {
            listener,
            runtime,
            source,
        })
    }

    /// Its address, with the port that was chosen if none was named.
    pub(in crate::run::live) fn address(&self) -> Option<SocketAddr> {
        self.listener.local_addr().ok()
    }

    /// Serves for as long as the process lives.
    pub(in crate::run::live) fn serve(self, published: &Published) -> io::Result<()> {
        let Self {
            listener,
            runtime,
            source,
        } = self;
        let bodies = Bodies::new(source, Published::clone(published));
        let bodies = Arc::new(Mutex::new(bodies));
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::from_std(listener)?;
            let mut clients = Clients::default();
            loop {
                match listener.accept().await {
                    Ok((stream, address)) => clients.serve(stream, address.ip(), &bodies),
                    // Out of descriptors, most likely: they come back.
                    Err(_) => sleep(Duration::from_millis(100)).await,
                }
            }
        })
    }
}

/// Client that is being served.
struct Client {
    address: IpAddr,
    has_asked: Arc<AtomicBool>,
    task: AbortHandle,
}

/// All clients, the oldest first.
#[derive(Default)]
struct Clients(VecDeque<Client>);

impl Clients {
    /// Serves one more, for which another may have to go.
    fn serve(&mut self, stream: TcpStream, address: IpAddr, bodies: &Arc<Mutex<Bodies>>) {
        self.0.retain(|client| !client.task.is_finished());
        if self.0.len() >= AT_ONCE
            && let Some(client) = self.most_idle().and_then(|place| self.0.remove(place))
        {
            client.task.abort();
        }
        let has_asked = Arc::<AtomicBool>::default();
        let served = serve_one(stream, Arc::clone(bodies), Arc::clone(&has_asked));
        self.0.push_back(Client {
            address,
            has_asked,
            task: tokio::spawn(served).abort_handle(),
        });
    }

    /// Place of the oldest that has not asked, or else of the oldest, among those of the address
    /// that has most.
    fn most_idle(&self) -> Option<usize> {
        let mut counts = HashMap::<IpAddr, usize>::new();
        for client in &self.0 {
            *counts.entry(client.address).or_default() += 1;
        }
        let most = counts.values().max()?;
        let of_most = |client: &&Client| counts[&client.address] == *most;
        let asked = |client: &Client| client.has_asked.load(Ordering::Relaxed);
        let places = self.0.iter().enumerate();
        let places = places.filter(|(_, client)| of_most(client));
        let first = places.min_by_key(|(place, client)| (asked(client), *place));
        first.map(|(place, _)| place)
    }
}

/// Answers once: a client that keeps its connection would keep others out.
async fn serve_one(stream: TcpStream, bodies: Arc<Mutex<Bodies>>, has_asked: Arc<AtomicBool>) {
    let answer = service_fn(move |request| {
        has_asked.store(true, Ordering::Relaxed);
        let answer = answer(&request, &bodies);
        async { Ok::<_, Infallible>(answer) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(PATIENCE)
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), answer);
    let _ = timeout(SCRAPE, connection).await;
}

fn answer(request: &Request<Incoming>, bodies: &Mutex<Bodies>) -> Response<Full<Bytes>> {
    let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
    let mut response = match request.uri().path() {
        _ if !is_read => {
            let mut response = Response::new(Full::default());
            *response.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
            let allowed = HeaderValue::from_static("GET, HEAD");
            response.headers_mut().insert(ALLOW, allowed);
            return response;
        }
        "/metrics" => return metrics(request, bodies),
        "/" => Response::new(Full::new(Bytes::from_static(LANDING_PAGE.as_bytes()))),
        _ => {
            let mut response = Response::new(Full::new(Bytes::from_static(b"see /metrics\n")));
            *response.status_mut() = StatusCode::NOT_FOUND;
            return response;
        }
    };
    let media = HeaderValue::from_static("text/html; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, media);
    response
}

/// Answers with all metrics, in the format that is asked for.
fn metrics(request: &Request<Incoming>, bodies: &Mutex<Bodies>) -> Response<Full<Bytes>> {
    let accepted = request.headers().get_all(ACCEPT).iter();
    let accepted: Vec<&str> = accepted.filter_map(|it| it.to_str().ok()).collect();
    let format = TextFormat::accepted(&accepted.join(","));
    // A holder that panicked has left nothing half done.
    let mut bodies = bodies
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    let mut response = Response::new(Full::new(bodies.latest(format)));
    let media = HeaderValue::from_static(format.media_type());
    response.headers_mut().insert(CONTENT_TYPE, media);
    let by = HeaderValue::from_static("Accept");
    response.headers_mut().insert(VARY, by);
    response
}
