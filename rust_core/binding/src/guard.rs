//! Whether a logger is enabled for a level, and whether anyone else listens: asked of `logging` once, then remembered for
//! as long as nothing that could change the answer has changed.

use std::sync::atomic::{AtomicBool, Ordering};

use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyTuple, PyType};
use unified_logger_core::level;
use unified_logger_core::names;

use crate::enabled;
use crate::gil::Gil;
use crate::gil::intern;
use crate::runtime;
use crate::watch::{Kind, Watched, Words, dict_of};

/// The root handler that brings `logging` records in: not one of other people's.
static ROOT_HANDLER: Gil<Option<Py<PyAny>>> = Gil::new(None);

/// Counts what makes every remembered answer stale at once.
static EPOCH: Gil<u64> = Gil::new(0);
/// An epoch that never is: what was remembered then is asked anew at each call.
const NEVER: u64 = u64::MAX;

pub fn set_root_handler(py: Python<'_>, handler: Option<Py<PyAny>>) {
    ask_anew(py);
    // SAFETY: replaced at once; the old one is dropped after.
    let old = unsafe { std::mem::replace(&mut *ROOT_HANDLER.get(py), handler) };
    drop(old);
}

/// Makes every guard ask again.
pub fn ask_anew(py: Python<'_>) {
    // SAFETY: a number.
    unsafe { *EPOCH.get(py) += 1 };
}

pub fn epoch(py: Python<'_>) -> u64 {
    // SAFETY: a number.
    unsafe { *EPOCH.get(py) }
}

/// The root handler, once there is one.
pub fn root_handler(py: Python<'_>) -> Option<Bound<'_, PyAny>> {
    // SAFETY: looked at and counted only.
    unsafe { &*ROOT_HANDLER.get(py) }.as_ref().map(|handler| handler.bind(py).clone())
}

fn is_root_handler(handler: &Bound<'_, PyAny>) -> bool {
    // SAFETY: looked at only.
    unsafe { &*ROOT_HANDLER.get(handler.py()) }.as_ref().is_some_and(|ours| ours.as_ptr() == handler.as_ptr())
}

/// What is remembered of one logger.
pub struct Guard {
    epoch: u64,
    watched: Watched,
    shape: Shape,
    _held: Vec<Py<PyAny>>,
    /// A bit for each of `level::NAMES`.
    enabled: u8,
    /// Levels up to this one are off whatever a context says.
    off: i32,
    /// Nobody else listens: no `LogRecord` is needed.
    native: bool,
    /// The root handler is among those that would be given a record of the logger.
    reaches_root_handler: bool,
}

// SAFETY: used under the interpreter lock; `_held` keeps what the pointers mean alive.
unsafe impl Send for Guard {}

/// Whether a class's version changes with it. That is not promised: it is looked at once, at the import.
static VERSIONS_TELL: AtomicBool = AtomicBool::new(false);

/// Looks at whether classes show their changes as known.
pub fn look(py: Python<'_>) -> PyResult<bool> {
    let base = make_class(&PyTuple::empty(py))?;
    let class = make_class(&PyTuple::new(py, [&base])?)?;
    let mut tell = true;
    for changed in [&class, &base] {
        class.hasattr("attribute")?;
        let before = version(&class);
        class.hasattr("attribute")?;
        tell &= before != 0 && version(&class) == before;
        changed.setattr("attribute", 1)?;
        tell &= version(&class) != before;
        class.hasattr("attribute")?;
        tell &= version(&class) != before;
    }
    VERSIONS_TELL.store(tell, Ordering::Relaxed);
    Ok(tell)
}

fn make_class<'py>(bases: &Bound<'py, PyTuple>) -> PyResult<Bound<'py, PyType>> {
    let py = bases.py();
    Ok(py.get_type::<PyType>().call1(("Looked", bases, PyDict::new(py)))?.cast_into()?)
}

/// 0 means that the class changed and was not looked at since.
fn version(class: &Bound<'_, PyType>) -> u32 {
    // SAFETY: a live class.
    unsafe { (*class.as_type_ptr()).tp_version_tag }
}

