//! Which calls metrics ask for, before they are captured.

use super::Rule;
use crate::router::{Pattern, Selector};

/// What level and logger say of a call. Fields are not asked for: a record that they rule out is counted in no metric.
#[derive(Debug)]
pub struct Interest {
    selects: Vec<(Selector, Option<Vec<Pattern>>)>,
}

impl Interest {
    /// None where there are no metrics.
    #[must_use]
    pub fn of(rules: &[Rule]) -> Option<Self> {
        let patterns = |select: &Selector| {
            select.loggers.as_ref().map(|names| names.iter().map(|name| Pattern::new(name)).collect())
        };
        let selects: Vec<_> = rules.iter().map(|rule| (rule.select.clone(), patterns(&rule.select))).collect();
        (!selects.is_empty()).then_some(Self { selects })
    }

    /// Whether some metric may be made of a record of this logger and level.
    #[must_use]
    pub fn takes(&self, logger: &str, level: i32) -> bool {
        self.selects.iter().any(|(select, loggers)| {
            select.takes_level(level)
                && loggers.as_ref().is_none_or(|patterns| patterns.iter().any(|pattern| pattern.names(logger)))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::Kind;
    use super::*;

    fn rule(select: Selector) -> Rule {
        let (kind, name, help) = (Kind::Count, "calls".to_owned(), String::new());
        Rule { name, kind, help, select, field: None, scale: 1.0, labels: vec![], buckets: vec![], bound: 1 }
    }

    #[test]
    fn a_call_is_asked_for_by_its_level_and_its_logger() {
        let shop = Selector { loggers: Some(vec!["shop".into(), "*.audit".into()]), ..Selector::from_level(20) };
        let interest = Interest::of(&[rule(shop), rule(Selector::from_level(30))]).unwrap();
        let taken = [("shop", 20), ("shop.orders", 25), ("a.audit", 20), ("other", 30)];
        assert!(taken.iter().all(|(logger, level)| interest.takes(logger, *level)));
        assert!(
            [("shop", 10), ("shopping", 20), ("other", 20)]
                .iter()
                .all(|(logger, level)| !interest.takes(logger, *level))
        );
        assert!(Interest::of(&[]).is_none());
    }
}
