//! Which records go to which output.

use std::sync::Arc;

use crate::level;
use crate::names::Names;
use crate::outputs::{AiLoggers, ConsoleSettings, FileKind, FileSettings};
use crate::record::{Record, flag};
use crate::table::View;

const AI_SEGMENTS: [&str; 3] = ["ai", "llm", "genai"];
const AI_NAMESPACE: &str = "gen_ai.";

/// The outputs of one record: a bit for each file, in the order of the settings, and one for the console.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Route {
    pub files: u8,
    pub console: bool,
}

#[derive(Debug)]
pub struct Router {
    names: Arc<Names>,
    files: Vec<(FileKind, i32)>,
    console: Option<i32>,
    ai: AiLoggers,
    loggers: View<String, bool>,
}

impl Router {
    #[must_use]
    pub fn new(names: Arc<Names>, files: &[FileSettings], console: Option<ConsoleSettings>, ai: AiLoggers) -> Self {
        Self {
            names,
            files: files.iter().map(|file| (file.kind, file.level)).collect(),
            console: console.map(|console| console.level),
            ai,
            loggers: View::new(),
        }
    }

    pub fn route(&mut self, record: &Record<'_>) -> Route {
        let level = record.header.level;
        let mut files = 0;
        for index in 0..self.files.len() {
            let (kind, least) = self.files[index];
            let takes = level >= least
                && match kind {
                    FileKind::App => true,
                    FileKind::Errors => level >= level::ERROR,
                    FileKind::Ai => self.is_ai(record),
                };
            files |= u8::from(takes) << index;
        }
        let console = record.header.flags & flag::CONSOLE_DONE == 0 && self.console.is_some_and(|least| level >= least);
        Route { files, console }
    }

    fn is_ai(&mut self, record: &Record<'_>) -> bool {
        let ai = &self.ai;
        record.header.flags & flag::AI != 0
            || match record.logger {
                Some(name) => is_ai_logger(name, ai),
                None => *self
                    .loggers
                    .get(&self.names.loggers, record.header.logger, |name| is_ai_logger(name, ai))
                    .map_or(&false, |(_, is_ai)| is_ai),
            }
    }
}

/// Whether a field of this name makes its record one of AI.
#[must_use]
pub fn is_ai_field(name: &str) -> bool {
    name.starts_with(AI_NAMESPACE)
}

fn is_ai_logger(name: &str, ai: &AiLoggers) -> bool {
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