/// What changes with classes, and with lists of handlers or filters. Whoever has it holds both.
pub struct Shape {
    /// Versions of classes.
    classes: Words<u32, 2>,
    /// Sizes of lists, and where their items are.
    lists: Words<usize, 6>,
    /// First items of lists: there to be looked at as long as size and place are the same.
    items: Words<usize, 2>,
}

impl Shape {
    pub fn new() -> Self {
        Self { classes: Words::new(), lists: Words::new(), items: Words::new() }
    }

    #[inline(always)]
    pub fn is_unchanged(&self) -> bool {
        self.classes.are_unchanged() && self.lists.are_unchanged() && self.items.are_unchanged()
    }

    pub fn add_class(&mut self, class: &Bound<'_, PyType>) {
        // SAFETY: a class is never moved, and the guard holds it.
        unsafe { self.classes.push(&raw const (*class.as_type_ptr()).tp_version_tag) };
    }

    pub fn add_list(&mut self, list: &Bound<'_, PyList>) {
        let list = list.as_ptr().cast::<ffi::PyListObject>();
        // SAFETY: a live list, which the guard holds; there is a first item when the size is not 0.
        unsafe {
            let size = (&raw const (*list).ob_base.ob_size).cast::<usize>();
            self.lists.push(size);
            self.lists.push((&raw const (*list).ob_item).cast::<usize>());
            if *size != 0 {
                self.items.push((*list).ob_item.cast::<usize>());
            }
        }
    }
}

impl Guard {
    #[inline]
    pub fn is_current(&self, py: Python<'_>) -> bool {
        self.epoch == epoch(py) && self.watched.is_unchanged() && self.shape.is_unchanged()
    }

    #[inline]
    pub fn is_enabled(&self, bucket: usize) -> bool {
        self.enabled & 1 << bucket != 0
    }

    /// Whether a context may decide on a level.
    pub fn is_open_to(&self, number: i32) -> bool {
        number > self.off
    }

    #[inline]
    pub fn is_native(&self) -> bool {
        self.native
    }

    /// A record that `logging` makes would come to the root handler, and to nobody else.
    #[inline]
    pub fn reaches_only_root_handler(&self) -> bool {
        self.native && self.reaches_root_handler
    }

    /// Asks `logger`, a `logging.Logger`, everything anew.
    pub fn ask(logger: &Bound<'_, PyAny>) -> PyResult<Self> {
        // What Python code changes while it is asked shows in an empty cache; a few rounds settle it.
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
        let logging = py.import(intern!(py, "logging"))?;
        let mut enabled = 0;
        for bucket in 0..level::NAMES.len() {
            let answer = enabled::without_context(logger, (bucket as i32 + 1) * 10)?;
            enabled |= u8::from(answer.is_truthy()?) << bucket;
        }
        let mut chain = Chain::new(&logging)?;
        chain.follow(logger)?;
        let cache = logger.getattr(intern!(py, "_cache"))?.cast_into::<PyDict>()?;
        // The answers hold for as long as the cache does only if they are what it holds. They may be others: some releases of
        // 3.13 say no while the thread is inside a handler of `logging`, and so may a class of its own.
        let mut whole = true;
        for bucket in 0..level::NAMES.len() {
            let kept = cache.get_item((bucket + 1) * 10)?.map(|kept| kept.is_truthy()).transpose()?;
            whole &= kept == Some(enabled & 1 << bucket != 0);
        }
        // One that is disabled says no without a look at its cache.
        let disabled = logger.getattr(intern!(py, "disabled"))?.is_truthy()?;
        let whole = if disabled { enabled == 0 } else { whole };
        chain.dicts.push(cache);
        chain.dicts.push(logging.dict());
        // The standard levels may be given other names too.
        for bucket in 0..level::NAMES.len() {
            note_level_name(&logging, (bucket as i32 + 1) * 10)?;
        }
        if let Ok(names) = logging.getattr(intern!(py, "_levelToName"))?.cast_into::<PyDict>() {
            chain.dicts.push(names);
        }
        let guard = Self {
            // A class that has no version would not change when it is changed.
            epoch: if chain.versioned { epoch(py) } else { NEVER },
            watched: Watched::new(Kind::Loggers, chain.dicts),
            shape: chain.shape,
            _held: chain.held,
            enabled,
            off: enabled::off(logger)?,
            native: chain.native && !runtime::is_off(py),
            reaches_root_handler: chain.reaches_root_handler,
        };
        Ok((guard, whole))
    }
}

