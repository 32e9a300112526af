//! Metrics as text: the format of Prometheus, and OpenMetrics 1.0.
//!
//! Sources: <https://prometheus.io/docs/instrumenting/exposition_formats/> and <https://prometheus.io/docs/specs/om/open_metrics_spec/>.

use std::fmt::Write;

use super::observed;
use super::scrape::Metrics;
use crate::stats::{
    COUNTS, Counted, FILE_COUNTS, FUNCTION_COUNTS, How, Kind, METRIC_COUNTS, RULE_COUNTS, STREAM_COUNTS, Stats,
};

/// Before each name.
pub(super) const PREFIX: &str = "unified_logger_";
pub(super) const TOTAL: &str = "_total";

/// How metrics are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Version 0.0.4 of the text that Prometheus has always read.
    Prometheus,
    /// Version 1.0.0.
    OpenMetrics,
}

/// What is said of all series of one name.
pub(super) struct Family<'c> {
    kind: Kind,
    pub(super) help: &'c str,
    /// What a value is multiplied with to be in base units.
    scale: f64,
}

/// Families that no line of the lists of counts has.
const OTHERS: [(&str, Kind, &str); 9] = [
    ("records_accepted_total", Kind::Counter, "records that the writer has taken or that were recovered, by level"),
    ("records_discarded_total", Kind::Counter, "records that had to go, by reason and level"),
    ("rotations_total", Kind::Counter, "times a file was changed for a new one, by cause"),
    ("files_deleted_total", Kind::Counter, "rotated files that were deleted, by the bound that no longer keeps them"),
    ("compressions_total", Kind::Counter, "rotated files that were to be packed or indexed, by result"),
    ("disk_free_bytes", Kind::Gauge, "bytes that are free where the log directory is"),
    ("processes", Kind::Gauge, "processes that log to the directory now"),
    ("blocks_unreadable", Kind::Gauge, "blocks of counts that could not be read at this scrape"),
    ("build_info", Kind::Gauge, "1, with the version of the library that was scraped"),
];

pub(super) fn family(name: &str) -> Option<Family<'static>> {
    fn in_list<S>(list: &'static [Counted<S>], name: &str) -> Option<Family<'static>> {
        let found = list.iter().find(|counted| counted.metric == name)?;
        let scale = if found.unit == "microseconds" { 1e-6 } else { 1.0 };
        Some(Family { kind: found.kind, help: found.help, scale })
    }
    let other = || {
        let (_, kind, help) = OTHERS.iter().find(|(other, ..)| *other == name)?;
        Some(Family { kind: *kind, help, scale: 1.0 })
    };
    other()
        .or_else(|| in_list(&COUNTS, name))
        .or_else(|| in_list(&FILE_COUNTS, name))
        .or_else(|| in_list(&STREAM_COUNTS, name))
        .or_else(|| in_list(&FUNCTION_COUNTS, name))
        .or_else(|| in_list(&METRIC_COUNTS, name))
        .or_else(|| in_list(&RULE_COUNTS, name))
}

/// Writes what was scraped. Series whose meaning this version does not know are of unknown type.
#[must_use]
pub fn write(metrics: &Metrics, format: Format) -> String {
    let plain =
        metrics.counts.iter().filter(|(_, (how, _))| !matches!(how, How::Observed | How::Described | How::Position));
    let mut series: Vec<(&str, &str, f64)> =
        plain.map(|(name, (_, values))| split(name, values.first().copied().unwrap_or(0))).collect();
    // A gauge of processes that live is there before one does.
    let is_number = |counted: &&Counted<Stats>| !counted.metric.is_empty() && counted.kind != Kind::Histogram;
    let missing = COUNTS.iter().filter(is_number).map(|counted| counted.metric);
    series.extend(missing.filter(|name| !metrics.counts.contains_key(*name)).map(|name| (name, "", 0.0)));
    let build = format!("{{version=\"{}\"}}", env!("CARGO_PKG_VERSION"));
    series.extend([
        ("processes", "", as_number(metrics.processes)),
        ("blocks_unreadable", "", metrics.remarks.len() as f64),
        ("build_info", &build, 1.0),
    ]);
    series.extend(metrics.disk_free.map(|free| ("disk_free_bytes", "", as_number(free))));
    series.sort_by_key(|(name, labels, _)| (*name, *labels));
    let mut out = String::new();
    for same in series.chunk_by(|(one, ..), (other, ..)| one == other) {
        let (name, ..) = same[0];
        put_family(&mut out, name, same, metrics.begun, format);
    }
    observed::put(&mut out, &metrics.counts, metrics.begun, format);
    if format == Format::OpenMetrics {
        out.push_str("# EOF\n");
    }
    out
}

