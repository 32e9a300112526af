//! Whether a logger is enabled for a level, and whether anybody else listens. `logging` is asked once, and the answer
//! is remembered until something changes that could change the answer.

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyString, PyType};
use unified_logger_core::level;
use unified_logger_core::names;

use super::shape::{Shape, is_versioned};
use super::{Answers, Name, is_enabled_for, named, wanted};
use crate::interpreter::gil::Gil;
use crate::interpreter::gil::intern;
use crate::interpreter::interrupt;
use crate::interpreter::watch::{Kind, Watched, dict_of};

/// The root handler that brings `logging` records in.
static ROOT_HANDLER: Gil<Option<Py<PyAny>>> = Gil::new(None);

/// Changes to make every remembered answer stale at once.
static EPOCH: Gil<u64> = Gil::new(0);
/// An epoch that never comes: a guard with it asks again at each call.
const NEVER: u64 = u64::MAX;

pub fn set_root_handler(py: Python<'_>, handler: Option<Py<PyAny>>) {
    ask_again(py);
    drop(ROOT_HANDLER.replace(py, handler));
}

/// Whether handlers of `logging` do the engine's work.
static LEFT_TO_LOGGING: Gil<bool> = Gil::new(false);

/// Sets whether handlers of `logging` do the engine's work (`USE_UNIFIED_LOGGING=false`).
pub fn leave_to_logging(py: Python<'_>, on: bool) {
    LEFT_TO_LOGGING.replace(py, on);
}

fn is_left_to_logging(py: Python<'_>) -> bool {
    LEFT_TO_LOGGING.copied(py)
}

/// Makes every guard ask again.
pub fn ask_again(py: Python<'_>) {
    // SAFETY: a number.
    unsafe { *EPOCH.get(py) += 1 };
}

pub fn epoch(py: Python<'_>) -> u64 {
    EPOCH.copied(py)
}

