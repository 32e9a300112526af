//! Histograms as text, and what records make by configuration.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use super::kept::Counts;
use super::series::{self, Described};
use super::text::{Format, PREFIX, TOTAL, created, family};
use crate::stats::observed::{Form, Found, Shown, Values};

/// Whether records make it by configuration, and its name.
type Name<'c> = (bool, &'c str);

/// The entries of each series, by its labels. Processes of other bounds have entries of their own.
type Series<'c> = BTreeMap<&'c str, Vec<(Form, &'c [u64])>>;

/// Writes all of them.
pub fn put(out: &mut String, counts: &Counts, begun: Option<i64>, format: Format) {
    let described: BTreeMap<&str, Described<'_>> =
        series::described(counts).into_iter().map(|described| (described.name, described)).collect();
    let mut families: BTreeMap<Name<'_>, Series<'_>> = BTreeMap::new();
    for (entry, (_, values)) in counts {
        let Some((series, form)) = Form::of(entry) else { continue };
        let (name, labels) = series::split(series);
        // One of the same name that was something else before is no longer told.
        if form.is_of_records && described.get(name).is_some_and(|described| described.shown != Some(form.shown)) {
            continue;
        }
        let series = families.entry((form.is_of_records, name)).or_default();
        series.entry(labels).or_default().push((form, values));
    }
    for ((is_of_records, name), all) in families {
        let Some(shown) = all.values().flatten().next().map(|(form, _)| form.shown) else { continue };
        let help = if is_of_records {
            described.get(name).map(|described| escaped(described.help, format))
        } else {
            family(name).map(|family| super::text::plain(family.help))
        };
        let name = if is_of_records { name.to_owned() } else { format!("{PREFIX}{name}") };
        let kind = if shown == Shown::Histogram { "histogram" } else { "counter" };
        let is_bare = kind == "histogram" || format == Format::OpenMetrics;
        let of_family = if is_bare { name.clone() } else { format!("{name}{TOTAL}") };
        if let Some(help) = help.filter(|help| !help.is_empty()) {
            let _ = writeln!(out, "# HELP {of_family} {help}");
        }
        let _ = writeln!(out, "# TYPE {of_family} {kind}");
        for (labels, entries) in all {
            let put = Put { name: &name, labels, format };
            let all = Added::of(entries.iter().filter(|(form, _)| form.shown == shown));
            match shown {
                Shown::Histogram => put.histogram(out, &all),
                Shown::Count | Shown::Sum => put.counter(out, shown, &all),
            }
            if let (Format::OpenMetrics, Some(begun)) = (format, begun) {
                let _ = writeln!(out, "{name}_created{labels} {}", created(begun));
            }
        }
    }
}

/// Entries of one series, whatever their bounds are.
struct Added {
    sum: f64,
    count: u64,
    /// Each bound, how many values are at most as large, and an exemplar of those above the bound before.
    buckets: Vec<(f64, u64, Option<Found>)>,
}

impl Added {
    /// Where one entry lacks a bound of another, its values count from its next bound on. So no bucket tells of more than there are.
    fn of<'e>(entries: impl Iterator<Item = &'e (Form, &'e [u64])>) -> Self {
        let read: Vec<_> = entries.filter_map(|(form, values)| Some((form, form.read(values)?))).collect();
        let bounds: BTreeSet<u64> =
            read.iter().flat_map(|(form, _)| &form.bounds).map(|bound| ordered(*bound)).collect();
        let mut all = Self { sum: 0.0, count: 0, buckets: Vec::new() };
        let bounds =
            bounds.into_iter().map(|bound| f64::from_bits(if bound >> 63 == 1 { bound ^ 1 << 63 } else { !bound }));
        all.buckets.extend(bounds.chain([f64::INFINITY]).map(|bound| (bound, 0, None)));
        for (form, Values { sum, counts, exemplars }) in read {
            all.sum += sum;
            all.count = all.count.wrapping_add(counts.iter().fold(0, |sum, count| sum.wrapping_add(*count)));
            let own = form.bounds.iter().copied().chain([f64::INFINITY]);
            for ((bound, count), exemplar) in own.zip(counts).zip(exemplars) {
                for bucket in &mut all.buckets {
                    if bucket.0 >= bound {
                        bucket.1 = bucket.1.wrapping_add(*count);
                    }
                }
                let Some(exemplar) = exemplar else { continue };
                let at = all.buckets.partition_point(|bucket| bucket.0 < exemplar.value);
                let at = at.min(all.buckets.len() - 1);
                let last = &mut all.buckets[at].2;
                if last.as_ref().is_none_or(|last| last.time < exemplar.time) {
                    *last = Some(exemplar);
                }
            }
        }
        all
    }
}

/// Bits that are in the order of the numbers.
fn ordered(number: f64) -> u64 {
    let bits = number.to_bits();
    if bits >> 63 == 1 { !bits } else { bits | 1 << 63 }
}

struct Put<'p> {
    name: &'p str,
    labels: &'p str,
    format: Format,
}

