//! Notices that a dictionary changed, without reading it.
//!
//! Until 3.11 every dictionary has a tag that changes with it. From 3.12 on (PEP 699) the interpreter calls a function
//! instead, and one count for each kind of dictionary stands for all of its kind. Neither the tags nor the storage of
//! attributes are promised. A probe checks them at the import, and with another layout every dictionary counts as
//! changed.

use std::sync::atomic::{AtomicBool, Ordering};

#[cfg(not(Py_3_12))]
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::interpreter::gil::intern;

/// Why a dictionary is watched.
#[derive(Clone, Copy)]
pub enum Kind {
    /// Anything that decides whether and how a logger logs.
    Loggers,
    /// `sys.stderr` and `sys.stdout`.
    Streams,
    /// Names of threads, and the functions that return them.
    Threads,
}

static AS_KNOWN: AtomicBool = AtomicBool::new(false);

/// Probes whether changes of dictionaries show.
pub fn probe(py: Python<'_>) -> PyResult<bool> {
    let as_known = imp::is_as_known(py)?;
    AS_KNOWN.store(as_known, Ordering::Relaxed);
    Ok(as_known)
}

/// Dictionaries as they were at one moment.
pub struct Watched {
    inner: imp::Watched,
    /// Keeps the dictionaries that are compared by address alive.
    held: Vec<Py<PyDict>>,
    /// The levels in the last ones of them, of which nothing else matters.
    levels: Vec<Py<PyAny>>,
}

impl Watched {
    pub fn new(kind: Kind, dicts: Vec<Bound<'_, PyDict>>) -> Self {
        Self::with_levels(kind, dicts, Vec::new())
    }

    /// Watches further dictionaries for their key `level`, which has this value now. A handler of `logging` may store
    /// other attributes with each record.
    pub fn with_levels<'py>(
        kind: Kind,
        mut dicts: Vec<Bound<'py, PyDict>>,
        levels: Vec<(Bound<'py, PyDict>, Py<PyAny>)>,
    ) -> Self {
        let whole = dicts.len();
        let (of_levels, levels): (Vec<_>, Vec<_>) = levels.into_iter().unzip();
        dicts.extend(of_levels);
        let as_known = AS_KNOWN.load(Ordering::Relaxed);
        let inner = if as_known { imp::Watched::new(kind, &dicts, whole) } else { imp::Watched::never(kind) };
        Self { inner, held: dicts.into_iter().map(Bound::unbind).collect(), levels }
    }

    /// Counts dictionaries of levels as unchanged if their levels are. Returns whether nothing else has changed.
    pub fn refresh(&mut self, py: Python<'_>) -> bool {
        #[cfg(not(Py_3_12))]
        if AS_KNOWN.load(Ordering::Relaxed) {
            let whole = self.held.len() - self.levels.len();
            for (index, level) in self.levels.iter().enumerate() {
                // SAFETY: a live dictionary of attributes, which are texts. So looking up a key runs no Python code.
                // The value is borrowed from the dictionary.
                let present = unsafe {
                    ffi::PyDict_GetItemWithError(self.held[whole + index].as_ptr(), intern!(py, "level").as_ptr())
                };
                if present == level.as_ptr() {
                    self.inner.accept(whole + index);
                }
            }
        }
        let _ = (py, &self.held, &self.levels);
        self.is_unchanged()
    }

    #[inline(always)]
    pub fn is_unchanged(&self) -> bool {
        self.inner.is_unchanged()
    }
}

/// The dictionary of an object, of the kind whose changes show.
///
/// 3.13 keeps the values of attributes inside the object, and may store there without calling watchers of the
/// dictionary. A separate dictionary that the object is given always calls them.
pub fn dict_of<'py>(object: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyDict>> {
    let name = intern!(object.py(), "__dict__");
    let dict = object.getattr(name)?.cast_into::<PyDict>()?;
    #[cfg(Py_3_13)]
    if AS_KNOWN.load(Ordering::Relaxed) && imp::shares_values(&dict) {
        // `copy` would share the values again.
        let own = PyDict::new(object.py());
        own.update(dict.as_mapping())?;
        object.setattr(name, &own)?;
        return Ok(own);
    }
    Ok(dict)
}

