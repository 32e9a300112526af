//! Whether `logging` itself is as it comes: what a native call leaves out must be known to do nothing else.

use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyType};
use unified_logger_core::level;
use unified_logger_core::names;

use super::caller::LoggingFile;
use crate::filter::guard::{self, is_of_logging};
use crate::filter::shape::{self, Shape};
use crate::interpreter::ending;
use crate::interpreter::gil::intern;
use crate::interpreter::gil::{Gil, let_go_of_dropped};
use crate::interpreter::interrupt;
use crate::interpreter::watch::{Kind, Watched, dict_of};

/// What was found, for as long as nothing that could change it has changed.
struct Stock {
    epoch: u64,
    /// Of the names of levels.
    generation: u64,
    watched: Watched,
    /// Of the record's class, and of the handler's filters.
    shape: Shape,
    _held: Vec<Py<PyAny>>,
    /// Where the code of `logging` comes from, if it is as it comes.
    logging_file: Option<LoggingFile>,
}

static STOCK: Gil<Option<Stock>> = Gil::new(None);

impl Stock {
    #[inline]
    fn is_current(&self, py: Python<'_>) -> bool {
        self.epoch == guard::epoch(py)
            && self.generation == names::here().level_generation()
            && self.watched.is_unchanged()
            && self.shape.is_unchanged()
    }
}

/// Whether `logging` is as it comes.
#[inline]
pub fn is_stock(py: Python<'_>) -> bool {
    // SAFETY: looked at only.
    match unsafe { &*STOCK.get(py) } {
        Some(stock) if stock.is_current(py) => stock.logging_file.is_some(),
        _ => ask_anew(py),
    }
}

/// Where the code of `logging` comes from.
pub fn logging_file(py: Python<'_>) -> Option<LoggingFile> {
    // SAFETY: looked at and counted only.
    unsafe { &*STOCK.get(py) }.as_ref()?.logging_file.as_ref().map(|logging_file| logging_file.clone(py))
}

#[cold]
fn ask_anew(py: Python<'_>) -> bool {
    if ending::is_here(py) {
        return false;
    }
    let _inside = ending::Inside::enter();
    match ask(py) {
        Ok(Some(stock)) => {
            let is_stock = stock.logging_file.is_some();
            drop(STOCK.replace(py, Some(stock)));
            let_go_of_dropped();
            is_stock
        }
        Ok(None) => false,
        Err(error) => {
            interrupt::hold(py, &error);
            false
        }
    }
}

fn ask(py: Python<'_>) -> PyResult<Option<Stock>> {
    let (epoch, generation) = (guard::epoch(py), names::here().level_generation());
    let Some(handler) = guard::root_handler(py) else { return Ok(None) };
    let logging = py.import(intern!(py, "logging"))?;
    let time = py.import(intern!(py, "time"))?;
    let record = logging.getattr(intern!(py, "LogRecord"))?.cast_into::<PyType>()?;
    let own = dict_of(&handler)?;
    let filters = handler.getattr(intern!(py, "filters"))?.cast_into::<PyList>()?;
    let level_names = logging.getattr(intern!(py, "_levelToName"))?.cast_into::<PyDict>()?;
    // Looking an attribute up gives a new or changed class its version.
    record.getattr(intern!(py, "__init__"))?;
    let mut shape = Shape::new();
    shape.add_class(&record);
    shape.add_class_of(&handler);
    shape.add_list(&filters);
    let dicts = vec![own.clone(), level_names, logging.dict(), time.dict()];
    let watched = Watched::new(Kind::Loggers, dicts);
    // Only now: what changes while this is asked, on another thread, shows.
    let open = is_open(&handler, &own, &filters)? && shape::is_versioned(&record);
    let logging_file =
        if open && makes_stock_records(&logging, &time, &record)? { LoggingFile::of(&logging)? } else { None };
    if logging_file.is_some() {
        for bucket in 1..=level::NAMES.len() {
            guard::note_level_name(&logging, i32::try_from(bucket).unwrap_or(0) * 10)?;
        }
    }
    Ok(Some(Stock {
        epoch,
        generation,
        watched,
        shape,
        _held: vec![record.into_any().unbind(), handler.unbind(), filters.into_any().unbind()],
        logging_file,
    }))
}

/// The root handler takes whatever comes.
fn is_open(handler: &Bound<'_, PyAny>, own: &Bound<'_, PyDict>, filters: &Bound<'_, PyList>) -> PyResult<bool> {
    let py = handler.py();
    let ours = py.import(intern!(py, "unified_logger.stdlib"))?.getattr(intern!(py, "Handler"))?;
    if !handler.get_type().is(&ours) {
        return Ok(false);
    }
    for name in [intern!(py, "handle"), intern!(py, "emit"), intern!(py, "filter")] {
        if own.contains(name)? {
            return Ok(false);
        }
    }
    Ok(filters.is_empty() && handler.getattr(intern!(py, "level"))?.eq(0)?)
}

/// What goes into a record is what `logging` puts there, at the time the system's clock tells.
fn makes_stock_records(
    logging: &Bound<'_, PyModule>,
    time: &Bound<'_, PyModule>,
    record: &Bound<'_, PyType>,
) -> PyResult<bool> {
    let py = logging.py();
    let init = record.getattr(intern!(py, "__init__"))?;
    let level_name = logging.getattr(intern!(py, "getLevelName"))?;
    let clocks = [time.getattr(intern!(py, "time"))?, time.getattr(intern!(py, "time_ns"))?];
    // SAFETY: live objects. A clock that somebody stopped is a Python function.
    let real = clocks.iter().all(|clock| unsafe { ffi::PyCFunction_Check(clock.as_ptr()) } != 0);
    Ok(real
        && logging.getattr(intern!(py, "time"))?.is(time)
        && is_of_logging(&init, logging)
        && is_of_logging(&level_name, logging))
}