impl Put<'_> {
    fn counter(&self, out: &mut String, shown: Shown, all: &Added) {
        let Self { name, labels, .. } = self;
        let last = all.buckets.iter().filter_map(|(_, _, exemplar)| exemplar.as_ref()).max_by_key(|last| last.time);
        if shown == Shown::Sum {
            let _ = write!(out, "{name}{TOTAL}{labels} {}", all.sum);
        } else {
            let _ = write!(out, "{name}{TOTAL}{labels} {}", all.count);
        }
        self.end(out, last);
    }

    fn histogram(&self, out: &mut String, all: &Added) {
        let Self { name, labels, .. } = self;
        let before = labels.strip_suffix('}').map_or("{".to_owned(), |labels| format!("{labels},"));
        for (bound, count, exemplar) in &all.buckets {
            let bound = if bound.is_finite() { format!("{bound:?}") } else { "+Inf".to_owned() };
            let _ = write!(out, "{name}_bucket{before}le=\"{bound}\"}} {count}");
            self.end(out, exemplar.as_ref());
        }
        let _ = writeln!(out, "{name}_sum{labels} {}\n{name}_count{labels} {}", all.sum, all.count);
    }

    /// Ends a line, with an exemplar where the format has them.
    fn end(&self, out: &mut String, exemplar: Option<&Found>) {
        if let Some(exemplar) = exemplar.filter(|_| self.format == Format::OpenMetrics) {
            let trace_id = escaped(&exemplar.trace_id, self.format);
            let _ = write!(out, " # {{trace_id=\"{trace_id}\"}} {} {}", exemplar.value, created(exemplar.time));
        }
        out.push('\n');
    }
}

fn escaped(text: &str, format: Format) -> String {
    let text = text.replace('\\', "\\\\").replace('\n', "\\n");
    if format == Format::OpenMetrics { text.replace('"', "\\\"") } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::How;
    use crate::stats::observed::Exemplar;
    use std::sync::atomic::{AtomicU64, Ordering};

    fn put_into(counts: &mut Counts, series: &str, form: &Form, values: &[f64]) {
        let words: Vec<AtomicU64> = (0..form.words()).map(|_| AtomicU64::new(0)).collect();
        for (time, value) in (1..).zip(values) {
            let time = time * 1_500_000_000;
            form.observe(&words, *value, Some(Exemplar { trace_id: "4bf9", value: *value, time }));
        }
        let values: Vec<u64> = words.iter().map(|word| word.load(Ordering::Relaxed)).collect();
        series::add(counts, form.name(series), &values);
    }

    fn form(shown: Shown, bounds: &[f64]) -> Form {
        Form { shown, is_of_records: true, bounds: bounds.to_vec() }
    }

    #[test]
    fn histograms_of_other_bounds_are_one() {
        let mut counts = Counts::new();
        counts.insert("size\nh\nSizes.".into(), (How::Described, vec![1, 500]));
        put_into(&mut counts, "size{a=\"b\"}", &form(Shown::Histogram, &[1.0, 5.0]), &[0.5, 3.0, 9.0]);
        put_into(&mut counts, "size{a=\"b\"}", &form(Shown::Histogram, &[2.0, 5.0]), &[1.5, 4.0]);
        let mut text = String::new();
        put(&mut text, &counts, Some(2_000_000_000), Format::OpenMetrics);
        assert_eq!(
            text,
            "# HELP size Sizes.\n# TYPE size histogram\n\
             size_bucket{a=\"b\",le=\"1.0\"} 1 # {trace_id=\"4bf9\"} 0.5 1.5\n\
             size_bucket{a=\"b\",le=\"2.0\"} 2 # {trace_id=\"4bf9\"} 1.5 1.5\n\
             size_bucket{a=\"b\",le=\"5.0\"} 4 # {trace_id=\"4bf9\"} 3 3\n\
             size_bucket{a=\"b\",le=\"+Inf\"} 5 # {trace_id=\"4bf9\"} 9 4.5\n\
             size_sum{a=\"b\"} 18\nsize_count{a=\"b\"} 5\nsize_created{a=\"b\"} 2\n"
        );
    }

    #[test]
    fn counters_have_the_last_example_in_open_metrics_alone() {
        let mut counts = Counts::new();
        put_into(&mut counts, "hits", &form(Shown::Count, &[]), &[1.0, 1.0]);
        put_into(&mut counts, "paid{a=\"b\"}", &form(Shown::Sum, &[]), &[1.5, 2.0]);
        let mut text = String::new();
        put(&mut text, &counts, None, Format::Prometheus);
        assert_eq!(
            text,
            "# TYPE hits_total counter\nhits_total 2\n# TYPE paid_total counter\npaid_total{a=\"b\"} 3.5\n"
        );
        text.clear();
        put(&mut text, &counts, None, Format::OpenMetrics);
        assert_eq!(
            text,
            "# TYPE hits counter\nhits_total 2 # {trace_id=\"4bf9\"} 1 3\n\
             # TYPE paid counter\npaid_total{a=\"b\"} 3.5 # {trace_id=\"4bf9\"} 2 3\n"
        );
    }

    #[test]
    fn a_metric_that_became_another_is_told_as_that() {
        let mut counts = Counts::new();
        counts.insert("size\nh\nSizes.".into(), (How::Described, vec![1, 500]));
        counts.insert("size\nc\nHow many.".into(), (How::Described, vec![2, 500]));
        put_into(&mut counts, "size", &form(Shown::Histogram, &[1.0]), &[0.5]);
        put_into(&mut counts, "size", &form(Shown::Count, &[]), &[1.0]);
        let mut text = String::new();
        put(&mut text, &counts, None, Format::Prometheus);
        assert_eq!(text, "# HELP size_total How many.\n# TYPE size_total counter\nsize_total 1\n");
    }
}
