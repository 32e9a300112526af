//! Loggers by their names.

use wildmatch::WildMatch;

/// A pattern of logger names: `*` stands for any characters, dots included, and `?` for one. Without either it names a logger and all
/// below it, as a level does in `logging`.
#[derive(Debug)]
pub enum Pattern {
    Tree(String),
    Glob(WildMatch),
}

impl Pattern {
    #[must_use]
    pub fn new(pattern: &str) -> Self {
        if pattern.contains(['*', '?']) { Self::Glob(WildMatch::new(pattern)) } else { Self::Tree(pattern.into()) }
    }

    #[must_use]
    pub fn names(&self, logger: &str) -> bool {
        match self {
            Self::Glob(glob) => glob.matches(logger),
            Self::Tree(name) => {
                logger.strip_prefix(name.as_str()).is_some_and(|below| below.is_empty() || below.starts_with('.'))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_name_is_a_tree_and_a_star_is_any_text() {
        for (pattern, logger, named) in [
            ("shop", "shop", true),
            ("shop", "shop.orders", true),
            ("shop", "shopping", false),
            ("shop.*", "shop", false),
            ("shop.*", "shop.orders.paid", true),
            ("*.audit", "shop.audit", true),
            ("*.audit", "audit", false),
            ("sh?p", "shop", true),
            ("sh?p", "shop.orders", false),
            ("*", "", true),
            ("订单.*", "订单.支付", true),
        ] {
            assert_eq!(Pattern::new(pattern).names(logger), named, "{pattern} {logger}");
        }
    }
}
