//! Levels as others name and number them.

use super::member::OfLevel;
use crate::encoder::json::put_number;
use crate::level;
use crate::value::put_quoted;

/// Puts what a level of this name and number is elsewhere. False if it is nothing there.
pub fn put(of: OfLevel, number: i32, name: &str, out: &mut Vec<u8>) {
    match of {
        OfLevel::Name | OfLevel::OtherName => put_quoted(name, out),
        OfLevel::LowerName => put_quoted(&name.to_lowercase(), out),
        OfLevel::Severity(severities) => put_quoted(severity(severities, number), out),
        OfLevel::OpenTelemetry => put_number(out, open_telemetry(number)),
    }
}

/// Whether it is there for a level of this name and number.
pub fn is_there(of: OfLevel, number: i32, name: &str) -> bool {
    !matches!(of, OfLevel::OtherName) || !matches!(number, 10 | 20 | 30 | 40 | 50) || level::name(number) != name
}

fn severity(severities: &[(i32, &'static str)], number: i32) -> &'static str {
    severities.iter().rev().find(|(least, _)| *least <= number).map_or("", |(_, text)| text)
}

/// The four numbers of a range are for a level and the three above it, as in OpenTelemetry's own handler for Python.
fn open_telemetry(number: i32) -> i32 {
    match number {
        ..10 => 0,
        10..60 => {
            let tens = (number / 10).min(5);
            4 * tens + 1 + (number - 10 * tens).min(3)
        }
        60.. => 24,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn severities_are_those_of_the_highest_bound_below() {
        let severities = &[(i32::MIN, "none"), (10, "debug"), (30, "warning")];
        assert_eq!(
            [-1, 10, 29, 30, 99].map(|number| severity(severities, number)),
            ["none", "debug", "debug", "warning", "warning"]
        );
    }

    #[test]
    fn numbers_are_those_of_open_telemetrys_own_handler() {
        let expected = [(5, 0), (10, 5), (11, 6), (13, 8), (19, 8), (20, 9), (25, 12), (30, 13), (40, 17), (49, 20)];
        for (number, severity) in expected.into_iter().chain([(50, 21), (53, 24), (54, 24), (100, 24)]) {
            assert_eq!(open_telemetry(number), severity, "{number}");
        }
    }

    #[test]
    fn the_name_of_a_level_of_ones_own_is_told() {
        for (number, name, there) in
            [(20, "INFO", false), (25, "AUDIT", true), (20, "NOTE", true), (25, "Level 25", true)]
        {
            assert_eq!(is_there(OfLevel::OtherName, number, name), there, "{name}");
        }
    }
}