#[cfg(not(Py_3_12))]
mod imp {
    use pyo3::ffi;
    use pyo3::prelude::*;
    use pyo3::types::PyDict;

    use crate::interpreter::words::Words;

    /// The tags of the dictionaries. A logger whose only ancestor is the root watches five.
    pub struct Watched(Words<u64, 5>);

    type Change = fn(&Bound<'_, PyDict>) -> PyResult<()>;

    /// Whether the tag changes with the dictionary, and only then.
    pub fn is_as_known(py: Python<'_>) -> PyResult<bool> {
        let probed = PyDict::new(py);
        let mut as_known = true;
        let steps: [Change; 4] = [
            |dict| dict.set_item("key", 1),
            |dict| dict.set_item("key", 2),
            |dict| dict.del_item("key"),
            |dict| dict.set_item("key", 1),
        ];
        for change in steps {
            let before = Watched::new(super::Kind::Loggers, std::slice::from_ref(&probed), 1);
            probed.contains("key")?;
            as_known &= before.is_unchanged();
            change(&probed)?;
            as_known &= !before.is_unchanged();
        }
        let before = Watched::new(super::Kind::Loggers, std::slice::from_ref(&probed), 1);
        probed.clear();
        Ok(as_known && !before.is_unchanged())
    }

    impl Watched {
        pub fn new(_kind: super::Kind, dicts: &[Bound<'_, PyDict>], _whole: usize) -> Self {
            let mut tags = Words::new();
            for dict in dicts {
                let dict = dict.as_ptr().cast::<ffi::PyDictObject>();
                // SAFETY: the outer struct holds the dictionaries.
                unsafe { tags.push(&raw const (*dict).ma_version_tag) };
            }
            Self(tags)
        }

        /// A value that counts as changed.
        pub fn never(_kind: super::Kind) -> Self {
            Self(Words::never())
        }

        /// Counts a dictionary as unchanged.
        pub fn accept(&mut self, index: usize) {
            self.0.accept(index);
        }

        #[inline(always)]
        pub fn is_unchanged(&self) -> bool {
            self.0.are_unchanged()
        }
    }
}

#[cfg(Py_3_12)]
mod imp {
    use std::ffi::c_int;
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU64, Ordering};

    use pyo3::ffi;
    use pyo3::prelude::*;
    use pyo3::types::PyDict;
    #[cfg(Py_3_13)]
    use pyo3::types::{PyTuple, PyType};

    use super::Kind;

    type Callback = unsafe extern "C" fn(c_int, *mut ffi::PyObject, *mut ffi::PyObject, *mut ffi::PyObject) -> c_int;

    unsafe extern "C" {
        fn PyDict_AddWatcher(callback: Callback) -> c_int;
    }

    /// How often a watched dictionary of each kind has changed. Starts at 1, because 0 is never current.
    static CHANGES: [AtomicU64; 3] = [const { AtomicU64::new(1) }; 3];
    static WATCHERS: OnceLock<[c_int; 4]> = OnceLock::new();
    /// The watcher of handlers, behind one for each kind.
    const LEVELS: usize = 3;

    pub struct Watched {
        kind: Kind,
        changes: u64,
    }

    /// Whether a dictionary shows that it shares its values with an object, and only then. 3.12 reports every store.
    pub fn is_as_known(py: Python<'_>) -> PyResult<bool> {
        #[cfg(Py_3_13)]
        {
            let class = py.get_type::<PyType>().call1(("Probed", PyTuple::empty(py), PyDict::new(py)))?;
            let object = class.call0()?;
            object.setattr("attribute", 1)?;
            let shared = object.getattr("__dict__")?.cast_into::<PyDict>()?;
            let own = PyDict::new(py);
            let mut as_known = shares_values(&shared) && !shares_values(&own);
            own.update(shared.as_mapping())?;
            object.setattr("__dict__", &own)?;
            object.setattr("attribute", 2)?;
            as_known &= !shares_values(&object.getattr("__dict__")?.cast_into::<PyDict>()?);
            Ok(as_known)
        }
        #[cfg(not(Py_3_13))]
        {
            let _ = py;
            Ok(true)
        }
    }

    #[cfg(Py_3_13)]
    pub fn shares_values(dict: &Bound<'_, PyDict>) -> bool {
        // SAFETY: a live dictionary.
        unsafe { !(*dict.as_ptr().cast::<ffi::PyDictObject>()).ma_values.is_null() }
    }

    impl Watched {
        /// Of dictionaries behind the first `whole` ones only the key `level` matters.
        pub fn new(kind: Kind, dicts: &[Bound<'_, PyDict>], whole: usize) -> Self {
            let watchers = WATCHERS.get_or_init(add_watchers);
            let (all, levels) = (watchers[kind as usize], watchers[LEVELS]);
            let mut watched = all >= 0 && (levels >= 0 || dicts.len() == whole);
            for (index, dict) in dicts.iter().enumerate() {
                let watcher = if index < whole { all } else { levels };
                // SAFETY: a live dictionary and a watcher given out by the interpreter.
                watched = watched && unsafe { ffi::PyDict_Watch(watcher, dict.as_ptr()) } == 0;
            }
            if !watched {
                if let Some(py) = dicts.first().map(Bound::py) {
                    drop(PyErr::take(py));
                }
                // Interpreters have few watchers. Without one, every call asks again.
                return Self::never(kind);
            }
            Self { kind, changes: CHANGES[kind as usize].load(Ordering::Relaxed) }
        }

        /// A value that counts as changed.
        pub fn never(kind: Kind) -> Self {
            Self { kind, changes: 0 }
        }

        #[inline]
        pub fn is_unchanged(&self) -> bool {
            CHANGES[self.kind as usize].load(Ordering::Relaxed) == self.changes
        }
    }

    fn add_watchers() -> [c_int; 4] {
        // SAFETY: called with the interpreter attached; the callbacks live as long as the process.
        unsafe {
            [
                PyDict_AddWatcher(loggers_changed),
                PyDict_AddWatcher(stream_changed),
                PyDict_AddWatcher(thread_changed),
                PyDict_AddWatcher(handler_changed),
            ]
        }
    }

    fn changed(kind: Kind) -> c_int {
        CHANGES[kind as usize].fetch_add(1, Ordering::Relaxed);
        0
    }

    unsafe extern "C" fn loggers_changed(
        _: c_int,
        _: *mut ffi::PyObject,
        _: *mut ffi::PyObject,
        _: *mut ffi::PyObject,
    ) -> c_int {
        changed(Kind::Loggers)
    }

    unsafe extern "C" fn handler_changed(
        _: c_int,
        _: *mut ffi::PyObject,
        key: *mut ffi::PyObject,
        _: *mut ffi::PyObject,
    ) -> c_int {
        // SAFETY: as below.
        if unsafe { key_is_one_of(key, &[c"level"]) } { changed(Kind::Loggers) } else { 0 }
    }

    unsafe extern "C" fn stream_changed(
        _: c_int,
        _: *mut ffi::PyObject,
        key: *mut ffi::PyObject,
        _: *mut ffi::PyObject,
    ) -> c_int {
        // SAFETY: the interpreter gives a live key, or none when the whole dictionary changed.
        if unsafe { key_is_one_of(key, &[c"stderr", c"stdout"]) } { changed(Kind::Streams) } else { 0 }
    }

    unsafe extern "C" fn thread_changed(
        _: c_int,
        _: *mut ffi::PyObject,
        key: *mut ffi::PyObject,
        _: *mut ffi::PyObject,
    ) -> c_int {
        // SAFETY: as above.
        if unsafe { key_is_one_of(key, &[c"_name", c"get_ident", c"current_thread"]) } {
            changed(Kind::Threads)
        } else {
            0
        }
    }

    unsafe fn key_is_one_of(key: *mut ffi::PyObject, names: &[&std::ffi::CStr]) -> bool {
        // SAFETY: `key` is live; comparing with ASCII runs no Python code and cannot fail.
        key.is_null()
            || unsafe { ffi::PyUnicode_Check(key) } != 0
                && names.iter().any(|name| unsafe { ffi::PyUnicode_CompareWithASCIIString(key, name.as_ptr()) } == 0)
    }
}
