//! Series that hold more than a number: histograms, and what records make by configuration.

use std::collections::BTreeSet;

use super::kept::Counts;
use crate::stats::How;
use crate::stats::observed::{Form, OTHERS, Shown};

/// Adds an entry of a block to another of the same series and form.
pub fn add(to: &mut Counts, name: String, values: &[u64]) {
    let Some((_, form)) = Form::of(&name) else { return };
    let (how, sum) = to.entry(name).or_insert_with(|| (How::Observed, vec![0; values.len()]));
    if *how == How::Observed {
        form.join(sum, values);
    }
}

/// What is said of a metric that records make.
#[derive(Clone, Copy, Debug)]
pub struct Described<'n> {
    pub name: &'n str,
    /// None for what this version does not know.
    pub shown: Option<Shown>,
    pub help: &'n str,
    when: u64,
    most: u64,
}

/// What is said of each metric that records make. The last word counts.
pub fn described(counts: &Counts) -> Vec<Described<'_>> {
    let mut all: Vec<Described<'_>> = Vec::new();
    for (text, (_, values)) in counts.iter().filter(|(_, (how, _))| *how == How::Described) {
        let (Some((name, rest)), [when, most]) = (text.split_once('\n'), &values[..]) else { continue };
        let (shown, help) = rest.split_once('\n').unwrap_or_default();
        let shown = shown.chars().next().and_then(Shown::of);
        let new = Described { name, shown, help, when: *when, most: *most };
        match all.last_mut().filter(|last| last.name == name) {
            Some(last) if last.when >= new.when => {}
            Some(last) => *last = new,
            None => all.push(new),
        }
    }
    all
}

/// Folds series of metrics into one where processes that came and went had more of them than a metric may have. Those that were `there` stay.
pub fn bound(counts: &mut Counts, there: &BTreeSet<String>) {
    let bounds: Vec<(String, u64)> =
        described(counts).iter().map(|known| (known.name.to_owned(), known.most)).collect();
    for (name, most) in bounds {
        let is_of_it = |entry: &&String| {
            Form::of(entry).is_some_and(|(series, form)| form.is_of_records && split(series).0 == name)
        };
        let mut all: Vec<String> = counts
            .range(name.clone()..)
            .map(|(entry, _)| entry)
            .take_while(|entry| entry.starts_with(&name))
            .filter(is_of_it)
            .cloned()
            .collect();
        all.retain(|entry| Form::of(entry).is_some_and(|(series, _)| series != overflow(series)));
        all.sort_by_key(|entry| !there.contains(entry));
        for entry in all.iter().skip(usize::try_from(most).unwrap_or(usize::MAX)) {
            let Some((series, form)) = Form::of(entry) else { continue };
            if let Some((_, values)) = counts.remove(entry) {
                add(counts, form.name(&overflow(series)), &values);
            }
        }
    }
}

/// A name and its labels.
pub fn split(series: &str) -> (&str, &str) {
    series.split_at(series.find('{').unwrap_or(series.len()))
}

/// The series of the same labels that takes what others cannot.
fn overflow(series: &str) -> String {
    let (name, labels) = split(series);
    let mut out = name.to_owned();
    let (mut is_value, mut is_escaped) = (false, false);
    for character in labels.chars() {
        let is_quote = character == '"' && !is_escaped;
        is_escaped = is_value && character == '\\' && !is_escaped;
        if is_quote {
            is_value = !is_value;
            out.push_str(if is_value { "" } else { OTHERS });
        }
        if is_quote || !is_value {
            out.push(character);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_label_of_an_overflow_is_the_same() {
        for (series, expected) in [
            ("a", "a"),
            ("a{b=\"c\"}", "a{b=\"__other__\"}"),
            (r#"a{b="c\"\\",d="}e=\"f",g=""}"#, r#"a{b="__other__",d="__other__",g="__other__"}"#),
        ] {
            assert_eq!(overflow(series), expected);
        }
    }

    #[test]
    fn a_metric_of_processes_that_are_gone_has_no_more_series_than_it_may() {
        let form = Form { shown: Shown::Count, is_of_records: true, bounds: vec![] };
        let mut counts = Counts::new();
        counts.insert("hits\nc\nHits.".into(), (How::Described, vec![1, 3]));
        counts.insert("hits\nc\nHits, before.".into(), (How::Described, vec![0, 1]));
        let mut one = vec![0; form.words()];
        one[1] = 1;
        for name in ["hits", "hits_of_others"] {
            for path in 0..10 {
                add(&mut counts, form.name(&format!("{name}{{path=\"{path}\"}}")), &one);
            }
        }
        let late = BTreeSet::from([form.name("hits{path=\"7\"}")]);
        bound(&mut counts, &late);
        bound(&mut counts, &BTreeSet::new());
        let of = |name: &str| {
            let all = counts.iter().filter(|(entry, _)| entry.starts_with(&format!("{name}{{")));
            all.map(|(_, (_, values))| values[1]).collect::<Vec<_>>()
        };
        assert_eq!(of("hits"), [1, 1, 1, 7]);
        assert!(counts.contains_key(late.first().unwrap()));
        assert_eq!(of("hits_of_others"), [1; 10]);
        assert_eq!(described(&counts)[0].help, "Hits.");
    }
}