/// The root handler, once there is one.
pub fn root_handler(py: Python<'_>) -> Option<Bound<'_, PyAny>> {
    ROOT_HANDLER.held(py)
}

fn is_root_handler(handler: &Bound<'_, PyAny>) -> bool {
    // SAFETY: looked at only.
    unsafe { &*ROOT_HANDLER.get(handler.py()) }.as_ref().is_some_and(|root| root.as_ptr() == handler.as_ptr())
}

/// The remembered answers of one logger.
pub struct Guard {
    answers: Answers,
    epoch: u64,
    watched: Watched,
    shape: Shape,
    _held: Vec<Py<PyAny>>,
    /// Whether the root handler would be given a record of the logger.
    reaches_root_handler: bool,
    /// The levels with methods of their own for which the logger is enabled, a bit for each slot.
    enabled_named: u32,
}

// SAFETY: used under the interpreter lock; `_held` keeps what the pointers mean alive.
unsafe impl Send for Guard {}

impl Guard {
    #[inline]
    pub fn is_current(&self, py: Python<'_>) -> bool {
        self.epoch == epoch(py) && self.watched.is_unchanged() && self.shape.is_unchanged()
    }

    #[inline]
    pub fn answers(&self) -> &Answers {
        &self.answers
    }

    /// Whether the logger is enabled for a level with a method of its own.
    #[inline]
    pub fn is_enabled_named(&self, slot: usize) -> bool {
        self.enabled_named & 1 << slot != 0
    }

    /// Whether a record that `logging` makes would come to the root handler, and to nobody else.
    #[inline]
    pub fn reaches_only_root_handler(&self) -> bool {
        self.answers.is_native() && self.reaches_root_handler
    }

    /// Asks a `logging.Logger` for all answers.
    pub fn ask(logger: &Bound<'_, PyAny>) -> PyResult<Self> {
        // If Python code changes the logger during the questions, its cache is empty. A few rounds settle that.
        for _ in 0..4 {
            let (guard, whole) = Self::ask_once(logger)?;
            if whole {
                return Ok(guard);
            }
        }
        let (guard, _) = Self::ask_once(logger)?;
        Ok(Self { epoch: NEVER, ..guard })
    }

    fn ask_once(logger: &Bound<'_, PyAny>) -> PyResult<(Self, bool)> {
        let py = logger.py();
        let epoch = epoch(py);
        let logging = py.import(intern!(py, "logging"))?;
        // The first question fills the cache, which would count as a change.
        Self::levels(logger)?;
        Self::named_levels(logger)?;
        // Another thread or the answering Python code may change the logger during the questions. To notice that,
        // everything is noted first and asked after.
        let chain = Chain::of(logger)?;
        let cache = logger.getattr(intern!(py, "_cache"))?.cast_into::<PyDict>()?;
        let (watched, shape, versioned) = chain.note(&logging, &cache)?;
        let enabled = Self::levels(logger)?;
        let enabled_named = Self::named_levels(logger)?;
        // The answers stay valid with the cache only if they are equal to the cached ones. They may differ: some
        // releases of 3.13 answer no while the thread is inside a handler of `logging`, and so may a class of its own.
        let mut whole = true;
        for bucket in 0..level::NAMES.len() {
            let kept = cache.get_item((bucket + 1) * 10)?.map(|kept| kept.is_truthy()).transpose()?;
            whole &= kept == Some(enabled & 1 << bucket != 0);
        }
        // A disabled logger answers no without its cache.
        if logger.getattr(intern!(py, "disabled"))?.is_truthy()? {
            whole = enabled == 0;
        }
        // The standard levels may have other names too.
        for bucket in 0..level::NAMES.len() {
            note_level_name(&logging, (bucket as i32 + 1) * 10)?;
        }
        let again = Chain::of(logger)?;
        let native = again.is_native(&logging)? && !is_left_to_logging(py);
        let guard = Self {
            // A class without a version would not show its changes.
            epoch: if versioned { epoch } else { NEVER },
            watched,
            shape,
            answers: Answers::new(enabled, wanted(py, Name::Logger(logger)), native, is_enabled_for::off(logger)?),
            reaches_root_handler: again.reaches_root_handler()?,
            _held: chain.held(),
            enabled_named,
        };
        whole &= again.held().iter().map(Py::as_ptr).eq(guard._held.iter().map(Py::as_ptr));
        Ok((guard, whole))
    }

    /// The levels for which the logger is enabled, a bit for each standard level.
    fn levels(logger: &Bound<'_, PyAny>) -> PyResult<u8> {
        let mut enabled = 0;
        for bucket in 0..level::NAMES.len() {
            let answer = is_enabled_for::without_context(logger, (bucket as i32 + 1) * 10)?;
            enabled |= u8::from(answer.is_truthy()?) << bucket;
        }
        Ok(enabled)
    }

    /// The same for the levels with methods of their own, a bit for each slot.
    fn named_levels(logger: &Bound<'_, PyAny>) -> PyResult<u32> {
        let py = logger.py();
        let mut enabled = 0;
        for slot in 0..named::count(py) {
            let Some(level) = named::at(py, slot) else { break };
            let answer = is_enabled_for::without_context(logger, level.number)?;
            enabled |= u32::from(answer.is_truthy()?) << slot;
        }
        Ok(enabled)
    }
}

/// Whether a function was defined in `logging`. A patch may copy the original's name and module (`functools.wraps`),
/// but not its globals.
pub fn is_of_logging(function: &Bound<'_, PyAny>, logging: &Bound<'_, PyModule>) -> bool {
    let py = function.py();
    interrupt::ok(py, function.getattr(intern!(py, "__globals__"))).is_some_and(|home| home.is(logging.dict()))
}

/// Uses the name that `logging` has for a level in records.
pub fn note_level_name(logging: &Bound<'_, PyModule>, number: i32) -> PyResult<()> {
    let name = logging.call_method1(intern!(logging.py(), "getLevelName"), (number,))?.str()?;
    names::here().set_level_name(number, &name.to_string_lossy());
    Ok(())
}

/// A logger and its parents up to the first that does not propagate. The logger is the first.
struct Chain<'py>(Vec<Link<'py>>);

struct Link<'py> {
    logger: Bound<'py, PyAny>,
    class: Bound<'py, PyType>,
    dict: Bound<'py, PyDict>,
    handlers: Bound<'py, PyAny>,
    filters: Option<Bound<'py, PyAny>>,
}

/// Methods that handle a record. If one of them is overridden or patched, somebody listens.
fn ways(py: Python<'_>) -> [&Bound<'_, PyString>; 4] {
    [intern!(py, "handle"), intern!(py, "callHandlers"), intern!(py, "makeRecord"), intern!(py, "filter")]
}

