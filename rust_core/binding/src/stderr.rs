//! The console where `sys.stderr` is not the process's own: notebooks, test runners, redirected streams. The line is
//! encoded here and written to that object on the calling thread; the writer thread never touches Python.

use pyo3::prelude::*;
use unified_logger_core::config::ConsoleFormat;
use unified_logger_core::encoder::{ConsoleEncoder, JsonEncoder};
use unified_logger_core::record::{self, Record, flag};
use unified_logger_core::slab::Buffer;

use crate::ending;
use crate::gil::Gil;
use crate::gil::intern;
use crate::interrupt;
use crate::runtime;
use crate::watch::{Kind, Watched};

struct Known {
    watched: Watched,
    foreign: bool,
}

static KNOWN: Gil<Option<Known>> = Gil::new(None);
static ENCODERS: Gil<Option<Box<(ConsoleEncoder, JsonEncoder)>>> = Gil::new(None);

/// Whether a record of this level is to be shown on a stream of Python's.
#[inline]
pub fn wants(py: Python<'_>, level: i32) -> bool {
    // SAFETY: looked at only.
    let foreign = match unsafe { &*KNOWN.get(py) } {
        Some(known) if known.watched.is_unchanged() => known.foreign && !ending::is_here(py),
        _ => look(py),
    };
    foreign
        && runtime::engine(py)
            .and_then(|engine| engine.settings().console)
            .is_some_and(|console| level >= console.level)
}

#[cold]
fn look(py: Python<'_>) -> bool {
    if ending::is_here(py) {
        return false;
    }
    let asked = (|| {
        let sys = py.import(intern!(py, "sys"))?;
        let watched = Watched::new(Kind::Stderr, vec![sys.dict()]);
        let stream = sys.getattr(intern!(py, "stderr"))?;
        // Without a stream the process's own is still there.
        let foreign = !stream.is_none()
            && stream
                .call_method0(intern!(py, "fileno"))
                .and_then(|number| number.extract::<i32>())
                .inspect_err(|error| interrupt::hold(py, error))
                .map_or(true, |number| number != 2);
        PyResult::Ok(Known { watched, foreign })
    })();
    let known = match asked {
        Ok(known) => known,
        Err(error) => {
            interrupt::hold(py, &error);
            return false;
        }
    };
    let foreign = known.foreign;
    // SAFETY: replaced at once; the old one is dropped after.
    let old = unsafe { (*KNOWN.get(py)).replace(known) };
    drop(old);
    foreign
}

/// Writes the record to `sys.stderr` and marks it as shown. What goes wrong there is the stream's affair.
#[cold]
pub fn show(py: Python<'_>, buffer: &mut Buffer) {
    let Some(console) = runtime::engine(py).and_then(|engine| engine.settings().console) else { return };
    record::add_flags(buffer.as_mut_slice(), flag::CONSOLE_DONE);
    let mut line = Vec::new();
    // SAFETY: encoding runs no Python code; captured records hold UTF-8 texts.
    unsafe {
        let encoders =
            (*ENCODERS.get(py)).get_or_insert_with(|| Box::new((ConsoleEncoder::new(false), JsonEncoder::default())));
        let Some(record) = Record::read(buffer.as_slice()) else { return };
        match console.format {
            ConsoleFormat::Text { .. } => encoders.0.encode(&record, &mut line),
            ConsoleFormat::Json => encoders.1.encode(&record, &mut line),
        }
    }
    let written = (|| {
        let stream = py.import(intern!(py, "sys"))?.getattr(intern!(py, "stderr"))?;
        stream.call_method1(intern!(py, "write"), (String::from_utf8_lossy(&line),))?;
        PyResult::Ok(())
    })();
    if let Err(error) = written {
        interrupt::hold(py, &error);
        runtime::STATS.console_dropped.add(1);
    }
}

/// A forked child's encoders name its own process.
pub fn after_fork_in_child(py: Python<'_>) {
    // SAFETY: no Python code runs.
    unsafe { *ENCODERS.get(py) = None };
}
