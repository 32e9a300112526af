//! Where lines have what searches ask for.

use super::Shape;
use super::member::{Id, Is, Member, OfError, OfLevel, OfSite};
use super::node::Node;
use super::presets::{PLAIN, PRESETS};
use crate::encoder::Process;

/// Keys of lines. A key inside an object follows the object's and a dot. `None` is what lines do not have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Told {
    pub time: Option<String>,
    /// Whether the time is nanoseconds since 1970, and no text with a date.
    pub is_number: bool,
    /// Of the name of the level, or of the severity that stands for it.
    pub level: Option<String>,
    pub logger: Option<String>,
    pub trace: Option<String>,
}

impl Shape {
    /// Where lines of this shape have what searches ask for.
    #[must_use]
    pub fn told(&self, of: &Process) -> Told {
        let mut told = Told::default();
        find("", &self.members(of), &mut told);
        told
    }
}

fn find(prefix: &str, members: &[(String, Node)], told: &mut Told) {
    for (key, node) in members {
        let path = if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") };
        let place = match node {
            Node::Object(inner) => {
                find(&path, inner, told);
                continue;
            }
            Node::Of(is) => match is {
                Is::Time => &mut told.time,
                Is::Nanoseconds => {
                    told.is_number = told.time.is_none();
                    &mut told.time
                }
                Is::Level(OfLevel::Name | OfLevel::LowerName | OfLevel::Severity(_)) => &mut told.level,
                Is::Logger => &mut told.logger,
                Is::Id(Id::Trace | Id::TraceOfProject) => &mut told.trace,
                _ => continue,
            },
            Node::Known(_) | Node::Fields => continue,
        };
        place.get_or_insert(path);
    }
}

/// What a member of a line holds, for those who read lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Holds {
    Time,
    Nanoseconds,
    /// The name of the level, or the severity that stands for it. Of several, the last one tells most.
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
    /// The whole exception.
    Exception,
    ErrorType,
    ErrorMessage,
    /// The text of an exception, as Python prints it.
    Traceback,
    Stack,
    Field,
    /// What is the same on all lines of a process, or tells again what others do.
    Aside,
    /// An object with such members, and what others in it are.
    Object(Vec<(&'static str, Holds)>, Box<Holds>),
}

/// The members of lines as they are, and of each preset.
pub fn layouts() -> impl Iterator<Item = Vec<(&'static str, Holds)>> {
    [&PLAIN].into_iter().chain(PRESETS).map(|preset| held(preset.members))
}

fn held(members: &[Member]) -> Vec<(&'static str, Holds)> {
    members.iter().filter(|member| !member.key.is_empty()).map(|member| (member.key, holds(member.is))).collect()
}

fn holds(is: Is) -> Holds {
    match is {
        Is::Time => Holds::Time,
        Is::Nanoseconds => Holds::Nanoseconds,
        Is::Level(OfLevel::OpenTelemetry) => Holds::Aside,
        Is::Level(_) => Holds::Level,
        Is::Logger => Holds::Logger,
        Is::Message => Holds::Message,
        Is::Site(OfSite::Module | OfSite::File) => Holds::Module,
        Is::Site(OfSite::Function) => Holds::Function,
        Is::Site(OfSite::Line) => Holds::Line,
        Is::Thread => Holds::Thread,
        Is::Process => Holds::Process,
        Is::Id(Id::Trace | Id::TraceOfProject) => Holds::Trace,
        Is::Id(Id::Span | Id::DecimalSpan) => Holds::Span,
        Is::Exception => Holds::Exception,
        Is::Error(OfError::Type | OfError::QualifiedType) => Holds::ErrorType,
        Is::Error(OfError::Message) => Holds::ErrorMessage,
        Is::Error(OfError::Traceback) => Holds::Traceback,
        Is::Stack => Holds::Stack,
        Is::Object(inner) => {
            let rest =
                if inner.iter().any(|member| matches!(member.is, Is::Fields)) { Holds::Field } else { Holds::Aside };
            Holds::Object(held(inner), Box::new(rest))
        }
        Is::Recovered | Is::Fields => Holds::Field,
        Is::Constant(_)
        | Is::Id(Id::DecimalTrace)
        | Is::Error(OfError::Fingerprint | OfError::Constant(_))
        | Is::OfProcess(..)
        | Is::ProcessFields
        | Is::ProcessTexts => Holds::Aside,
    }
}
