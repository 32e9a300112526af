//! Entries that hold what was observed: a sum, how many values were how large, and an exemplar of each size.
//!
//! The name of such an entry ends with its form, such as `latency_seconds{path="/"}`, a separator and `h0.1,0.5`. So words of zeros are a
//! valid entry, and a reader needs no other word to tell one from another. The words are the sum, as the bits of a float, the count of each
//! bucket, and the exemplars.

use std::sync::atomic::{AtomicU64, Ordering};

use super::{How, MOST, Words};

/// Each label of the series that takes what others cannot.
pub const OTHERS: &str = "__other__";
/// Between the name of a series and its form.
const SEPARATOR: char = '\u{1f}';
/// Bytes of a trace's id that an exemplar has room for.
pub const LONGEST_ID: usize = 40;
/// Words of an exemplar: a checksum, the value, the time, and the id.
const EXEMPLAR: usize = 3 + LONGEST_ID / 8;
/// The most bounds of a histogram whose buckets have exemplars.
pub const MOST_BOUNDS: usize = (MOST - 1) / (1 + EXEMPLAR) - 1;

/// What is shown of the values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    /// How many they are.
    Count,
    Sum,
    Histogram,
}

impl Shown {
    const ALL: [(Self, char); 3] = [(Self::Count, 'c'), (Self::Sum, 's'), (Self::Histogram, 'h')];

    #[must_use]
    pub fn letter(self) -> char {
        Self::ALL.iter().find(|(shown, _)| *shown == self).map_or(' ', |(_, letter)| *letter)
    }

    #[must_use]
    pub fn of(letter: char) -> Option<Self> {
        Self::ALL.iter().find(|(_, known)| *known == letter).map(|(shown, _)| *shown)
    }
}

/// What an entry holds.
#[derive(Clone, Debug, PartialEq)]
pub struct Form {
    pub shown: Shown,
    /// Whether it is made of records, by configuration. It has a name without a prefix then, and exemplars.
    pub is_of_records: bool,
    /// The greatest value of each bucket but the last. In order.
    pub bounds: Vec<f64>,
}

impl Form {
    #[must_use]
    pub fn histogram(bounds: &[f64]) -> Self {
        Self { shown: Shown::Histogram, is_of_records: false, bounds: bounds.to_vec() }
    }

    /// The name of the entry of a series.
    #[must_use]
    pub fn name(&self, series: &str) -> String {
        let shown = self.shown.letter();
        let of_records = if self.is_of_records { "r" } else { "" };
        let bounds: Vec<String> = self.bounds.iter().map(f64::to_string).collect();
        format!("{series}{SEPARATOR}{shown}{of_records}{}", bounds.join(","))
    }

    /// The series and the form of an entry of this name.
    #[must_use]
    pub fn of(name: &str) -> Option<(&str, Self)> {
        let (series, form) = name.rsplit_once(SEPARATOR)?;
        let shown = Shown::of(form.chars().next()?)?;
        let rest = form.get(1..)?;
        let bounds = rest.strip_prefix('r').unwrap_or(rest);
        let bounds: Result<Vec<f64>, _> = bounds.split(',').filter(|bound| !bound.is_empty()).map(str::parse).collect();
        let bounds = bounds.ok().filter(|bounds| bounds.is_sorted() && bounds.iter().all(|bound| bound.is_finite()))?;
        Some((series, Self { shown, is_of_records: rest.starts_with('r'), bounds }))
    }

    #[must_use]
    pub fn words(&self) -> usize {
        let buckets = self.bounds.len() + 1;
        1 + if self.is_of_records { buckets * (1 + EXEMPLAR) } else { buckets }
    }

