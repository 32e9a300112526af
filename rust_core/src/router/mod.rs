//! Which records go to which output.

mod ai;
mod named;
mod refusal;
mod selector;

use std::sync::Arc;

pub use ai::{AiLoggers, is_ai_field};
pub use named::Pattern;
pub use refusal::refusals;
pub use selector::Selector;

use crate::names::Names;
use crate::record::{Context, Record, Site, call_fields, context_fields, flag};
use crate::table::View;
use crate::value::Value;
use ai::is_ai_logger;

/// The outputs of one record: a bit for each, in the order of the router's selectors.
pub type Route = u64;
/// Outputs that a router can tell apart.
pub const OUTPUTS: usize = Route::BITS as usize;

#[derive(Debug)]
pub struct Router {
    names: Arc<Names>,
    outputs: Vec<Selector>,
    ai: AiLoggers,
    /// The outputs that take AI records only, or none of them, or ask for names of loggers, or for fields.
    only_ai: Route,
    never_ai: Route,
    by_logger: Route,
    by_fields: Route,
    by_thread: Route,
    patterns: Vec<Vec<Pattern>>,
    loggers: View<String, OfLogger>,
    sites: View<Site, ()>,
    /// The outputs that do not take a thread's records.
    threads: View<String, Route>,
}

/// What a logger's name decides.
#[derive(Clone, Copy, Debug)]
struct OfLogger {
    is_ai: bool,
    /// Outputs that do not take its records.
    refused: Route,
}

impl Router {
    /// A router of at most `OUTPUTS` outputs, for records of the process with these names.
    #[must_use]
    pub fn new(names: Arc<Names>, outputs: Vec<Selector>, ai: AiLoggers) -> Self {
        let having = |has: fn(&Selector) -> bool| {
            outputs.iter().enumerate().fold(0, |all, (index, output)| all | Route::from(has(output)) << index)
        };
        Self {
            names,
            only_ai: having(|output| output.ai == Some(true)),
            never_ai: having(|output| output.ai == Some(false)),
            by_logger: having(|output| output.loggers.is_some()),
            by_fields: having(Selector::asks_for_fields),
            by_thread: having(|output| output.except_threads.is_some()),
            patterns: outputs
                .iter()
                .map(|output| output.loggers.iter().flatten().map(|pattern| Pattern::new(pattern)).collect())
                .collect(),
            outputs,
            ai,
            loggers: View::new(),
            sites: View::new(),
            threads: View::new(),
        }
    }

    #[inline]
    pub fn route(&mut self, record: &Record<'_>) -> Route {
        let level = record.header.level;
        let mut route = 0;
        for (index, output) in self.outputs.iter().enumerate() {
            route |= Route::from(output.takes_level(level)) << index;
        }
        if route & (self.only_ai | self.never_ai | self.by_logger) != 0 {
            let of_logger = self.of_logger(record);
            let is_ai = of_logger.is_ai || record.header.flags & flag::AI != 0;
            route &= !(of_logger.refused | if is_ai { self.never_ai } else { self.only_ai });
        }
        if route & self.by_thread != 0 {
            route &= !self.refused_by_thread(record);
        }
        if route & self.by_fields != 0 {
            route &= !self.refused_by_fields(record, route & self.by_fields);
        }
        route
    }

    fn of_logger(&mut self, record: &Record<'_>) -> OfLogger {
        let Self { names, loggers, patterns, by_logger, ai, .. } = self;
        let of_name = |name: &str| OfLogger {
            is_ai: is_ai_logger(name, ai),
            refused: patterns.iter().enumerate().fold(0, |refused, (index, patterns)| {
                refused | Route::from(!patterns.iter().any(|pattern| pattern.names(name))) << index
            }) & *by_logger,
        };
        match record.logger {
            Some(name) => of_name(name),
            None => loggers
                .get(&names.loggers, record.header.logger, |name| of_name(name))
                .map_or(OfLogger { is_ai: false, refused: *by_logger }, |(_, known)| *known),
        }
    }

    fn refused_by_thread(&mut self, record: &Record<'_>) -> Route {
        let Self { names, outputs, threads, .. } = self;
        let of_name = |name: &str| {
            outputs.iter().enumerate().fold(0, |refused, (index, output)| {
                let is_excepted = output.except_threads.as_ref().is_some_and(|begins| name.starts_with(begins));
                refused | Route::from(is_excepted) << index
            })
        };
        match record.thread {
            Some(name) => of_name(name),
            None => threads
                .get(&names.threads, record.header.thread, |name| of_name(name))
                .map_or(0, |(_, refused)| *refused),
        }
    }

    /// Those of `asking` whose fields the record does not have.
    fn refused_by_fields(&mut self, record: &Record<'_>, asking: Route) -> Route {
        let site = self.sites.get(&self.names.sites, record.header.site, |_| ()).map(|(site, ())| Arc::clone(site));
        let site_names = site.iter().flat_map(|site| site.fields.iter().map(String::as_str));
        let (names, values) = call_fields(record, site_names);
        let context = record.context.and_then(Context::read);
        // As in the lines: the record's own ids, then the call's field of a name, then the context's.
        let find = |wanted: &str| {
            let id = context.as_ref().and_then(|context| match wanted {
                "trace_id" => context.trace_id,
                "span_id" => context.span_id,
                _ => None,
            });
            let of_call = || names.iter().position(|name| *name == wanted).map(|index| values[index]);
            let of_context =
                || context_fields(context.as_ref()?).find(|(name, _)| *name == wanted).map(|(_, value)| value);
            id.map(Value::Text).or_else(of_call).or_else(of_context)
        };
        let all = self.outputs.iter().enumerate().filter(|(index, _)| asking & 1 << index != 0);
        all.fold(0, |refused, (index, output)| refused | Route::from(!output.takes_fields(find)) << index)
    }
}

#[cfg(test)]
mod tests;
