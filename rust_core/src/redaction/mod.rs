//! Redaction: secrets are replaced behind the queue, before any encoder sees the record.
//!
//! A record is rewritten in its compact form, so that every encoder and every sink gets the same, and none can be
//! forgotten. Parts that repeat are searched once: messages and names of call sites, and contexts of requests.

mod action;
pub mod braces;
mod builtin;
mod card;
mod extent;
mod json;
mod keys;
mod kinds;
mod markup;
mod named;
mod pairs;
mod patterns;
mod record;
mod scanner;
mod spec;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod texts;
mod view;
mod work;

use std::fmt;
use std::sync::Arc;

pub use keys::{KEYS, Treatment};
pub use named::without_secrets;
pub use patterns::names as pattern_names;
pub use record::Redactor;
pub use scanner::{Replaced, Scanner};
pub use spec::{Action, HashKey, Spec, Wrong};

use action::Replacer;
use keys::Keys;
use patterns::Patterns;

/// Bytes of a configuration: a black box has room for so much.
const SPEC: usize = 16 << 10;

/// Rules, compiled once and shared.
pub struct Rules {
    spec: Spec,
    keys: Keys,
    patterns: Patterns,
    replacer: Replacer,
}

/// As they were configured: compiled they are hundreds of lines.
impl fmt::Debug for Rules {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.spec.fmt(formatter)
    }
}

impl Rules {
    /// Compiles rules.
    ///
    /// # Errors
    /// When something in them is not as it must be.
    pub fn new(spec: Spec) -> Result<Arc<Self>, Wrong> {
        let bytes = serde_json::to_vec(&spec).map_or(usize::MAX, |json| json.len());
        if bytes > SPEC {
            let allowed = format!("at most {SPEC} bytes of names and expressions in all");
            return Err(Wrong::new("redaction", format!("{bytes} bytes"), allowed));
        }
        let (keys, patterns) = (Keys::new(&spec), Patterns::new(&spec)?);
        let is_rule = |rule: &str| {
            matches!(rule, "keys" | "allow" | builtin::PAIRS)
                || patterns.rules.iter().any(|known| known.name == rule)
                || keys.has(rule)
        };
        let uses = |rule: &str, action: Action| {
            Wrong::new(rule, format!("{action:?}").to_lowercase(), "used with a redaction_hash_key")
        };
        for (rule, action) in &spec.actions {
            if !is_rule(rule) {
                let allowed = "for keys, allow, a pattern that is looked for, or a key that is redacted";
                return Err(Wrong::new(
                    format!("redaction.actions.{rule}"),
                    format!("{action:?}").to_lowercase(),
                    allowed,
                ));
            }
            if *action == Action::Hash && spec.hash_key.is_none() {
                return Err(uses(&format!("redaction.actions.{rule}"), *action));
            }
        }
        if spec.action == Action::Hash && spec.hash_key.is_none() {
            return Err(uses("redaction.action", spec.action));
        }
        let replacer = Replacer::new(spec.hash_key.as_ref().map(|key| key.0.as_str()));
        Ok(Arc::new(Self { spec, keys, patterns, replacer }))
    }

    /// The specification that the rules were compiled from.
    #[must_use]
    pub fn spec(&self) -> &Spec {
        &self.spec
    }

    /// The treatment of the value of a field with this name.
    #[must_use]
    pub fn of_field(&self, name: &str) -> Treatment {
        self.keys.of_field(name)
    }
}
