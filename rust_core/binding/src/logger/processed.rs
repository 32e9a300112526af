//! Calls of this library's loggers, shown to processors.

use pyo3::prelude::*;
use pyo3::types::PyString;
use unified_logger_core::names;
use unified_logger_core::record::INLINE;

use crate::capture::{Call, CallLevel, LoggerIdentity};
use crate::context;
use crate::processors::{self, Changed, Original, Processed};

/// A call that processors have seen.
pub struct Seen<'py> {
    pub call: Call<'py>,
    /// Whether it is as it was made.
    pub is_unchanged: bool,
    logger: Option<String>,
    ids: [Option<Bound<'py, PyString>>; 2],
}

impl<'py> Seen<'py> {
    /// Shows a call to processors. `None` if one of them drops it.
    pub fn new(py: Python<'py>, call: Call<'py>, identity: &LoggerIdentity<'_>) -> Option<Self> {
        if !processors::see_calls(py) {
            return Some(Self { call, is_unchanged: true, logger: None, ids: [None, None] });
        }
        let call = call.merged(py);
        let context = identity.context(py);
        let original = Original {
            level: call.level.number,
            level_name: call.level.name.as_deref(),
            logger: identity.name,
            message: &call.message,
            exception: call.exception.as_ref(),
            context: context.as_ref(),
            fields: &call.fields,
        };
        match processors::process(py, &original) {
            Processed::Dropped => None,
            Processed::AsItWas => Some(Self { call, is_unchanged: true, logger: None, ids: [None, None] }),
            Processed::Changed(Changed { level, logger, message, exception, ids, fields }) => {
                let level = level.map_or(call.level, CallLevel::of);
                let call = Call { level, message, exception, fields, ..call };
                Some(Self { call, is_unchanged: false, logger, ids })
            }
        }
    }

    /// Writes the call: `work` gets it with the identity of its logger, in its context.
    pub fn write<R>(
        self,
        py: Python<'py>,
        identity: &LoggerIdentity<'_>,
        work: impl FnOnce(&Call<'py>, &LoggerIdentity<'_>) -> R,
    ) -> R {
        let Self { call, is_unchanged, logger, ids } = self;
        if is_unchanged {
            return work(&call, identity);
        }
        let number =
            logger.as_ref().map_or(identity.number, |name| names::here().logger(name.clone()).unwrap_or(INLINE));
        // Its fields are those of the call, of the logger and of the context.
        let identity = LoggerIdentity { number, name: logger.as_deref().unwrap_or(identity.name), bound: None };
        context::with_ids_alone(py, ids, || work(&call, &identity))
    }
}
