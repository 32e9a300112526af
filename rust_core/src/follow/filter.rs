//! Which lines a reader wants.

use std::fmt::Debug;
use std::sync::Arc;

use super::seen::Seen;
use crate::archive::{Index, Query};

/// Lines for which all of it holds. The default is every line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// The first time, in nanoseconds since 1970 UTC.
    pub from: Option<i64>,
    /// The time before which records end.
    pub until: Option<i64>,
    /// The least level.
    pub level: Option<i32>,
    /// Numbers of levels that a program has named, by these names.
    pub levels: Vec<(String, i32)>,
    /// Names of loggers, of which any may be that of a record. Each has its children with it. Empty for all.
    pub loggers: Vec<String>,
    /// The id of a trace.
    pub trace: Option<String>,
    /// Whether that is the beginning of the id. No index tells of those.
    pub trace_is_start: bool,
    /// A text that stands in the line.
    pub text: Option<String>,
    /// What is asked of a line besides.
    pub wanted: Wanted,
}

/// Asks something of a line.
pub trait Sieve: Debug + Send + Sync {
    fn lets_through(&self, seen: &Seen<'_>) -> bool;
}

/// What is asked of lines, all of which must let a line through.
#[derive(Clone, Debug, Default)]
pub struct Wanted(pub Vec<Arc<dyn Sieve>>);

impl Wanted {
    pub fn lets_through(&self, seen: &Seen<'_>) -> bool {
        self.0.iter().all(|sieve| sieve.lets_through(seen))
    }
}

impl PartialEq for Wanted {
    fn eq(&self, other: &Self) -> bool {
        self.0.len() == other.0.len() && self.0.iter().zip(&other.0).all(|(one, other)| Arc::ptr_eq(one, other))
    }
}

impl Eq for Wanted {}

impl Filter {
    /// Whether anything is asked that a line must be understood for.
    #[must_use]
    pub const fn asks(&self) -> bool {
        self.asks_index() || self.trace.is_some()
    }

    /// Whether an index may tell where there is nothing wanted.
    #[must_use]
    pub const fn asks_index(&self) -> bool {
        self.needs_time()
            || self.level.is_some()
            || self.trace.is_some() && !self.trace_is_start
            || !self.loggers.is_empty()
    }

    #[must_use]
    pub const fn needs_time(&self) -> bool {
        self.from.is_some() || self.until.is_some()
    }

    #[must_use]
    pub fn is_time(&self, time: i64) -> bool {
        self.from.is_none_or(|from| time >= from) && self.until.is_none_or(|until| time < until)
    }

    #[must_use]
    pub fn is_level(&self, level: i32) -> bool {
        self.level.is_none_or(|least| level >= least)
    }

    #[must_use]
    pub fn is_logger(&self, name: &str) -> bool {
        let is_below =
            |wanted: &String| name.strip_prefix(&**wanted).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
        self.loggers.is_empty() || self.loggers.iter().any(is_below)
    }

    /// Ids that Google's lines have stand behind a path.
    #[must_use]
    pub fn is_trace(&self, id: &[u8]) -> bool {
        self.trace.as_ref().is_none_or(|trace| {
            let trace = trace.as_bytes();
            if self.trace_is_start {
                let own = memchr::memrchr(b'/', id).map_or(id, |slash| &id[slash + 1..]);
                return own.starts_with(trace);
            }
            id == trace || id.strip_suffix(trace).is_some_and(|path| path.ends_with(b"/"))
        })
    }

    /// The numbers of the parts of a file that may hold wanted lines.
    #[must_use]
    pub fn parts(&self, index: &Index) -> Vec<usize> {
        let is_logger = |name: &str| self.is_logger(name);
        index.find(&Query {
            from: self.from,
            until: self.until,
            level: self.level,
            levels: &self.levels,
            logger: (!self.loggers.is_empty()).then_some(&is_logger),
            trace: self.trace.as_deref().filter(|_| !self.trace_is_start),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_logger_has_its_children_with_it() {
        let filter = Filter { loggers: vec!["shop.a".into(), "x".into()], ..Filter::default() };
        for (name, is_wanted) in
            [("shop.a", true), ("shop.a.b", true), ("shop.ab", false), ("shop", false), ("x.y", true)]
        {
            assert_eq!(filter.is_logger(name), is_wanted, "{name}");
        }
    }

    #[test]
    fn a_trace_is_found_behind_a_path() {
        let filter = Filter { trace: Some("abc".into()), ..Filter::default() };
        for (id, is_wanted) in [("abc", true), ("projects/shop/traces/abc", true), ("xabc", false), ("abcd", false)] {
            assert_eq!(filter.is_trace(id.as_bytes()), is_wanted, "{id}");
        }
        let filter = Filter { trace_is_start: true, ..filter };
        for (id, is_wanted) in [("abcd", true), ("projects/shop/traces/abcd", true), ("xabc", false), ("ab", false)] {
            assert_eq!(filter.is_trace(id.as_bytes()), is_wanted, "{id}");
        }
    }
}