fn put_family(out: &mut String, name: &str, series: &[(&str, &str, f64)], begun: Option<i64>, format: Format) {
    let family = family(name);
    let is_counter = name.ends_with(TOTAL);
    let kind = family.as_ref().map_or("", |family| family.kind.name());
    let base = if format == Format::OpenMetrics { name.strip_suffix(TOTAL).unwrap_or(name) } else { name };
    let kind = match (kind, format) {
        ("", Format::OpenMetrics) => "unknown",
        ("", Format::Prometheus) => "untyped",
        (known, _) => known,
    };
    if let Some(family) = &family {
        let _ = writeln!(out, "# HELP {PREFIX}{base} {}", plain(family.help));
    }
    let _ = writeln!(out, "# TYPE {PREFIX}{base} {kind}");
    let scale = family.map_or(1.0, |family| family.scale);
    for (_, labels, value) in series {
        let _ = writeln!(out, "{PREFIX}{name}{labels} {}", value * scale);
        if let (Format::OpenMetrics, true, Some(begun)) = (format, is_counter, begun) {
            let _ = writeln!(out, "{PREFIX}{base}_created{labels} {}", created(begun));
        }
    }
}

/// A time in seconds since 1970.
#[expect(clippy::cast_precision_loss, reason = "microseconds are exact enough")]
pub(super) fn created(nanoseconds: i64) -> f64 {
    (nanoseconds / 1_000) as f64 / 1e6
}

/// A name, its labels and a value.
fn split(name: &str, value: u64) -> (&str, &str, f64) {
    let at = name.find('{').unwrap_or(name.len());
    (&name[..at], &name[at..], as_number(value))
}

#[expect(clippy::cast_precision_loss, reason = "as both formats have it")]
const fn as_number(value: u64) -> f64 {
    value as f64
}

/// A text of the docs without its marks, on one line.
pub(super) fn plain(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(start) = rest.find('[') {
        let link = &rest[start + 1..];
        let (Some(end), Some(close)) = (link.find("]("), link.find(')')) else { break };
        if end > close {
            break;
        }
        out.push_str(&rest[..start]);
        out.push_str(&link[..end]);
        rest = &link[close + 1..];
    }
    out.push_str(rest);
    out.replace('`', "").replace('\\', "\\\\").replace('\n', "\\n").replace('"', "'")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::kept::Counts;
    use crate::stats::{How, Words};

    fn metrics() -> Metrics {
        let mut counts = Counts::new();
        counts.insert("records_written_total{file=\"a\\\"b\"}".into(), (How::Sum, vec![3]));
        counts.insert("writer_lag_seconds".into(), (How::MostNow, vec![1_500]));
        counts.insert("later_total".into(), (How::Sum, vec![1]));
        Metrics { counts, begun: Some(1_500_000_000), processes: 2, remarks: vec!["one".into()], disk_free: None }
    }

    #[test]
    fn prometheus_gets_names_types_and_values() {
        let text = write(&metrics(), Format::Prometheus);
        let version = env!("CARGO_PKG_VERSION");
        for family in [
            "# TYPE unified_logger_later_total untyped\nunified_logger_later_total 1\n",
            "# HELP unified_logger_records_written_total lines written\n\
             # TYPE unified_logger_records_written_total counter\n\
             unified_logger_records_written_total{file=\"a\\\"b\"} 3\n",
            "# HELP unified_logger_writer_lag_seconds time between call and writing of the oldest record of the last batch\n\
             # TYPE unified_logger_writer_lag_seconds gauge\n\
             unified_logger_writer_lag_seconds 0.0015\n",
            "# TYPE unified_logger_black_boxes gauge\nunified_logger_black_boxes 0\n",
            &format!("unified_logger_build_info{{version=\"{version}\"}} 1\n"),
            "unified_logger_processes 2\n",
            "unified_logger_blocks_unreadable 1\n",
        ] {
            assert!(text.contains(family), "{family} in {text}");
        }
    }

    #[test]
    fn open_metrics_have_families_without_total_and_say_since_when() {
        let text = write(&metrics(), Format::OpenMetrics);
        for line in [
            "# TYPE unified_logger_records_written counter\n",
            "unified_logger_records_written_total{file=\"a\\\"b\"} 3\n",
            "unified_logger_records_written_created{file=\"a\\\"b\"} 1.5\n",
            "# TYPE unified_logger_later unknown\n",
        ] {
            assert!(text.contains(line), "{line} in {text}");
        }
        assert!(text.ends_with("# EOF\n"));
    }

    #[test]
    fn each_count_has_a_family_and_texts_have_no_marks() {
        let words = Words::apart();
        let _stats = Stats::at(words);
        let mut counts = Counts::new();
        super::super::kept::add(&mut counts, &words.copy(), |_| true);
        assert!(counts.len() > 60);
        let text = write(&Metrics { counts, ..Metrics::default() }, Format::Prometheus);
        assert!(!text.contains("untyped") && !text.contains('`') && !text.contains("]("), "{text}");
    }
}