    /// The words that a value changes.
    #[must_use]
    pub fn changing<'w>(&self, words: &'w [AtomicU64], value: f64) -> [&'w AtomicU64; 2] {
        [&words[0], &words[1 + self.bounds.partition_point(|bound| *bound < value)]]
    }

    /// Counts a value in words of this form.
    pub fn observe(&self, words: &[AtomicU64], value: f64, exemplar: Option<Exemplar<'_>>) {
        let bucket = self.bounds.partition_point(|bound| *bound < value);
        add_float(&words[0], value);
        words[1 + bucket].fetch_add(1, Ordering::Relaxed);
        if let Some(exemplar) = exemplar.filter(|_| self.is_of_records) {
            exemplar.put(&words[self.exemplar(bucket)..][..EXEMPLAR]);
        }
    }

    const fn exemplar(&self, bucket: usize) -> usize {
        2 + self.bounds.len() + bucket * EXEMPLAR
    }

    /// Adds the values of another entry of this form.
    pub fn join(&self, sum: &mut [u64], other: &[u64]) {
        if sum.len() != self.words() || other.len() != self.words() {
            return;
        }
        sum[0] = (f64::from_bits(sum[0]) + f64::from_bits(other[0])).to_bits();
        let counts = 1..self.bounds.len() + 2;
        sum[counts.clone()].iter_mut().zip(&other[counts]).for_each(|(sum, count)| *sum = sum.wrapping_add(*count));
        for bucket in (0..=self.bounds.len()).filter(|_| self.is_of_records) {
            let at = self.exemplar(bucket)..self.exemplar(bucket) + EXEMPLAR;
            let time = |words: &[u64]| Exemplar::read(words).map(|(exemplar, _)| exemplar.time);
            if time(&other[at.clone()]) > time(&sum[at.clone()]) {
                sum[at.clone()].copy_from_slice(&other[at]);
            }
        }
    }

    /// What an entry of this form says. `None` for one that is damaged.
    #[must_use]
    pub fn read<'v>(&self, values: &'v [u64]) -> Option<Values<'v>> {
        if values.len() != self.words() {
            return None;
        }
        let exemplar = |bucket| {
            let words = self.is_of_records.then(|| &values[self.exemplar(bucket)..][..EXEMPLAR])?;
            let (Exemplar { value, time, .. }, trace_id) = Exemplar::read(words)?;
            Some(Found { trace_id, value, time })
        };
        let exemplars = (0..=self.bounds.len()).map(exemplar).collect();
        Some(Values { sum: f64::from_bits(values[0]), counts: &values[1..self.bounds.len() + 2], exemplars })
    }
}

/// What an entry says.
#[derive(Clone, Debug, PartialEq)]
pub struct Values<'v> {
    pub sum: f64,
    /// Of each bucket.
    pub counts: &'v [u64],
    /// The last of each bucket.
    pub exemplars: Vec<Option<Found>>,
}

/// A value that stands for others, and where it was: in a record of a trace.
#[derive(Clone, Copy, Debug)]
pub struct Exemplar<'t> {
    pub trace_id: &'t str,
    pub value: f64,
    /// In nanoseconds since 1970 UTC.
    pub time: i64,
}

/// An exemplar that was read.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    pub trace_id: String,
    pub value: f64,
    pub time: i64,
}

impl Exemplar<'_> {
    /// Others may read it meanwhile: the checksum tells them.
    fn put(&self, words: &[AtomicU64]) {
        if self.trace_id.is_empty() || self.trace_id.len() > LONGEST_ID {
            return;
        }
        let mut new = [0; EXEMPLAR];
        (new[1], new[2]) = (self.value.to_bits(), self.time.cast_unsigned());
        for (word, bytes) in new[3..].iter_mut().zip(self.trace_id.as_bytes().chunks(8)) {
            let mut eight = [0; 8];
            eight[..bytes.len()].copy_from_slice(bytes);
            *word = u64::from_le_bytes(eight);
        }
        new[0] = check(&new[1..]);
        for (word, new) in words.iter().zip(new) {
            word.store(new, Ordering::Relaxed);
        }
    }

    /// None where there is none, and for one that is read while it changes.
    fn read(words: &[u64]) -> Option<(Exemplar<'static>, String)> {
        if words[0] == 0 || words[0] != check(&words[1..]) {
            return None;
        }
        let mut id: Vec<u8> = words[3..].iter().flat_map(|word| word.to_le_bytes()).collect();
        id.truncate(id.iter().rposition(|byte| *byte != 0)? + 1);
        let exemplar = Exemplar { trace_id: "", value: f64::from_bits(words[1]), time: words[2].cast_signed() };
        exemplar.value.is_finite().then_some(())?;
        Some((exemplar, String::from_utf8(id).ok()?))
    }
}

/// Never 0.
fn check(words: &[u64]) -> u64 {
    words.iter().fold(1, |sum: u64, word| (sum ^ word).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(23)) | 1
}

