//! Levels are the numbers of Python's `logging`, named as there.

use std::borrow::Cow;

pub const DEBUG: i32 = 10;
pub const INFO: i32 = 20;
pub const WARNING: i32 = 30;
pub const ERROR: i32 = 40;
pub const CRITICAL: i32 = 50;

/// The standard levels, lowest first: what statistics are kept by.
pub const NAMES: [&str; 5] = ["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"];

/// Whether it is one of the standard levels.
#[inline]
#[must_use]
pub fn is_standard(level: i32) -> bool {
    level % 10 == 0 && (DEBUG..=CRITICAL).contains(&level)
}

/// Whether a name is one of `NAMES`, in any case.
#[must_use]
pub fn is_standard_name(name: &str) -> bool {
    NAMES.iter().any(|standard| standard.eq_ignore_ascii_case(name))
}

/// Which of `NAMES` a level counts as: the highest one that is not above it.
#[must_use]
pub fn bucket(level: i32) -> usize {
    usize::try_from((level / 10 - 1).clamp(0, 4)).unwrap_or(0)
}

/// The name of a level as `logging` has it unless told otherwise: the standard one, or `Level N`.
#[must_use]
pub fn name(level: i32) -> Cow<'static, str> {
    match level {
        0 => "NOTSET".into(),
        10 | 20 | 30 | 40 | 50 => NAMES[bucket(level)].into(),
        other => format!("Level {other}").into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_numbers_are_named_as_in_logging() {
        assert_eq!(name(20), "INFO");
        assert_eq!(name(25), "Level 25");
    }

    #[test]
    fn five_levels_are_standard() {
        assert_eq!((-10..=100).filter(|level| is_standard(*level)).collect::<Vec<_>>(), [10, 20, 30, 40, 50]);
    }

    #[test]
    fn a_level_between_two_names_counts_as_the_lower() {
        assert_eq!(
            [5, 19, 25, 49, 99].map(|level| NAMES[bucket(level)]),
            ["DEBUG", "DEBUG", "INFO", "ERROR", "CRITICAL"]
        );
    }
}
