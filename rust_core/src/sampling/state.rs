//! The member `ot` of a `tracestate`, in which OpenTelemetry's samplers tell each other of a trace.

use super::probability::{Threshold, parse_randomness};

/// A longer member is not read.
const LONGEST: usize = 256;
const MOST_MEMBERS: usize = 32;

/// What the member says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct State {
    pub threshold: Option<Threshold>,
    /// The randomness that counts instead of the trace id's.
    pub randomness: Option<u64>,
}

impl State {
    /// Reads a `tracestate`. Values that are malformed count as missing.
    #[must_use]
    pub fn of(state: &str) -> Self {
        let mut found = Self::default();
        for part in
            members(state).find_map(own).filter(|own| own.len() <= LONGEST).into_iter().flat_map(|own| own.split(';'))
        {
            match part.split_once(':') {
                Some(("th", th)) => found.threshold = Threshold::parse(th),
                Some(("rv", rv)) => found.randomness = parse_randomness(rv),
                _ => {}
            }
        }
        found
    }
}

/// A `tracestate` whose member `ot` has this threshold, or none. A member that changes comes to the front, as the
/// specification asks. One that is empty goes.
#[must_use]
pub fn with_threshold(state: &str, threshold: Option<Threshold>) -> String {
    let th = threshold.and_then(Threshold::text).map(|digits| format!("th:{digits}"));
    let before = members(state).find_map(own).unwrap_or_default();
    if State::of(state).threshold == threshold && (threshold.is_some() || !before.contains("th:")) {
        return state.to_owned();
    }
    let kept = before.split(';').filter(|part| !part.is_empty() && !part.starts_with("th:"));
    let own_parts: Vec<&str> = th.as_deref().into_iter().chain(kept).collect();
    let mut parts: Vec<String> = Vec::new();
    if !own_parts.is_empty() {
        parts.push(format!("ot={}", own_parts.join(";")));
    }
    parts.extend(members(state).filter(|member| own(member).is_none()).map(str::to_owned));
    parts.truncate(MOST_MEMBERS);
    parts.join(",")
}

fn members(state: &str) -> impl Iterator<Item = &str> {
    state.split(',').map(|member| member.trim_matches([' ', '\t'])).filter(|member| !member.is_empty())
}

fn own(member: &str) -> Option<&str> {
    member.strip_prefix("ot=")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_member_is_found_among_others() {
        let state = State::of("a=b , ot=x:1;th:8;rv:6e6d1a75832a2f,c=th:4");
        assert_eq!(state, State { threshold: Threshold::parse("8"), randomness: Some(0x6e_6d1a_7583_2a2f) });
        for nothing in ["", "a=b", "ot=", "ot=th:", "ot=th:xyz", "ot=rv:1", "xot=th:8", "ot=:", "ot"] {
            assert_eq!(State::of(nothing), State::default(), "{nothing}");
        }
        assert_eq!(State::of(&format!("ot=th:8;x:{}", "1".repeat(256))), State::default());
    }

    #[test]
    fn a_threshold_is_put_in_replaced_and_erased() {
        let half = Threshold::parse("8");
        for (before, threshold, after) in [
            ("", half, "ot=th:8"),
            ("a=b", half, "ot=th:8,a=b"),
            ("a=b,ot=th:8", half, "a=b,ot=th:8"),
            ("a=b,ot=rv:6e6d1a75832a2f;th:c", half, "ot=th:8;rv:6e6d1a75832a2f,a=b"),
            ("a=b,ot=th:8", None, "a=b"),
            ("a=b,ot=th:nonsense;x:1", None, "ot=x:1,a=b"),
            ("a=b,ot=x:1", None, "a=b,ot=x:1"),
            ("", None, ""),
            // Nothing is sampled: there is no `th` for that.
            ("", Some(Threshold::of(0.0)), ""),
        ] {
            assert_eq!(with_threshold(before, threshold), after, "{before}");
        }
        let many: Vec<_> = (0..32).map(|number| format!("k{number}=v")).collect();
        let made = with_threshold(&many.join(","), half);
        assert!(made.starts_with("ot=th:8,k0=v") && made.ends_with("k30=v"));
    }
}
