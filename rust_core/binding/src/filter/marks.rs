//! What a record tells of calls that make none.

use unified_logger_core::record::{SUPPRESSED, add_flags, count_field, flag};
use unified_logger_core::slab::Buffer;
use unified_logger_core::value::{Put, Value};

/// Where a record goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Course {
    /// To the outputs.
    #[default]
    Usual,
    /// It waits with its trace.
    Waits,
    /// What waits of its trace is written before it.
    Triggers,
    /// Nowhere: sampling leaves it out, and metrics count it.
    Aside,
}

/// What a filter has said of a call that becomes a record.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Marks {
    /// Calls that were left out before it.
    pub suppressed: u64,
    /// How many calls it stands for. 1 where chance has no part; 0 where the trace was not chosen by chance, and is written all the same.
    pub sample_rate: f64,
    /// The name of the rule by which it would be left out.
    pub left_out_by: Option<&'static str>,
    pub course: Course,
    /// Whether metrics count it whatever becomes of it: what waits may be forgotten.
    pub is_counted: bool,
}

impl Marks {
    /// Those of a record that tells of no other.
    pub const NONE: Self =
        Self { suppressed: 0, sample_rate: 1.0, left_out_by: None, course: Course::Usual, is_counted: false };

    /// Adds them to a captured record, as fields.
    pub fn put(&self, record: &mut Buffer) {
        if let Some(rule) = self.left_out_by {
            add_field(record, "left_out_by", Value::Text(rule));
        }
        if (self.sample_rate - 1.0).abs() > f64::EPSILON {
            add_field(record, "sample_rate", number(self.sample_rate));
        }
        if self.suppressed > 0 {
            add_field(record, SUPPRESSED, Value::Integer(i64::try_from(self.suppressed).unwrap_or(i64::MAX)));
            add_flags(record.as_mut_slice(), flag::SUPPRESSED);
        }
    }
}

/// Adds a field behind all others, unless the record has as many as it can have.
fn add_field(record: &mut Buffer, name: &str, value: Value<'_>) {
    if count_field(record.as_mut_slice()) {
        record.put_text(name);
        record.put_value(value);
    }
}

/// As an integer where it is one.
fn number(real: f64) -> Value<'static> {
    #[allow(clippy::cast_possible_truncation, reason = "checked")]
    let integer = real as i64;
    #[allow(clippy::cast_precision_loss, reason = "compared exactly")]
    let is_whole = (integer as f64 - real).abs() <= f64::EPSILON * real;
    if is_whole { Value::Integer(integer) } else { Value::Float(real) }
}
