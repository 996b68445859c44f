//! The state for Prometheus: on an HTTP endpoint in the text format that is asked for, and as
//! a file for `node_exporter`'s textfile collector.

use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use prometheus_client::encoding::text::encode;
use prometheus_client::registry::Registry;

use super::state::{Published, RunState};
use crate::cli::MetricsDetail;
use crate::run::output::{OutputPlace, SHARED};

mod bodies;
mod collected;
mod endpoint;
mod exposition;

use collected::{ProcessMetrics, RunMetrics};
pub(super) use endpoint::MetricsEndpoint;
use exposition::TextFormat;

/// Maker of metrics of a state.
#[derive(Clone, Debug)]
pub(super) struct MetricsSource {
    detail: MetricsDetail,
    process: Arc<ProcessFiles>,
}

/// What can be known of the process itself once it may open no file.
#[derive(Debug)]
struct ProcessFiles {
    /// Its memory in pages (`proc_pid_statm(5)`).
    statm: Option<File>,
    started: SystemTime,
}

impl ProcessFiles {
    /// Bytes of memory that it has mapped, and those that are resident.
    fn memory(&self) -> Option<[u64; 2]> {
        let mut text = [0; 64];
        let read = self.statm.as_ref()?.read_at(&mut text, 0).ok()?;
        let text = str::from_utf8(&text[..read]).ok()?;
        let mut pages = text.split(' ').map_while(|pages| pages.parse::<u64>().ok());
        let page_len = nix::unistd::sysconf(nix::unistd::SysconfVar::PAGE_SIZE).ok()??;
        let page_len = page_len.unsigned_abs();
        Some([pages.next()? * page_len, pages.next()? * page_len])
    }

    /// Time at which it started, in seconds since 1970.
    fn started_seconds(&self) -> f64 {
        let since = self.started.duration_since(SystemTime::UNIX_EPOCH);
        since.map_or(0.0, |since| since.as_secs_f64())
    }
}

impl MetricsSource {
    /// Opens what is read while the run goes on.
    pub(super) fn open(detail: MetricsDetail) -> Self {
        let process = ProcessFiles {
            statm: File::open("/proc/self/statm").ok(),
            started: SystemTime::now(),
        };
        Self {
            detail,
            process: Arc::new(process),
        }
    }

    /// A state as text; of the process alone where there is none yet.
    fn text(&self, state: Option<Arc<RunState>>, format: TextFormat) -> String {
        let mut registry = Registry::default();
        if let Some(state) = state {
            let own = registry.sub_registry_with_prefix("plainsight");
            own.register_collector(Box::new(RunMetrics {
                state,
                detail: self.detail,
            }));
        }
        registry.register_collector(Box::new(ProcessMetrics(Arc::clone(&self.process))));
        let mut text = String::new();
        // Writing to a string does not fail.
        let _ = encode(&mut text, &registry);
        format.of(text)
    }
}

/// A file that always holds a whole state: written beside its place, and moved there.
#[derive(Debug)]
pub(super) struct Textfile {
    place: OutputPlace,
    source: MetricsSource,
}

impl Textfile {
    /// Interval at which it is written.
    pub(super) const EVERY: Duration = Duration::from_secs(5);

    /// Opens the folder that it is in, while that is allowed.
    ///
    /// # Errors
    /// It cannot be opened.
    pub(super) fn open(path: &Path, source: MetricsSource) -> io::Result<Self> {
        let place = OutputPlace::open(path)?;
        Ok(Self { place, source })
    }

    /// Its path.
    pub(super) fn path(&self) -> &Path {
        self.place.path()
    }

    pub(super) fn write(&self, published: &Published) -> io::Result<()> {
        let mut draft = self.place.draft(SHARED)?;
        let text = self
            .source
            .text(published.load_full(), TextFormat::Prometheus);
        draft.write_all(text.as_bytes())?;
        draft.show()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::engine::Engine;
    use crate::run::live::saving::SavingState;

    /// Names of all metrics, as samples have them.
    fn exported() -> BTreeSet<String> {
        let engine = Engine::default();
        let report = engine.report(Some(&mut engine.counted()), None, engine.run());
        let state = RunState {
            report: Arc::new(report),
            elapsed: Duration::ZERO,
            saving: Some(SavingState::default()),
            minutes: Arc::default(),
        };
        let source = MetricsSource::open(MetricsDetail::Paths);
        let text = source.text(Some(Arc::new(state)), TextFormat::Prometheus);
        let types = text.lines().filter_map(|line| line.strip_prefix("# TYPE "));
        let names = types.filter_map(|line| line.split(' ').next());
        names.map(str::to_owned).collect()
    }

    /// Words of a text that look like names of metrics of this program.
    fn named(text: &str) -> BTreeSet<String> {
        let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
        let own = |word: &&str| word.starts_with("plainsight_") || word.starts_with("process_");
        words.filter(own).map(str::to_owned).collect()
    }

    #[test]
    fn alerts_and_dashboard_ask_for_metrics_that_there_are() {
        let exported = exported();
        for text in [
            include_str!("../../../contrib/prometheus/rules.yml"),
            include_str!("../../../contrib/prometheus/rules.test.yml"),
            include_str!("../../../contrib/prometheus/dashboard.json"),
        ] {
            let named = named(text);
            assert!(named.len() > 3, "{named:?}");
            let unknown: Vec<_> = named.difference(&exported).collect();
            assert!(unknown.is_empty(), "{unknown:?}");
        }
    }

    #[test]
    fn the_documentation_names_every_metric() {
        let page = include_str!("../../../docs/metrics.md");
        assert_eq!(named(page), exported());
    }
}
