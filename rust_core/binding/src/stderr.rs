//! The console where `sys.stderr` is not the process's own: notebooks, test runners, redirected streams. The line is
//! encoded here and written to that object on the calling thread; the writer thread never touches Python.

use std::sync::Arc;

use pyo3::prelude::*;
use unified_logger_core::config::ConsoleFormat;
use unified_logger_core::encoder::{ConsoleEncoder, JsonEncoder};
use unified_logger_core::names;
use unified_logger_core::record::{self, Record, flag};
use unified_logger_core::redaction::{Redactor, Rules};
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
static ENCODERS: Gil<Option<Box<Encoders>>> = Gil::new(None);

struct Encoders {
    redactor: Option<Redactor>,
    text: ConsoleEncoder,
    json: JsonEncoder,
}

impl Encoders {
    fn new(redaction: Option<&Arc<Rules>>) -> Box<Self> {
        Box::new(Self {
            redactor: redaction.map(|rules| Redactor::new(Arc::clone(rules), Arc::clone(names::here()))),
            text: ConsoleEncoder::new(false),
            json: JsonEncoder::default(),
        })
    }

    /// Whether they redact by these rules.
    fn follow(&self, redaction: Option<&Arc<Rules>>) -> bool {
        self.redactor.as_ref().map(|redactor| Arc::as_ptr(redactor.rules())) == redaction.map(Arc::as_ptr)
    }
}

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
    let settings = runtime::engine(py).map(|engine| engine.settings());
    let Some((console, redaction)) = settings.and_then(|known| Some((known.console?, known.redaction.clone()))) else {
        return;
    };
    record::add_flags(buffer.as_mut_slice(), flag::CONSOLE_DONE);
    let mut line = Vec::new();
    // SAFETY: encoding runs no Python code; captured records hold UTF-8 texts.
    unsafe {
        let known = &mut *ENCODERS.get(py);
        if known.as_ref().is_none_or(|encoders| !encoders.follow(redaction.as_ref())) {
            *known = None;
        }
        let encoders = known.get_or_insert_with(|| Encoders::new(redaction.as_ref()));
        let Some(record) = Record::read(buffer.as_slice()) else { return };
        let record = encoders.redactor.as_mut().map_or(record, |redactor| redactor.redact(&record));
        match console.format {
            ConsoleFormat::Text { .. } => encoders.text.encode(&record, &mut line),
            ConsoleFormat::Json => encoders.json.encode(&record, &mut line),
        }
    }
    let _inside = ending::Inside::enter();
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
