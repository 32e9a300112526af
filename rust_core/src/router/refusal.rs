//! Why an output does not take a record, for people who ask.

use std::sync::Arc;

use super::{AiLoggers, Router, Selector};
use crate::names;
use crate::record::{Builder, Record};

/// The keys of a selector that keep the records of a logger and a level out, as far as these two decide. Each key is asked by itself, by a router.
#[must_use]
pub fn refusals(selector: &Selector, ai: &AiLoggers, logger: &str, level: i32) -> Vec<&'static str> {
    let all = || Selector { level: i32::MIN, ..Selector::default() };
    let alone = [
        ("level", Selector { level: selector.level, ..all() }),
        ("max_level", Selector { max_level: selector.max_level, ..all() }),
        ("loggers", Selector { loggers: selector.loggers.clone(), ..all() }),
        ("ai", Selector { ai: selector.ai, ..all() }),
    ];
    let (keys, selectors): (Vec<_>, Vec<_>) = alone.into_iter().unzip();
    let mut bytes = Vec::new();
    Builder { time: 0, level, logger, function: "", message: "" }.put(&mut bytes, &[]);
    // SAFETY: built just above.
    let Some(record) = (unsafe { Record::read(&bytes) }) else { return Vec::new() };
    let route = Router::new(Arc::clone(names::here()), selectors, ai.clone()).route(&record);
    let is_refused = |(at, _): &(usize, &str)| route & 1 << at == 0;
    keys.into_iter().enumerate().filter(is_refused).map(|(_, key)| key).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::level;

    #[test]
    fn each_key_is_asked_by_itself() {
        let refused = |selector: &Selector, logger, level| refusals(selector, &AiLoggers::default(), logger, level);
        let selector = Selector {
            level: level::INFO,
            max_level: Some(level::WARNING),
            loggers: Some(vec!["shop".into()]),
            ai: Some(false),
            ..Selector::default()
        };
        assert!(refused(&selector, "shop.db", level::INFO).is_empty());
        assert_eq!(refused(&selector, "shop.db", level::DEBUG), ["level"]);
        assert_eq!(refused(&selector, "app.llm", level::ERROR), ["max_level", "loggers", "ai"]);
    }
}
