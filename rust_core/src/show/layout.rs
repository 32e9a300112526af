//! What the members of a line are: of a record, of a preset, and of programs that name them in other usual ways.

use std::sync::LazyLock;

use crate::encoder::{Holds, layouts};

/// What a member holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slot {
    Time,
    Nanoseconds,
    Level,
    Logger,
    Message,
    Module,
    Function,
    Line,
    Thread,
    Process,
    Trace,
    Span,
    Exception,
    ErrorType,
    ErrorMessage,
    Traceback,
    Stack,
    Field,
    /// What people are not shown.
    Aside,
}

/// How many there are.
pub const SLOTS: usize = Slot::Aside as usize + 1;

impl Slot {
    /// `None` for an object with members of its own.
    const fn of(holds: &Holds) -> Option<Self> {
        Some(match holds {
            Holds::Time => Self::Time,
            Holds::Nanoseconds => Self::Nanoseconds,
            Holds::Level => Self::Level,
            Holds::Logger => Self::Logger,
            Holds::Message => Self::Message,
            Holds::Module => Self::Module,
            Holds::Function => Self::Function,
            Holds::Line => Self::Line,
            Holds::Thread => Self::Thread,
            Holds::Process => Self::Process,
            Holds::Trace => Self::Trace,
            Holds::Span => Self::Span,
            Holds::Exception => Self::Exception,
            Holds::ErrorType => Self::ErrorType,
            Holds::ErrorMessage => Self::ErrorMessage,
            Holds::Traceback => Self::Traceback,
            Holds::Stack => Self::Stack,
            Holds::Field => Self::Field,
            Holds::Aside => Self::Aside,
            Holds::Object(..) => return None,
        })
    }
}

/// The members of an object by their keys, and what the others are.
#[derive(Debug)]
pub struct Level {
    members: Vec<(&'static str, Is)>,
    rest: Slot,
}

/// What a member is.
#[derive(Debug)]
pub enum Is {
    Value(Slot),
    /// An object with members of its own.
    Inside(Level),
}

impl Level {
    fn of(members: Vec<(&'static str, Holds)>, rest: &Holds) -> Self {
        let is = |holds| match (Slot::of(&holds), holds) {
            (Some(slot), _) => Is::Value(slot),
            (None, Holds::Object(inner, rest)) => Is::Inside(Self::of(inner, &rest)),
            (None, _) => Is::Value(Slot::Field),
        };
        Self {
            members: members.into_iter().map(|(key, holds)| (key, is(holds))).collect(),
            rest: Slot::of(rest).unwrap_or(Slot::Field),
        }
    }

    /// What the member of a key is; `None` for one that has no name here.
    pub fn get(&self, key: &str) -> Option<&Is> {
        self.members.iter().find(|(known, _)| *known == key).map(|(_, is)| is)
    }

    /// What the members are that have no names here.
    pub const fn rest(&self) -> Slot {
        self.rest
    }

    /// As `get`, of a path whose keys are joined by dots.
    pub fn at(&self, path: &str) -> Option<&Is> {
        self.get(path).or_else(|| {
            path.match_indices('.').find_map(|(dot, _)| match self.get(&path[..dot])? {
                Is::Inside(level) => level.at(&path[dot + 1..]),
                Is::Value(_) => None,
            })
        })
    }
}

/// Names that other programs give.
const OTHERS: [(&str, Holds); 25] = [
    ("time", Holds::Time),
    ("ts", Holds::Time),
    ("timestamp", Holds::Time),
    ("@timestamp", Holds::Time),
    ("asctime", Holds::Time),
    ("date", Holds::Time),
    ("level", Holds::Level),
    ("lvl", Holds::Level),
    ("severity", Holds::Level),
    ("levelname", Holds::Level),
    ("log.level", Holds::Level),
    ("logger", Holds::Logger),
    ("logger_name", Holds::Logger),
    ("name", Holds::Logger),
    ("message", Holds::Message),
    ("msg", Holds::Message),
    ("event", Holds::Message),
    ("trace_id", Holds::Trace),
    ("traceId", Holds::Trace),
    ("span_id", Holds::Span),
    ("spanId", Holds::Span),
    ("exc_info", Holds::Traceback),
    ("exception", Holds::Exception),
    ("stack_trace", Holds::Traceback),
    ("stack_info", Holds::Stack),
];

/// The layouts that lines may have. The first is that of a record, the last that of other programs.
pub static KNOWN: LazyLock<Vec<Level>> = LazyLock::new(|| {
    let others = Level::of(OTHERS.to_vec(), &Holds::Field);
    layouts().map(|members| Level::of(members, &Holds::Field)).chain([others]).collect()
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_found_by_their_keys_and_by_paths() {
        let [record, .., others] = &KNOWN[..] else { panic!() };
        assert!(matches!(record.get("message"), Some(Is::Value(Slot::Message))));
        assert!(record.get("order_id").is_none() && record.rest() == Slot::Field);
        assert!(matches!(others.get("msg"), Some(Is::Value(Slot::Message))));
        let nested = |path: &str| KNOWN.iter().find_map(|level| level.at(path).filter(|_| level.get(path).is_none()));
        assert!(matches!(nested("logger.name"), Some(Is::Value(Slot::Logger))));
        assert!(matches!(nested("Attributes.exception.stacktrace"), Some(Is::Value(Slot::Traceback))));
        assert!(nested("logger.nothing").is_none());
    }
}
