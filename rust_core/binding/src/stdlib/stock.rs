//! Whether `logging` itself is unchanged. A native call skips steps of `logging`, so those steps must be known to do
//! nothing more.

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

/// The last answer, valid until something changes that could change it.
struct Stock {
    epoch: u64,
    /// The `level_generation` of the names of levels.
    generation: u64,
    watched: Watched,
    /// The shape of the record's class and of the handler's filters.
    shape: Shape,
    _held: Vec<Py<PyAny>>,
    /// The file of the code of `logging`. `None` if `logging` is changed.
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

/// Whether `logging` is unchanged.
#[inline]
pub fn is_stock(py: Python<'_>) -> bool {
    // SAFETY: looked at only.
    match unsafe { &*STOCK.get(py) } {
        Some(stock) if stock.is_current(py) => stock.logging_file.is_some(),
        _ => ask_again(py),
    }
}

/// The file of the code of `logging`.
pub fn logging_file(py: Python<'_>) -> Option<LoggingFile> {
    // SAFETY: looked at and counted only.
    unsafe { &*STOCK.get(py) }.as_ref()?.logging_file.as_ref().map(|logging_file| logging_file.clone(py))
}

#[cold]
fn ask_again(py: Python<'_>) -> bool {
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
    // Looking up an attribute gives a new or changed class its version.
    record.getattr(intern!(py, "__init__"))?;
    let mut shape = Shape::new();
    shape.add_class(&record);
    shape.add_class_of(&handler);
    shape.add_list(&filters);
    let dicts = vec![own.clone(), level_names, logging.dict(), time.dict()];
    let watched = Watched::new(Kind::Loggers, dicts);
    // After the notes, so that a change on another thread during the questions shows.
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

/// Whether the root handler takes every record.
fn is_open(handler: &Bound<'_, PyAny>, own: &Bound<'_, PyDict>, filters: &Bound<'_, PyList>) -> PyResult<bool> {
    let py = handler.py();
    let class = py.import(intern!(py, "unified_logger.stdlib"))?.getattr(intern!(py, "Handler"))?;
    if !handler.get_type().is(&class) {
        return Ok(false);
    }
    for name in [intern!(py, "handle"), intern!(py, "emit"), intern!(py, "filter")] {
        if own.contains(name)? {
            return Ok(false);
        }
    }
    Ok(filters.is_empty() && handler.getattr(intern!(py, "level"))?.eq(0)?)
}

/// Whether records contain what `logging` puts into them, with the time of the system's clock.
fn makes_stock_records(
    logging: &Bound<'_, PyModule>,
    time: &Bound<'_, PyModule>,
    record: &Bound<'_, PyType>,
) -> PyResult<bool> {
    let py = logging.py();
    let init = record.getattr(intern!(py, "__init__"))?;
    let level_name = logging.getattr(intern!(py, "getLevelName"))?;
    let clocks = [time.getattr(intern!(py, "time"))?, time.getattr(intern!(py, "time_ns"))?];
    // SAFETY: live objects. A clock that a program has replaced is a Python function.
    let real = clocks.iter().all(|clock| unsafe { ffi::PyCFunction_Check(clock.as_ptr()) } != 0);
    Ok(real
        && logging.getattr(intern!(py, "time"))?.is(time)
        && is_of_logging(&init, logging)
        && is_of_logging(&level_name, logging))
}
