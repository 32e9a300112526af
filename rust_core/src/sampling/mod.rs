//! Sampling: which calls that pass their level still make no record.
//!
//! Here is which traces are sampled: the decision on a trace is made once, where it begins, and everybody after that follows it. `rules` has
//! what is left out call by call.

pub mod probability;
pub mod rules;
mod state;

pub use probability::{Threshold, randomness};
pub use state::{State, with_threshold};

use probability::{count_of, w3c_low_bits};

/// Trace flags of W3C Trace Context: the trace is sampled.
pub const SAMPLED: u8 = 1;
/// The low 56 bits of the trace id are random.
pub const RANDOM: u8 = 2;

/// How a share of traces is chosen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Share {
    /// By OpenTelemetry's consistent probability.
    Consistent(Threshold),
    /// As the older `TraceIdRatioBased` of OpenTelemetry's SDKs chooses: ids whose low 64 bits are below a bound.
    Legacy { bound: u128, ratio: f64 },
}

impl Share {
    #[must_use]
    pub fn consistent(ratio: f64) -> Self {
        Self::Consistent(Threshold::of(ratio))
    }

    #[must_use]
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a whole number from 0 to 2^64")]
    pub fn legacy(ratio: f64) -> Self {
        let bound = (ratio.clamp(0.0, 1.0) * 2.0_f64.powi(64)).round_ties_even() as u128;
        Self::Legacy { bound, ratio }
    }

    /// The decision on a trace that begins here.
    ///
    /// `is_random` says whether its id was made of random bytes.
    #[must_use]
    pub fn begin(self, trace_id: &str, is_random: bool) -> Decision {
        let random = if is_random { RANDOM } else { 0 };
        let decide = |threshold: Threshold| Decision::by(threshold, randomness(trace_id), random);
        match self {
            Self::Consistent(threshold) => decide(threshold),
            Self::Legacy { bound, ratio } => match w3c_low_bits(trace_id) {
                Some(low) => {
                    let sampled = u128::from(low) < bound;
                    let count = if sampled { count_of(ratio) } else { 1.0 };
                    Decision { flags: random | u8::from(sampled), threshold: None, count }
                }
                // The other sampler knows no such ids.
                None => decide(Threshold::of(ratio)),
            },
        }
    }
}

/// The decision on a trace.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Decision {
    /// Trace flags.
    pub flags: u8,
    /// The threshold that decided, or by which a sampled trace is counted. `None` if it is not known.
    pub threshold: Option<Threshold>,
    /// How many traces a sampled one stands for. 1 if that is not known.
    pub count: f64,
}

impl Decision {
    /// Follows what was said with a trace that came from elsewhere: its flags first, then a threshold alone. `None` if
    /// neither is there.
    #[must_use]
    pub fn follow(trace_id: &str, flags: Option<u8>, state: &str) -> Option<Self> {
        let state = State::of(state);
        let randomness = state.randomness.unwrap_or_else(|| randomness(trace_id));
        let Some(flags) = flags else {
            return state.threshold.map(|threshold| Self::by(threshold, randomness, 0));
        };
        let flags = flags & (SAMPLED | RANDOM);
        // A threshold that contradicts the flag counts nothing.
        let threshold = state.threshold.filter(|threshold| flags & SAMPLED != 0 && threshold.samples(randomness));
        Some(Self { flags, threshold, count: threshold.map_or(1.0, Threshold::count) })
    }

    fn by(threshold: Threshold, randomness: u64, flags: u8) -> Self {
        let sampled = threshold.samples(randomness);
        let count = if sampled { threshold.count() } else { 1.0 };
        Self { flags: flags | u8::from(sampled), threshold: Some(threshold), count }
    }

    #[must_use]
    pub fn is_sampled(&self) -> bool {
        self.flags & SAMPLED != 0
    }

    /// The `tracestate` for other services: with the threshold of a sampled trace, and with none of a trace that is not
    /// sampled.
    #[must_use]
    pub fn state(&self, before: &str) -> String {
        with_threshold(before, self.threshold.filter(|_| self.is_sampled()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOW: &str = "0af7651916cd43dd8448eb211c80319c";
    const HIGH: &str = "0af7651916cd43dd84f8eb211c80319c";

    #[test]
    fn a_trace_that_begins_is_sampled_by_its_id() {
        let share = Share::consistent(0.5);
        let low = share.begin(LOW, true);
        assert!(!low.is_sampled() && low.flags == RANDOM && low.count == 1.0 && low.state("").is_empty());
        let high = share.begin(HIGH, true);
        assert!(high.is_sampled() && high.flags == SAMPLED | RANDOM && high.count == 2.0);
        assert_eq!(high.state(""), "ot=th:8");
        assert_eq!(share.begin(HIGH, false).flags, SAMPLED);
    }

    #[test]
    fn legacy_looks_at_the_other_end() {
        let share = Share::legacy(0.25);
        assert_eq!(share, Share::Legacy { bound: 1 << 62, ratio: 0.25 });
        let sampled = share.begin("ffffffffffffffff3fffffffffffffff", true);
        assert!(sampled.is_sampled() && sampled.count == 4.0 && sampled.state("a=b") == "a=b");
        assert!(!share.begin("ffffffffffffffff4000000000000000", true).is_sampled());
        assert!(Share::legacy(1.0).begin(&"f".repeat(32), true).is_sampled());
        assert!(!Share::legacy(0.0).begin("00000000000000010000000000000000", true).is_sampled());
        // An id of another form by its digest, as `consistent` has it.
        assert_eq!(share.begin("order-7", false), Share::consistent(0.25).begin("order-7", false));
    }

    #[test]
    fn the_flag_of_the_sender_decides() {
        let sampled = Decision::follow(LOW, Some(1), "").unwrap();
        assert_eq!(sampled, Decision { flags: 1, threshold: None, count: 1.0 });
        let counted = Decision::follow(HIGH, Some(3), "a=b,ot=th:8").unwrap();
        assert!(counted.flags == 3 && counted.count == 2.0 && counted.state("a=b,ot=th:8") == "a=b,ot=th:8");
        let given = Decision::follow(LOW, Some(1), "ot=th:8;rv:80000000000000").unwrap();
        assert_eq!(given.count, 2.0);
    }

    #[test]
    fn a_threshold_that_contradicts_the_flag_is_erased() {
        let unsampled = Decision::follow(HIGH, Some(0), "ot=th:8;x:1").unwrap();
        assert!(!unsampled.is_sampled() && unsampled.count == 1.0);
        assert_eq!(unsampled.state("ot=th:8;x:1"), "ot=x:1");
        let below = Decision::follow(LOW, Some(1), "ot=th:8").unwrap();
        assert!(below.is_sampled() && below.count == 1.0 && below.state("ot=th:8").is_empty());
    }

    #[test]
    fn a_threshold_decides_alone_where_no_flag_came() {
        assert!(Decision::follow(HIGH, None, "ot=th:8").unwrap().is_sampled());
        assert!(!Decision::follow(LOW, None, "ot=th:8").unwrap().is_sampled());
        assert_eq!(Decision::follow(HIGH, None, "a=b"), None);
        assert_eq!(Decision::follow(HIGH, None, ""), None);
    }
}
