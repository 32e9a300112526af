//! Consistent probability, as OpenTelemetry has it: a trace is sampled if its randomness reaches a threshold. All that
//! know the id of a trace decide alike, and who samples less keeps a part of what others keep.
//! <https://opentelemetry.io/docs/specs/otel/trace/tracestate-probability-sampling/>

use sha2::{Digest, Sha256};

const BITS: u32 = 56;
const ALL: u64 = 1 << BITS;
/// Hexadecimal digits of `BITS`.
const DIGITS: usize = 14;

/// The randomness that a trace needs at least, of 56 bits. The highest one is above all randomness: nothing is sampled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Threshold(u64);

impl Threshold {
    /// The threshold of a probability from 0 to 1, rounded as OpenTelemetry's samplers do.
    #[must_use]
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a whole number from 0 to 2^56")]
    pub fn of(probability: f64) -> Self {
        let sampled = (probability.clamp(0.0, 1.0) * ALL as f64).round_ties_even() as u64;
        Self(ALL - sampled)
    }

    /// Reads a `th`: up to 14 hexadecimal digits, of which zeros at the end may be left out.
    #[must_use]
    pub fn parse(th: &str) -> Option<Self> {
        hexadecimal(th).map(|digits| Self(digits << (4 * (DIGITS - th.len()))))
    }

    /// As a `th`. `None` if nothing is sampled, for which there is none.
    #[must_use]
    pub fn text(self) -> Option<String> {
        if self.0 == ALL {
            return None;
        }
        let digits = format!("{:014x}", self.0);
        let short = digits.trim_end_matches('0');
        Some(if short.is_empty() { "0" } else { short }.to_owned())
    }

    #[must_use]
    pub fn samples(self, randomness: u64) -> bool {
        randomness >= self.0
    }

    /// The share of traces that are sampled.
    #[must_use]
    pub fn probability(self) -> f64 {
        (ALL - self.0) as f64 / ALL as f64
    }

    /// The adjusted count: how many traces a sampled one stands for.
    #[must_use]
    pub fn count(self) -> f64 {
        count_of(self.probability())
    }
}

/// How many traces stand behind one that was sampled with this probability. A number that is whole but for rounding is
/// whole, and others have six digits: the threshold is rounded too.
#[must_use]
pub fn count_of(probability: f64) -> f64 {
    let exact = 1.0 / probability;
    let whole = exact.round();
    if (exact - whole).abs() <= whole * 1e-9 {
        return whole;
    }
    format!("{exact:.5e}").parse().unwrap_or(exact)
}

/// The randomness of a trace: the low 56 bits of an id of W3C Trace Context. Of any other id the first 56 bits of its
/// SHA-256, so that everybody who has the id has the same number.
#[must_use]
pub fn randomness(trace_id: &str) -> u64 {
    if let Some(low) = w3c_low_bits(trace_id) {
        return low & (ALL - 1);
    }
    Sha256::digest(trace_id).iter().take(DIGITS / 2).fold(0, |number, byte| number << 8 | u64::from(*byte))
}

/// The low 64 bits of an id of W3C Trace Context: 32 hexadecimal digits, not all zero.
#[must_use]
pub fn w3c_low_bits(trace_id: &str) -> Option<u64> {
    let is_digit = |byte: &u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    if trace_id.len() != 32 || !trace_id.as_bytes().iter().all(is_digit) {
        return None;
    }
    let number = u128::from_str_radix(trace_id, 16).ok().filter(|number| *number != 0)?;
    #[allow(clippy::cast_possible_truncation, reason = "the low bits are wanted")]
    Some(number as u64)
}

/// Reads an `rv`: 14 hexadecimal digits.
#[must_use]
pub fn parse_randomness(rv: &str) -> Option<u64> {
    if rv.len() == DIGITS { hexadecimal(rv) } else { None }
}

fn hexadecimal(digits: &str) -> Option<u64> {
    // `from_str_radix` takes a sign.
    let are_digits = (1..=DIGITS).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    if are_digits { u64::from_str_radix(digits, 16).ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thresholds_are_those_of_the_specification() {
        for (probability, th) in [
            (1.0, "0"),
            (0.5, "8"),
            (0.25, "c"),
            (0.75, "4"),
            (0.1, "e6666666666666"),
            (0.01, "fd70a3d70a3d71"),
            (1.0 / 3.0, "aaaaaaaaaaaaac"),
            (2.0_f64.powi(-56), "ffffffffffffff"),
        ] {
            assert_eq!(Threshold::of(probability).text().as_deref(), Some(th), "{probability}");
            assert_eq!(Threshold::parse(th), Some(Threshold::of(probability)), "{th}");
        }
        assert_eq!(Threshold::of(0.0).text(), None);
        assert_eq!(Threshold::of(2.0_f64.powi(-57)).text(), None);
        assert_eq!(Threshold::of(2.0).text().as_deref(), Some("0"));
    }

    #[test]
    fn a_threshold_may_be_written_with_fewer_or_more_digits() {
        assert_eq!(Threshold::parse("e666").unwrap().count(), 9.999_39);
        assert_eq!(Threshold::parse("80000000000000"), Threshold::parse("8"));
        assert_eq!(Threshold::parse("00"), Some(Threshold::of(1.0)));
        assert_eq!(Threshold::parse("C"), Threshold::parse("c"));
        for wrong in ["", "+8", "-1", "g", "8 ", "123456789012345", "é"] {
            assert_eq!(Threshold::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_sampled_trace_stands_for_as_many_as_its_probability_says() {
        for (probability, count) in
            [(1.0, 1.0), (0.5, 2.0), (0.25, 4.0), (0.1, 10.0), (0.01, 100.0), (0.3, 3.333_33), (1e-6, 1e6)]
        {
            assert_eq!(Threshold::of(probability).count(), count, "{probability}");
            assert!((Threshold::of(probability).probability() - probability).abs() < 1e-16);
        }
    }

    #[test]
    fn randomness_is_in_the_low_bits_of_an_id() {
        assert_eq!(randomness("0af7651916cd43dd8448eb211c80319c"), 0x48_eb21_1c80_319c);
        assert_eq!(w3c_low_bits("0af7651916cd43dd8448eb211c80319c"), Some(0x8448_eb21_1c80_319c));
        let threshold = Threshold::of(0.5);
        assert!(threshold.samples(0x80_0000_0000_0000) && !threshold.samples(0x7f_ffff_ffff_ffff));
        assert!(!Threshold::of(0.0).samples(u64::MAX >> 8) && Threshold::of(1.0).samples(0));
    }

    #[test]
    fn other_ids_have_the_randomness_of_their_digest() {
        // sha256("order-7") begins with these bytes, in any language.
        assert_eq!(randomness("order-7"), 0xdf_8cf8_0227_ec32);
        for other in [
            "",
            "0af7651916cd43dd8448eb211c80319C",
            "00000000000000000000000000000000",
            "+af7651916cd43dd8448eb211c80319c",
        ] {
            assert_eq!(w3c_low_bits(other), None, "{other}");
        }
    }

    #[test]
    fn a_given_randomness_has_all_its_digits() {
        assert_eq!(parse_randomness("6e6d1a75832a2f"), Some(0x6e_6d1a_7583_2a2f));
        for wrong in ["6e6d1a75832a2", "6e6d1a75832a2f0", "+e6d1a75832a2f", ""] {
            assert_eq!(parse_randomness(wrong), None, "{wrong}");
        }
    }
}
