//! Which parts of a file may hold what a search looks for.

use super::filter::{key_in_part, trace_key};
use super::{Index, Part};

/// What a search looks for: lines for which all of it holds. The default is every line.
#[derive(Clone, Copy, Default)]
pub struct Query<'q> {
    /// The first time, in nanoseconds since 1970 UTC.
    pub from: Option<i64>,
    /// The time before which lines end.
    pub until: Option<i64>,
    /// The least level.
    pub level: Option<i32>,
    /// Numbers of levels by these names, which count in place of those that the index tells.
    pub levels: &'q [(String, i32)],
    /// Whether a logger of this name is looked for.
    pub logger: Option<&'q dyn Fn(&str) -> bool>,
    /// The id of a trace.
    pub trace: Option<&'q str>,
}

impl std::fmt::Debug for Query<'_> {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let logger = self.logger.map(|_| "…");
        write!(out, "Query {:?}", (self.from, self.until, self.level, logger, self.trace))
    }
}

impl Index {
    /// The numbers of the parts that may hold lines of a search. No other part holds any.
    ///
    /// A line that is longer than a part is in several of them, and all of these are named.
    #[must_use]
    pub fn find(&self, query: &Query<'_>) -> Vec<usize> {
        let number_of = |(name, told): &(String, Option<i32>)| {
            let given = query.levels.iter().find(|(given, _)| given.eq_ignore_ascii_case(name));
            given.map(|(_, number)| *number).or(*told)
        };
        let levels: Option<Vec<bool>> = query.level.map(|least| {
            self.levels.iter().map(|level| number_of(level).is_none_or(|number| number >= least)).collect()
        });
        let loggers: Option<Vec<bool>> =
            query.logger.map(|is_wanted| self.loggers.iter().map(|name| is_wanted(name)).collect());
        let candidates = self.parts.iter().enumerate().filter(|(_, part)| {
            Self::may_hold_time(part, query)
                && levels.as_ref().is_none_or(|wanted| {
                    part.unknown.level > 0 || self.level_counts(part).any(|(number, _)| wanted[number])
                })
                && loggers.as_ref().is_none_or(|wanted| {
                    part.unknown.logger > 0 || self.logger_counts(part).any(|(number, _)| wanted[number])
                })
        });
        let mut found: Vec<usize> = candidates.map(|(number, _)| number).collect();
        if let Some(trace) = query.trace {
            self.keep_trace(&mut found, trace);
        }
        found
    }

    fn may_hold_time(part: &Part, query: &Query<'_>) -> bool {
        part.unknown.time > 0
            || match part.times {
                Some((least, most)) => {
                    query.from.is_none_or(|from| most >= from) && query.until.is_none_or(|until| least < until)
                }
                // It has no line: all of it belongs to one that began before it.
                None => part.lines == 0 || (query.from.is_none() && query.until.is_none()),
            }
    }

    /// Keeps the parts that may hold a trace.
    fn keep_trace(&self, found: &mut Vec<usize>, trace: &str) {
        let trace = trace_key(trace.as_bytes());
        let mut groups = self.groups.iter().peekable();
        found.retain(|number| {
            while groups.next_if(|group| group.parts.end <= *number).is_some() {}
            let part = &self.parts[*number];
            part.unknown.trace > 0
                || part.has_traces
                    && groups.peek().is_none_or(|group| {
                        !group.parts.contains(number)
                            || group.shape.may_hold(&self.body[group.fingerprints.clone()], key_in_part(trace, *number))
                    })
        });
    }
}
