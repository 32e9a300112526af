//! Which records are those of AI.

use serde::{Deserialize, Serialize};

const AI_SEGMENTS: [&str; 3] = ["ai", "llm", "genai"];
const AI_NAMESPACE: &str = "gen_ai.";

/// Which loggers are those of AI.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AiLoggers {
    /// Names of loggers (and of all below them), or single segments of a name.
    pub names: Vec<String>,
    /// "ai" anywhere in a name, as the module before this library had it.
    pub legacy_substring: bool,
}

/// Whether a field of this name makes its record one of AI.
#[must_use]
pub fn is_ai_field(name: &str) -> bool {
    name.starts_with(AI_NAMESPACE)
}

pub(super) fn is_ai_logger(name: &str, ai: &AiLoggers) -> bool {
    name.split('.').any(|segment| AI_SEGMENTS.contains(&segment) || ai.names.iter().any(|known| known == segment))
        || ai
            .names
            .iter()
            .any(|known| name.strip_prefix(known.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('.')))
        || ai.legacy_substring && name.contains("ai")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ai_loggers_are_known_by_a_whole_segment() {
        let plain = AiLoggers::default();
        for (name, is_ai) in
            [("ai", true), ("app.ai", true), ("app.llm.chat", true), ("email", false), ("app.aim", false)]
        {
            assert_eq!(is_ai_logger(name, &plain), is_ai, "{name}");
        }
    }

    #[test]
    fn ai_loggers_can_be_named() {
        let named = AiLoggers { names: vec!["app.bot".into(), "prompts".into()], legacy_substring: false };
        for (name, is_ai) in [("app.bot", true), ("app.bot.x", true), ("app.bots", false), ("x.prompts.y", true)] {
            assert_eq!(is_ai_logger(name, &named), is_ai, "{name}");
        }
    }

    #[test]
    fn the_origins_rule_can_be_asked_for() {
        assert!(is_ai_logger("email", &AiLoggers { names: Vec::new(), legacy_substring: true }));
    }
}