impl<'py> Chain<'py> {
    fn of(logger: &Bound<'py, PyAny>) -> PyResult<Self> {
        let py = logger.py();
        let mut links = Vec::new();
        let mut current = logger.clone();
        loop {
            let is_first = links.is_empty();
            links.push(Link {
                class: current.get_type(),
                dict: dict_of(&current)?,
                handlers: current.getattr(intern!(py, "handlers"))?,
                filters: is_first.then(|| current.getattr(intern!(py, "filters"))).transpose()?,
                logger: current.clone(),
            });
            let parent = current.getattr(intern!(py, "parent"))?;
            if parent.is_none() || !current.getattr(intern!(py, "propagate"))?.is_truthy()? {
                return Ok(Self(links));
            }
            current = parent;
        }
    }

    /// The classes of its loggers, each once.
    fn classes(&self) -> impl Iterator<Item = &Bound<'py, PyType>> {
        let is_new =
            |index: usize, class: &Bound<'py, PyType>| self.0[..index].iter().all(|link| !link.class.is(class));
        self.0
            .iter()
            .enumerate()
            .map(|(index, link)| (index, &link.class))
            .filter(move |(index, class)| is_new(*index, class))
            .map(|(_, class)| class)
    }

    /// The lists of handlers, and the logger's list of filters.
    fn lists(&self) -> impl Iterator<Item = &Bound<'py, PyAny>> {
        self.0.iter().flat_map(|link| std::iter::once(&link.handlers).chain(&link.filters))
    }

    /// The objects that are compared by address.
    fn held(&self) -> Vec<Py<PyAny>> {
        let links = self.0.iter().flat_map(|link| [&link.logger, link.class.as_any(), link.dict.as_any()]);
        links.chain(self.lists()).map(|object| object.clone().unbind()).collect()
    }

    /// Notes everything that an answer depends on, as it is now. Also returns whether all classes have a version.
    fn note(&self, logging: &Bound<'py, PyModule>, cache: &Bound<'py, PyDict>) -> PyResult<(Watched, Shape, bool)> {
        let py = logging.py();
        let mut shape = Shape::new();
        let mut versioned = true;
        for class in self.classes() {
            for name in ways(py) {
                class.getattr(name)?;
            }
            // Looking up the attributes above has given a changed class its new version.
            versioned &= is_versioned(class);
            shape.add_class(class);
        }
        if let Some(link) = self.0.first() {
            shape.add_class_of(&link.logger);
        }
        for list in self.lists() {
            if let Ok(list) = list.cast::<PyList>() {
                shape.add_list(list);
            }
        }
        let mut dicts: Vec<_> = self.0.iter().map(|link| link.dict.clone()).collect();
        dicts.push(cache.clone());
        dicts.push(logging.dict());
        if let Ok(names) = logging.getattr(intern!(py, "_levelToName"))?.cast_into::<PyDict>() {
            dicts.push(names);
        }
        Ok((Watched::new(Kind::Loggers, dicts), shape, versioned))
    }

    /// Whether only the root handler is given a record, and `logging` itself makes it and hands it on.
    fn is_native(&self, logging: &Bound<'py, PyModule>) -> PyResult<bool> {
        let py = logging.py();
        let stock = logging.getattr(intern!(py, "Logger"))?;
        let factory = logging.getattr(intern!(py, "_logRecordFactory"))?;
        let mut native = factory.is(&logging.getattr(intern!(py, "LogRecord"))?);
        for class in self.classes() {
            for name in ways(py) {
                let method = class.getattr(name)?;
                native &= is_of_logging(&method, logging) && method.is(&stock.getattr(name)?);
            }
        }
        for link in &self.0 {
            for name in &ways(py)[..3] {
                native &= !link.dict.contains(name)?;
            }
        }
        for list in self.lists() {
            native &= match list.cast::<PyList>() {
                Ok(list) => match list.len() {
                    0 => true,
                    1 => is_root_handler(&list.get_item(0)?),
                    _ => false,
                },
                Err(_) => false,
            };
        }
        Ok(native)
    }

    /// Whether the root handler would be given a record.
    fn reaches_root_handler(&self) -> PyResult<bool> {
        let mut reaches = false;
        for link in &self.0 {
            reaches |= link.handlers.len()? == 1 && is_root_handler(&link.handlers.get_item(0)?);
        }
        Ok(reaches)
    }
}
