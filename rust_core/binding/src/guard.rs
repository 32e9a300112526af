//! Whether a logger is enabled for a level, and whether anyone else listens: asked of `logging` once, then remembered for
//! as long as nothing that could change the answer has changed.

use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyType};
use unified_logger_core::level;

use crate::gil::Gil;
use crate::gil::intern;
use crate::runtime;
use crate::watch::{Kind, Watched, dict_of};

/// The root handler that brings `logging` records in: not one of other people's.
static ROOT_HANDLER: Gil<Option<Py<PyAny>>> = Gil::new(None);

/// Counts what makes every remembered answer stale at once.
static EPOCH: Gil<u64> = Gil::new(0);

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
    types: Vec<Version>,
    lists: Vec<List>,
    _held: Vec<Py<PyAny>>,
    /// A bit for each of `level::NAMES`.
    enabled: u8,
    /// Nobody else listens: no `LogRecord` is needed.
    native: bool,
    /// The root handler is among those that would be given a record of the logger.
    reaches_root_handler: bool,
}

/// A class, as it was.
pub struct Version(*mut ffi::PyTypeObject, u32);

/// A list of handlers or filters, as it was. The list itself is an attribute of a watched dictionary.
pub struct List {
    list: *mut ffi::PyListObject,
    len: ffi::Py_ssize_t,
    first: *mut ffi::PyObject,
}

// SAFETY: used under the interpreter lock; `_held` keeps what the pointers mean alive.
unsafe impl Send for Guard {}

impl Version {
    pub fn of(class: &Bound<'_, PyType>) -> Self {
        let class = class.as_type_ptr();
        // SAFETY: a live class.
        Self(class, unsafe { (*class).tp_version_tag })
    }

    #[inline]
    pub fn is_unchanged(&self) -> bool {
        // SAFETY: the class is held. 0 means that it changed and was not looked at since.
        self.1 != 0 && unsafe { (*self.0).tp_version_tag } == self.1
    }
}

impl List {
    pub fn of(list: &Bound<'_, PyList>) -> Self {
        let list = list.as_ptr().cast::<ffi::PyListObject>();
        // SAFETY: a live list.
        unsafe { Self { list, len: ffi::PyList_GET_SIZE(list.cast()), first: Self::first(list) } }
    }

    #[inline]
    unsafe fn first(list: *mut ffi::PyListObject) -> *mut ffi::PyObject {
        // SAFETY: the caller holds the list; item 0 exists when the size is not 0.
        unsafe { if ffi::PyList_GET_SIZE(list.cast()) == 0 { std::ptr::null_mut() } else { *(*list).ob_item } }
    }

    #[inline]
    pub fn is_unchanged(&self) -> bool {
        // SAFETY: the list is held.
        unsafe { ffi::PyList_GET_SIZE(self.list.cast()) == self.len && Self::first(self.list) == self.first }
    }
}

impl Guard {
    #[inline]
    pub fn is_current(&self, py: Python<'_>) -> bool {
        self.epoch == epoch(py)
            && self.watched.is_unchanged()
            && self.types.iter().all(Version::is_unchanged)
            && self.lists.iter().all(List::is_unchanged)
    }

    #[inline]
    pub fn is_enabled(&self, bucket: usize) -> bool {
        self.enabled & 1 << bucket != 0
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
        let (mut guard, _) = Self::ask_once(logger)?;
        guard.types.push(Version(logger.get_type().as_type_ptr(), 0)); // Never current: asked at each call.
        Ok(guard)
    }

    fn ask_once(logger: &Bound<'_, PyAny>) -> PyResult<(Self, bool)> {
        let py = logger.py();
        let logging = py.import(intern!(py, "logging"))?;
        let mut enabled = 0;
        for bucket in 0..level::NAMES.len() {
            let answer = logger.call_method1(intern!(py, "isEnabledFor"), ((bucket + 1) * 10,))?;
            enabled |= u8::from(answer.is_truthy()?) << bucket;
        }
        let mut chain = Chain::new(&logging)?;
        chain.follow(logger)?;
        let cache = logger.getattr(intern!(py, "_cache"))?.cast_into::<PyDict>()?;
        let whole = cache.len() >= level::NAMES.len() || logger.getattr(intern!(py, "disabled"))?.is_truthy()?;
        chain.dicts.push(cache);
        chain.dicts.push(logging.dict());
        let guard = Self {
            epoch: epoch(py),
            watched: Watched::new(Kind::Loggers, chain.dicts),
            types: chain.types,
            lists: chain.lists,
            _held: chain.held,
            enabled,
            native: chain.native && !runtime::is_off(py),
            reaches_root_handler: chain.reaches_root_handler,
        };
        Ok((guard, whole))
    }
}

/// A logger and its parents up to the first that does not propagate, as they are found.
struct Chain<'py> {
    class: Bound<'py, PyAny>,
    home: Bound<'py, PyDict>,
    dicts: Vec<Bound<'py, PyDict>>,
    types: Vec<Version>,
    lists: Vec<List>,
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
            types: Vec::new(),
            lists: Vec::new(),
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
        if self.types.iter().any(|known| known.0 == class.as_type_ptr()) {
            return Ok(());
        }
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
        self.types.push(Version::of(&class));
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
        self.lists.push(List::of(list));
        self.held.push(list.clone().into_any().unbind());
        Ok(())
    }
}
