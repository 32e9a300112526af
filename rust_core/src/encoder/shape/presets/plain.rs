//! The record as its page has it: what stands where no preset does.

use super::Preset;
use crate::encoder::shape::member::{Id, Is, OfLevel, OfSite, member};

pub const PLAIN: Preset = Preset {
    name: "",
    members: &[
        member("timestamp", Is::Time),
        member("level", Is::Level(OfLevel::Name)),
        member("logger", Is::Logger),
        member("message", Is::Message),
        member("module", Is::Site(OfSite::Module)),
        member("function", Is::Site(OfSite::Function)),
        member("line", Is::Site(OfSite::Line)),
        member("thread", Is::Thread),
        member("process", Is::Process),
        member("", Is::ProcessFields),
        member("trace_id", Is::Id(Id::Trace)),
        member("span_id", Is::Id(Id::Span)),
        member("recovered", Is::Recovered),
        member("exception", Is::Exception),
        member("stack", Is::Stack),
        member("", Is::Fields),
    ],
    fields: &[],
};
