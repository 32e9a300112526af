//! Rules as the configuration has them, checked.

use serde::Deserialize;

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spec {
    pub rules: Vec<RuleSpec>,
    /// Marks what would be left out, and keeps it.
    pub dry_run: bool,
    /// Keys that are remembered, of all rules.
    pub max_keys: usize,
    /// What chance begins with, for tests.
    #[serde(default)]
    pub seed: Option<u64>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RuleSpec {
    pub name: String,
    /// The highest level that the rule applies to.
    pub level: i32,
    /// The loggers below this one, itself included. Empty for all.
    #[serde(default)]
    pub logger: String,
    /// The fields that a call must have, with one of these values each.
    #[serde(default)]
    pub conditions: Vec<Condition>,
    pub key: Keyed,
    pub way: Way,
}

/// A field, and the values of which it must have one. A text that ends with `*` stands for all that begin with it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Condition {
    pub field: String,
    pub values: Vec<Scalar>,
}

/// A value that can be compared without running code of the program.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(untagged)]
pub enum Scalar<T = String> {
    Nothing(()),
    Truth(bool),
    Integer(i64),
    Real(f64),
    Text(T),
}

/// What calls have in common that are counted together.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Keyed {
    /// The call site.
    Site,
    /// The call site, the arguments and the fields.
    Call,
    /// The values of these fields.
    Fields(Vec<String>),
    /// All calls of the rule.
    One,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Way {
    /// By chance: this part of the calls is kept.
    Rate { rate: f64 },
    /// By count: in each interval the first ones, then every so many-th. 0 for none.
    First { first: u32, then_every: u32, interval_ms: u32 },
    /// By count: so many in a second, and a reserve.
    PerSecond { per_second: f64, burst: f64 },
    /// By chance: so many in a second for all keys together. Keys with few calls keep more of them.
    Target { target_per_second: f64 },
    /// None at all, but for the first of each key.
    Nothing {},
    /// All of them: later rules are not asked.
    All {},
}

impl<T: AsRef<str>> Scalar<T> {
    /// Whether it is this value of a rule.
    pub fn is(&self, wanted: &Scalar) -> bool {
        match (self, wanted) {
            (Self::Nothing(()), Scalar::Nothing(())) => true,
            (Self::Truth(one), Scalar::Truth(other)) => one == other,
            (Self::Integer(one), Scalar::Integer(other)) => one == other,
            (Self::Real(one), Scalar::Real(other)) => one == other,
            #[allow(clippy::cast_precision_loss, reason = "1 and 1.0 are equal, as in Python")]
            (Self::Integer(integer), Scalar::Real(real)) | (Self::Real(real), Scalar::Integer(integer)) => {
                *integer as f64 == *real
            }
            (Self::Text(text), Scalar::Text(wanted)) => match wanted.strip_suffix('*') {
                Some(start) => text.as_ref().starts_with(start),
                None => text.as_ref() == wanted,
            },
            _ => false,
        }
    }

    /// A number that equal values have in common, and hardly any others.
    pub fn mixed_into(&self, key: u64) -> u64 {
        match self {
            Self::Nothing(()) => mix(key, 1),
            Self::Truth(truth) => mix(key, 2 + u64::from(*truth)),
            Self::Integer(integer) => mix(mix(key, 4), integer.cast_unsigned()),
            Self::Real(real) => mix(mix(key, 5), real.to_bits()),
            Self::Text(text) => mix_text(mix(key, 6), text.as_ref()),
        }
    }
}

/// One number of two.
#[inline]
#[must_use]
pub fn mix(key: u64, more: u64) -> u64 {
    let wide = u128::from(key ^ 0x9E37_79B9_7F4A_7C15) * u128::from(more ^ 0xD6E8_FEB8_6659_FD93);
    #[allow(clippy::cast_possible_truncation, reason = "both halves are used")]
    let (low, high) = (wide as u64, (wide >> 64) as u64);
    low ^ high
}

#[must_use]
pub fn mix_text(key: u64, text: &str) -> u64 {
    let mut chunks = text.as_bytes().chunks_exact(8);
    let mixed = chunks.by_ref().fold(mix(key, text.len() as u64), |key, chunk| {
        mix(key, u64::from_le_bytes(chunk.try_into().unwrap_or_default()))
    });
    let mut last = [0; 8];
    last[..chunks.remainder().len()].copy_from_slice(chunks.remainder());
    mix(mixed, u64::from_le_bytes(last))
}
