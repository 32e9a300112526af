//! Google Cloud Logging: its agent takes the special keys out of the line, and Error Reporting reads the text of an exception.

use super::Preset;
use crate::encoder::shape::member::{Id, Is, OfError, OfLevel, OfSite, member};

const SEVERITIES: &[(i32, &str)] = &[
    (i32::MIN, "DEFAULT"),
    (1, "DEBUG"),
    (20, "INFO"),
    (25, "NOTICE"),
    (30, "WARNING"),
    (40, "ERROR"),
    (50, "CRITICAL"),
    (60, "ALERT"),
    (70, "EMERGENCY"),
];
/// Error Reporting takes a line of this type whether or not it recognises the language of the traceback.
const REPORTED_ERROR: &str = "\"type.googleapis.com/google.devtools.clouderrorreporting.v1beta1.ReportedErrorEvent\"";

pub const GCP: Preset = Preset {
    name: "gcp",
    members: &[
        member("time", Is::Time),
        member("severity", Is::Level(OfLevel::Severity(SEVERITIES))),
        member("level", Is::Level(OfLevel::OtherName)),
        member("message", Is::Message),
        member(
            "logging.googleapis.com/sourceLocation",
            Is::Object(&[
                member("file", Is::Site(OfSite::File)),
                member("line", Is::Site(OfSite::Line)),
                member("function", Is::Site(OfSite::Function)),
            ]),
        ),
        member("thread", Is::Thread),
        member("process", Is::Process),
        member(
            "serviceContext",
            Is::Object(&[
                member("service", Is::OfProcess("service", "")),
                member("version", Is::OfProcess("version", "")),
            ]),
        ),
        member(
            "logging.googleapis.com/labels",
            Is::Object(&[member("python_logger", Is::Logger), member("", Is::ProcessTexts)]),
        ),
        member("logging.googleapis.com/trace", Is::Id(Id::TraceOfProject)),
        member("logging.googleapis.com/spanId", Is::Id(Id::Span)),
        member("recovered", Is::Recovered),
        member("@type", Is::Error(OfError::Constant(REPORTED_ERROR))),
        member("stack_trace", Is::Error(OfError::Traceback)),
        member("error_fingerprint", Is::Error(OfError::Fingerprint)),
        member("stack", Is::Stack),
        member("", Is::Fields),
    ],
    fields: &[],
};