pub(super) fn add_float(word: &AtomicU64, value: f64) {
    let add = |bits| Some((f64::from_bits(bits) + value).to_bits());
    let _ = word.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add);
}

/// Accounts for what was counted in words that are left: since it was taken along, or all of it.
pub(super) fn account(name: &str, left: &[u64], taken: Option<&[u64]>, now: &[AtomicU64], before: &[AtomicU64]) {
    let Some((_, form)) = Form::of(name).filter(|(_, form)| form.words() == left.len()) else { return };
    let to = if taken.is_some() { now } else { before };
    let taken = |at: usize| taken.map_or(0, |taken| taken[at]);
    add_float(&to[0], f64::from_bits(left[0]) - f64::from_bits(taken(0)));
    for at in 1..form.bounds.len() + 2 {
        to[at].fetch_add(left[at].wrapping_sub(taken(at)), Ordering::Relaxed);
    }
}

/// A histogram of the library's own.
#[derive(Clone, Debug)]
pub struct Histogram {
    form: std::sync::Arc<Form>,
    words: &'static [AtomicU64],
    before: &'static [AtomicU64],
}

impl Histogram {
    /// That of this name, which is added unless it is there.
    #[must_use]
    pub fn at(words: &'static Words, series: &str, bounds: &[f64]) -> Self {
        let form = Form::histogram(bounds);
        let (words, before) = words.find(&form.name(series), How::Observed, form.words());
        Self { form: form.into(), words, before }
    }

    pub fn observe(&self, value: f64) {
        self.form.observe(self.words, value, None);
    }

    /// How many values were observed.
    #[must_use]
    pub fn count(&self) -> u64 {
        let counts = 1..self.form.bounds.len() + 2;
        let all = self.words[counts.clone()].iter().chain(&self.before[counts]);
        all.map(|word| word.load(Ordering::Relaxed)).fold(0, u64::wrapping_add)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_read_from_a_name() {
        for (shown, is_of_records, bounds) in [
            (Shown::Count, true, vec![]),
            (Shown::Sum, true, vec![]),
            (Shown::Histogram, true, vec![0.005, 1.0, 2.5e-7_f64.max(10.0)]),
            (Shown::Histogram, false, vec![1e-6]),
        ] {
            let form = Form { shown, is_of_records, bounds };
            let name = form.name("a{b=\"c\"}");
            assert_eq!(Form::of(&name), Some(("a{b=\"c\"}", form)));
        }
        for name in ["a", "a\u{1f}", "a\u{1f}x", "a\u{1f}h2,1", "a\u{1f}hNaN", "a\u{1f}h1,b"] {
            assert_eq!(Form::of(name), None, "{name:?}");
        }
    }

    #[test]
    fn values_are_counted_by_size_and_the_last_example_of_each_stays() {
        let form = Form { shown: Shown::Histogram, is_of_records: true, bounds: vec![1.0, 5.0] };
        let words: Vec<AtomicU64> = (0..form.words()).map(|_| AtomicU64::new(0)).collect();
        let long = "x".repeat(LONGEST_ID + 1);
        for (value, trace_id, time) in [(1.0, "a", 1), (0.5, "b", 2), (7.0, &*long, 3), (3.0, "é", 4)] {
            form.observe(&words, value, Some(Exemplar { trace_id, value, time }));
        }
        let read = |words: &[AtomicU64]| words.iter().map(|word| word.load(Ordering::Relaxed)).collect::<Vec<_>>();
        let values = read(&words);
        let found = |trace_id: &str, value, time| Some(Found { trace_id: trace_id.into(), value, time });
        let exemplars = vec![found("b", 0.5, 2), found("é", 3.0, 4), None];
        assert_eq!(form.read(&values), Some(Values { sum: 11.5, counts: &[2, 1, 1], exemplars }));
        let mut sum = values.clone();
        form.observe(&words, 6.0, Some(Exemplar { trace_id: "c", value: 6.0, time: 9 }));
        form.join(&mut sum, &read(&words));
        let read = form.read(&sum).unwrap();
        assert_eq!((read.sum, read.counts), (29.0, &[4, 2, 3][..]));
        assert_eq!(read.exemplars[2], found("c", 6.0, 9));
        // Read while it changes.
        let at = form.exemplar(2);
        sum[at + 2] += 1;
        assert_eq!(form.read(&sum).unwrap().exemplars[2], None);
    }
}
