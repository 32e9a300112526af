//! Levels are the numbers of Python's `logging`, named as there.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{LazyLock, PoisonError, RwLock};

pub const DEBUG: i32 = 10;
pub const INFO: i32 = 20;
pub const WARNING: i32 = 30;
pub const ERROR: i32 = 40;
pub const CRITICAL: i32 = 50;

/// The standard levels, lowest first: what statistics are kept by.
pub const NAMES: [&str; 5] = ["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"];

/// Which of `NAMES` a level counts as: the highest one that is not above it.
#[must_use]
pub fn bucket(level: i32) -> usize {
    usize::try_from((level / 10 - 1).clamp(0, 4)).unwrap_or(0)
}

/// Names the application gave to levels (`logging.addLevelName`), and how often that changed.
static GIVEN: LazyLock<RwLock<HashMap<i32, String>>> = LazyLock::new(RwLock::default);
static GENERATION: AtomicU64 = AtomicU64::new(0);

/// Names a level from now on.
pub fn set_name(level: i32, name: &str) {
    let mut given = GIVEN.write().unwrap_or_else(PoisonError::into_inner);
    given.insert(level, name.to_owned());
    GENERATION.fetch_add(1, Ordering::Release);
}

/// Changes with every name given: whoever keeps names looks whether they still hold.
#[must_use]
pub fn generation() -> u64 {
    GENERATION.load(Ordering::Acquire)
}

/// The name of a level as it stands in a record: the one given, the standard one, or `Level N`.
#[must_use]
pub fn name(level: i32) -> Cow<'static, str> {
    if generation() > 0
        && let Some(name) = GIVEN.read().unwrap_or_else(PoisonError::into_inner).get(&level)
    {
        return name.clone().into();
    }
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
    fn a_level_can_be_given_a_name() {
        set_name(21, "NOTICE");
        assert_eq!(name(21), "NOTICE");
    }

    #[test]
    fn a_level_between_two_names_counts_as_the_lower() {
        assert_eq!(
            [5, 19, 25, 49, 99].map(|level| NAMES[bucket(level)]),
            ["DEBUG", "DEBUG", "INFO", "ERROR", "CRITICAL"]
        );
    }
}
