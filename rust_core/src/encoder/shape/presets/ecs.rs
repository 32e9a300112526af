//! Elastic Common Schema, as ecs-logging specifies it: its first three keys come first, and `log.level` is not nested.

use super::Preset;
use crate::encoder::shape::member::{Id, Is, OfError, OfLevel, OfSite, member};

pub const ECS: Preset = Preset {
    name: "ecs",
    members: &[
        member("@timestamp", Is::Time),
        member("log.level", Is::Level(OfLevel::LowerName)),
        member("message", Is::Message),
        member("ecs.version", Is::Constant("\"1.6.0\"")),
        member("log.logger", Is::Logger),
        member("log.origin.file.name", Is::Site(OfSite::File)),
        member("log.origin.file.line", Is::Site(OfSite::Line)),
        member("log.origin.function", Is::Site(OfSite::Function)),
        member("process.thread.name", Is::Thread),
        member("process.pid", Is::Process),
        member("service.name", Is::OfProcess("service", "")),
        member("service.version", Is::OfProcess("version", "")),
        member("service.environment", Is::OfProcess("env", "")),
        member("host.name", Is::OfProcess("host", "")),
        member("kubernetes.pod.name", Is::OfProcess("pod", "")),
        member("kubernetes.namespace", Is::OfProcess("namespace", "")),
        member("kubernetes.node.name", Is::OfProcess("node", "")),
        member("cloud.account.id", Is::OfProcess("project", "")),
        member("event.dataset", Is::OfProcess("service", ".log")),
        member("", Is::ProcessFields),
        member("trace.id", Is::Id(Id::Trace)),
        member("span.id", Is::Id(Id::Span)),
        member("recovered", Is::Recovered),
        member("error.type", Is::Error(OfError::Type)),
        member("error.message", Is::Error(OfError::Message)),
        member("error.stack_trace", Is::Error(OfError::Traceback)),
        member("error.fingerprint", Is::Error(OfError::Fingerprint)),
        member("stack", Is::Stack),
        member("", Is::Fields),
    ],
    // These names are objects of the schema.
    fields: &[("client", "client.address"), ("user_agent", "user_agent.original"), ("host", "server.address")],
};
