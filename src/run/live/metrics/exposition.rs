//! The two text formats that metrics are read in.
//!
//! <https://prometheus.io/docs/instrumenting/exposition_formats/>

use std::collections::BTreeSet;

/// Text format of metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TextFormat {
    /// Prometheus' own, which whoever asks for nothing else gets.
    Prometheus,
    /// `OpenMetrics`.
    OpenMetrics,
}

impl TextFormat {
    /// Format that a client would rather have, by the value of its `Accept` header (RFC 9110,
    /// section 12.5.1).
    pub(super) fn accepted(accept: &str) -> Self {
        let weight = |wanted: &[&str]| {
            let ranges = accept.split(',').map(|range| {
                let (media, parameters) = range.split_once(';').unwrap_or((range, ""));
                (media.trim(), parameters)
            });
            let of_wanted = ranges.filter(|(media, _)| {
                let is_it = |it: &&str| media.eq_ignore_ascii_case(it);
                wanted.iter().any(is_it)
            });
            of_wanted
                .map(|(_, parameters)| quality(parameters))
                .fold(0.0, f32::max)
        };
        let open_metrics = weight(&["application/openmetrics-text"]);
        if open_metrics > 0.0 && open_metrics >= weight(&["text/plain", "text/*"]) {
            Self::OpenMetrics
        } else {
            Self::Prometheus
        }
    }

    /// Its media type.
    pub(super) fn media_type(self) -> &'static str {
        match self {
            Self::Prometheus => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }

    /// Text in this format of what is written in `OpenMetrics`.
    pub(super) fn of(self, open_metrics: String) -> String {
        match self {
            Self::Prometheus => prometheus_text(&open_metrics),
            Self::OpenMetrics => open_metrics,
        }
    }
}

/// Weight of a media range by its parameters, from 0 to 1.
fn quality(parameters: &str) -> f32 {
    let mut weights = parameters.split(';').filter_map(|it| {
        let (name, value) = it.split_once('=')?;
        (name.trim().eq_ignore_ascii_case("q")).then(|| value.trim().parse().unwrap_or(0.0))
    });
    weights.next().unwrap_or(1.0)
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

    #[test]
    fn a_client_gets_the_format_it_would_rather_have() {
        let prometheus = "application/openmetrics-text;version=1.0.0;q=0.5,\
            application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=0.0.4;q=0.3,\
            */*;q=0.2";
        for accept in [
            prometheus,
            "application/openmetrics-text",
            "Application/OpenMetrics-Text; q=0.1",
        ] {
            assert_eq!(
                TextFormat::accepted(accept),
                TextFormat::OpenMetrics,
                "{accept}"
            );
        }
        for accept in [
            "",
            "*/*",
            "text/html,application/xhtml+xml,*/*;q=0.8",
            "text/plain;version=0.0.4;q=0.9, application/openmetrics-text;q=0.8",
            "application/openmetrics-text;q=0",
            "application/openmetrics-text;q=much",
            ";;q=,=,",
        ] {
            assert_eq!(
                TextFormat::accepted(accept),
                TextFormat::Prometheus,
                "{accept}"
            );
        }
    }
}
