//! Datadog: its reserved and standard attributes.

use super::Preset;
use crate::encoder::shape::member::{Id, Is, OfError, OfLevel, OfSite, member};

const STATUSES: &[(i32, &str)] = &[
    (i32::MIN, "debug"),
    (20, "info"),
    (25, "notice"),
    (30, "warning"),
    (40, "error"),
    (50, "critical"),
    (60, "alert"),
    (70, "emergency"),
];

pub const DATADOG: Preset = Preset {
    name: "datadog",
    members: &[
        member("timestamp", Is::Time),
        member("status", Is::Level(OfLevel::Severity(STATUSES))),
        member("level", Is::Level(OfLevel::OtherName)),
        member("message", Is::Message),
        member(
            "logger",
            Is::Object(&[
                member("name", Is::Logger),
                member("thread_name", Is::Thread),
                member("method_name", Is::Site(OfSite::Function)),
            ]),
        ),
        member("module", Is::Site(OfSite::Module)),
        member("line", Is::Site(OfSite::Line)),
        member("process", Is::Process),
        member("ddsource", Is::Constant("\"python\"")),
        member("service", Is::OfProcess("service", "")),
        member("dd.env", Is::OfProcess("env", "")),
        member("dd.version", Is::OfProcess("version", "")),
        member("host", Is::OfProcess("host", "")),
        member("pod_name", Is::OfProcess("pod", "")),
        member("kube_namespace", Is::OfProcess("namespace", "")),
        member("", Is::ProcessFields),
        member("dd.trace_id", Is::Id(Id::DecimalTrace)),
        member("dd.span_id", Is::Id(Id::DecimalSpan)),
        member("otel.trace_id", Is::Id(Id::Trace)),
        member("recovered", Is::Recovered),
        member(
            "error",
            Is::Object(&[
                member("kind", Is::Error(OfError::Type)),
                member("message", Is::Error(OfError::Message)),
                member("stack", Is::Error(OfError::Traceback)),
                member("fingerprint", Is::Error(OfError::Fingerprint)),
            ]),
        ),
        member("stack", Is::Stack),
        member("", Is::Fields),
    ],
    fields: &[],
};
