//! OpenTelemetry: the names of its data model for logs, and of its semantic conventions inside of it.

use super::Preset;
use crate::encoder::shape::member::{Id, Is, OfError, OfLevel, OfSite, member};

pub const OTEL: Preset = Preset {
    name: "otel",
    members: &[
        member("Timestamp", Is::Nanoseconds),
        member("SeverityText", Is::Level(OfLevel::Name)),
        member("SeverityNumber", Is::Level(OfLevel::OpenTelemetry)),
        member("Body", Is::Message),
        member("InstrumentationScope", Is::Object(&[member("Name", Is::Logger)])),
        member(
            "Resource",
            Is::Object(&[
                member("service.name", Is::OfProcess("service", "")),
                member("service.version", Is::OfProcess("version", "")),
                member("deployment.environment.name", Is::OfProcess("env", "")),
                member("host.name", Is::OfProcess("host", "")),
                member("k8s.pod.name", Is::OfProcess("pod", "")),
                member("k8s.namespace.name", Is::OfProcess("namespace", "")),
                member("k8s.node.name", Is::OfProcess("node", "")),
                member("cloud.account.id", Is::OfProcess("project", "")),
                member("", Is::ProcessFields),
                member("process.pid", Is::Process),
            ]),
        ),
        member("TraceId", Is::Id(Id::Trace)),
        member("SpanId", Is::Id(Id::Span)),
        member(
            "Attributes",
            Is::Object(&[
                member("code.file.path", Is::Site(OfSite::File)),
                member("code.function.name", Is::Site(OfSite::Function)),
                member("code.line.number", Is::Site(OfSite::Line)),
                member("thread.name", Is::Thread),
                member("recovered", Is::Recovered),
                member("exception.type", Is::Error(OfError::QualifiedType)),
                member("exception.message", Is::Error(OfError::Message)),
                member("exception.stacktrace", Is::Error(OfError::Traceback)),
                member("exception.fingerprint", Is::Error(OfError::Fingerprint)),
                member("code.stacktrace", Is::Stack),
                member("", Is::Fields),
            ]),
        ),
    ],
    fields: &[],
};
