//! Lines that Python asks for one by one: in the shape that the last start has given them, with the fields of the process.

use std::sync::Arc;

use unified_logger_core::encoder::{Fields, Format, Lines, Process, Shape, Whose};
use unified_logger_core::forks;
use unified_logger_core::record::Record;
use unified_logger_core::redaction::Rules;

use pyo3::prelude::*;

use crate::interpreter::gil::Gil;

/// What these lines look like.
#[derive(Debug, Default)]
struct Look {
    shape: Shape,
    fields: Fields,
}

/// `None` before a start.
static LOOK: Gil<Option<Arc<Look>>> = Gil::new(None);

/// Sets what lines look like from now on.
pub fn follow(py: Python<'_>, shape: Shape, fields: Fields) {
    drop(LOOK.replace(py, Some(Arc::new(Look { shape, fields }))));
}

fn look(py: Python<'_>) -> Option<Arc<Look>> {
    // SAFETY: looked at only.
    unsafe { &*LOOK.get(py) }.clone()
}

/// Which lines are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// With the record's own keys, and nothing of the process.
    Plain,
    /// As the last start has configured them.
    Configured,
}

/// Encoders of such lines, made again when another process or another start is to be named.
#[derive(Debug, Default)]
pub struct OwnLines([Option<Made>; 2]);

#[derive(Debug)]
struct Made {
    forks: u32,
    look: Option<Arc<Look>>,
    lines: Lines,
}

impl OwnLines {
    pub const fn new() -> Self {
        Self([None, None])
    }

    /// Appends the line of a record without secrets, and returns how many were replaced. A fork must have been noticed before.
    pub fn encode(
        &mut self,
        py: Python<'_>,
        wanted: Wanted,
        rules: Option<&Arc<Rules>>,
        record: &Record<'_>,
        line: &mut Vec<u8>,
    ) -> u64 {
        let look = if wanted == Wanted::Configured { look(py) } else { None };
        let made = &mut self.0[wanted as usize];
        let is_current = |made: &Made| {
            made.forks == forks::count() && made.look.as_ref().map(Arc::as_ptr) == look.as_ref().map(Arc::as_ptr)
        };
        if !made.as_ref().is_some_and(is_current) {
            let (shape, fields) = look.as_ref().map(|look| (look.shape.clone(), &look.fields)).unzip();
            let process = Process::here().with_fields(fields.unwrap_or(&Fields::default()));
            let lines = Lines::new(&process, rules.cloned(), &[&Format::Json(shape.unwrap_or_default())]);
            *made = Some(Made { forks: forks::count(), look, lines });
        }
        let Some(Made { lines, .. }) = made else { return 0 };
        lines.encode(record, Whose::Application, 1, 0);
        line.extend_from_slice(lines.of(0));
        lines.take_redacted()
    }
}
