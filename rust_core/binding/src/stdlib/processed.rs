//! Records of `logging`, shown to processors.

use std::sync::Arc;

use pyo3::prelude::*;
use unified_logger_core::names;
use unified_logger_core::record::INLINE;
use unified_logger_core::redaction::Rules;
use unified_logger_core::slab::Buffer;

use super::call_site::RecordSite;
use super::parts::{self, LogRecordParts};
use crate::context;
use crate::interpreter::made::{self, OrGiveUp};
use crate::processors::{self, Changed, Original, Processed};

impl<'py> LogRecordParts<'py> {
    /// Builds the record once processors have seen it. `None` if one of them drops it.
    pub fn build_processed(
        mut self,
        py: Python<'py>,
        rules: impl FnOnce() -> Option<Arc<Rules>> + Copy,
    ) -> Option<Buffer> {
        let (text, notes) = parts::merged(py, self.message.as_ref(), self.arguments.as_ref(), rules);
        self.message = Some(made::text(py, &text).or_give_up().into_any());
        self.arguments = None;
        for (name, note) in &notes {
            self.fields
                .push((made::interned(py, name).or_give_up().into_any(), made::text(py, note).or_give_up().into_any()));
        }
        let logger = match names::here().loggers.get(self.logger) {
            Some(name) if self.logger != INLINE => Arc::clone(name),
            _ => Arc::new(self.name.clone()),
        };
        let context = context::current(py);
        let processed = {
            let message = self.message.as_ref()?;
            processors::process(
                py,
                &Original {
                    level: self.level,
                    level_name: self.level_name.as_deref(),
                    logger: &logger,
                    message,
                    exception: self.exception.as_ref(),
                    context: context.as_ref(),
                    fields: &self.fields,
                },
            )
        };
        match processed {
            Processed::Dropped => None,
            Processed::AsItWas => {
                if !notes.is_empty() {
                    self.forget_fields_of_site();
                }
                Some(self.build(py, rules))
            }
            Processed::Changed(Changed { level, logger, message, exception, ids, fields }) => {
                if let Some(level) = level {
                    (self.level, self.level_name) = (level, None);
                }
                if let Some(name) = logger {
                    self.logger = names::here().logger(name.clone()).unwrap_or(INLINE);
                    self.name = name;
                }
                self.message = Some(message);
                self.exception = exception;
                self.fields = fields;
                self.forget_fields_of_site();
                Some(context::with_ids_alone(py, ids, || self.build(py, rules)))
            }
        }
    }

    /// The fields are no longer those that the call site has.
    fn forget_fields_of_site(&mut self) {
        self.site = RecordSite { fast: None, bare: self.site.bare };
    }
}
