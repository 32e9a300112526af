//! Levels are the numbers of Python's `logging`, named as there.

/// The name of a level as it stands in a record: the standard names, `Level N` for any other number.
#[must_use]
pub fn name(level: i32) -> std::borrow::Cow<'static, str> {
    match level {
        10 => "DEBUG".into(),
        20 => "INFO".into(),
        30 => "WARNING".into(),
        40 => "ERROR".into(),
        50 => "CRITICAL".into(),
        other => format!("Level {other}").into(),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn other_numbers_are_named_as_in_logging() {
        assert_eq!(super::name(20), "INFO");
        assert_eq!(super::name(25), "Level 25");
    }
}