/// Whether a class has a version that changes with it.
pub fn is_versioned(class: &Bound<'_, PyType>) -> bool {
    VERSIONS_TELL.load(Ordering::Relaxed) && version(class) != 0
}

/// Has records of a level show the name that `logging` has for it.
pub fn note_level_name(logging: &Bound<'_, PyModule>, number: i32) -> PyResult<()> {
    let name = logging.call_method1(intern!(logging.py(), "getLevelName"), (number,))?.str()?;
    names::here().set_level_name(number, &name.to_string_lossy());
    Ok(())
}

/// A logger and its parents up to the first that does not propagate, as they are found.
struct Chain<'py> {
    class: Bound<'py, PyAny>,
    home: Bound<'py, PyDict>,
    dicts: Vec<Bound<'py, PyDict>>,
    classes: Vec<*mut ffi::PyTypeObject>,
    /// Whether all of these have a version.
    versioned: bool,
    shape: Shape,
    held: Vec<Py<PyAny>>,
    native: bool,
    reaches_root_handler: bool,
}

impl<'py> Chain<'py> {
    fn new(logging: &Bound<'py, PyModule>) -> PyResult<Self> {
        let py = logging.py();
        let class = logging.getattr(intern!(py, "Logger"))?;
        let factory = logging.getattr(intern!(py, "_logRecordFactory"))?;
        let native = factory.is(&logging.getattr(intern!(py, "LogRecord"))?);
        Ok(Self {
            class,
            home: logging.dict(),
            dicts: Vec::new(),
            classes: Vec::new(),
            versioned: true,
            shape: Shape::new(),
            held: Vec::new(),
            native,
            reaches_root_handler: false,
        })
    }

    fn follow(&mut self, logger: &Bound<'py, PyAny>) -> PyResult<()> {
        let py = logger.py();
        let mut current = logger.clone();
        loop {
            self.add_class(&current)?;
            let dict = dict_of(&current)?;
            for name in [intern!(py, "handle"), intern!(py, "callHandlers"), intern!(py, "makeRecord")] {
                self.native &= !dict.contains(name)?;
            }
            self.dicts.push(dict);
            let handlers = current.getattr(intern!(py, "handlers"))?;
            self.add_list(&handlers)?;
            self.reaches_root_handler |= handlers.len()? == 1 && is_root_handler(&handlers.get_item(0)?);
            if current.is(logger) {
                self.add_list(&current.getattr(intern!(py, "filters"))?)?;
            }
            let parent = current.getattr(intern!(py, "parent"))?;
            if parent.is_none() || !current.getattr(intern!(py, "propagate"))?.is_truthy()? {
                return Ok(());
            }
            current = parent;
        }
    }

    /// Remembers the class; patched or overridden ways of handling a record count as someone listening.
    fn add_class(&mut self, logger: &Bound<'py, PyAny>) -> PyResult<()> {
        let py = logger.py();
        let class = logger.get_type();
        if self.classes.contains(&class.as_type_ptr()) {
            return Ok(());
        }
        self.classes.push(class.as_type_ptr());
        for name in
            [intern!(py, "handle"), intern!(py, "callHandlers"), intern!(py, "makeRecord"), intern!(py, "filter")]
        {
            let method = class.getattr(name)?;
            // A patch may carry the original's name and module (`functools.wraps`), but not its globals.
            let home = method.getattr(intern!(py, "__globals__")).ok();
            let stock = home.is_some_and(|home| home.is(&self.home));
            self.native &= stock && method.is(&self.class.getattr(name)?);
        }
        // Only now: looking attributes up gives a changed class its new version.
        self.versioned &= is_versioned(&class);
        self.shape.add_class(&class);
        self.held.push(class.into_any().unbind());
        Ok(())
    }

    fn add_list(&mut self, list: &Bound<'py, PyAny>) -> PyResult<()> {
        let Ok(list) = list.cast::<PyList>() else {
            self.native = false;
            return Ok(());
        };
        self.native &= match list.len() {
            0 => true,
            1 => is_root_handler(&list.get_item(0)?),
            _ => false,
        };
        self.shape.add_list(list);
        self.held.push(list.clone().into_any().unbind());
        Ok(())
    }
}
