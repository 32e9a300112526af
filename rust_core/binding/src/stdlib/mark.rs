//! Marks of records: see `unified_logger.stdlib.marks`.

use pyo3::exceptions::PyTypeError;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyFloat, PyString, PyTuple, PyType};

use super::attribute::{self, Attribute, Attributes};
use crate::interpreter::ending;
use crate::interpreter::gil::{Gil, intern};
use crate::interpreter::interrupt;

/// The standard attribute whose number may be the mark.
const NUMBER: Attribute = Attribute::RelativeCreated;

static MARKS: Gil<Option<Marks>> = Gil::new(None);

struct Marks {
    /// The class of the number of a record that carries values along.
    mark: Py<PyType>,
    /// The class of the number of a captured record, which derives from `float`, and that of a captured record that
    /// still carries values.
    captured: Py<PyType>,
    kept: Py<PyType>,
    /// The function that marks a record whose number is no float.
    mark_captured: Py<PyAny>,
    /// Called once `logging.handlers` is imported, and when that module gets another class for sending to a socket.
    tell_sockets: Py<PyAny>,
    /// The dictionary of that module, and the class at the last call.
    handlers: Option<(Py<PyDict>, Option<Py<PyAny>>)>,
    /// Before 3.12: the tag of that dictionary at the last check. Each change gives it another tag.
    tag: u64,
    /// How many modules were imported at the last check, while that module was missing.
    modules: ffi::Py_ssize_t,
    /// The function called for a record that another process captured. The mark of such a record, pickled, is a text.
    arrived: Py<PyAny>,
}

/// A class of floats whose instances have only their value. The collector would track instances of a class written in
/// Python, which costs more.
#[pyfunction]
pub fn float_class(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
    let bases = PyTuple::new(py, [py.get_type::<PyFloat>()])?;
    let mut slots = [ffi::PyType_Slot { slot: 0, pfunc: std::ptr::null_mut() }];
    let mut spec = ffi::PyType_Spec {
        name: c"unified_logger.stdlib.marks.Captured".as_ptr(),
        // The size of its base.
        basicsize: 0,
        itemsize: 0,
        flags: ffi::Py_TPFLAGS_DEFAULT as _,
        slots: slots.as_mut_ptr(),
    };
    // SAFETY: the specification and its slots, which end with a zero, live through the call; its name is never freed.
    unsafe { Bound::from_owned_ptr_or_err(py, ffi::PyType_FromSpecWithBases(&raw mut spec, bases.as_ptr())) }
}

/// Sets the classes of the numbers that mark records, and the functions to call.
#[pyfunction]
pub fn set_marks(
    mark: Bound<'_, PyType>,
    captured: Bound<'_, PyType>,
    kept: Bound<'_, PyType>,
    mark_captured: Bound<'_, PyAny>,
    tell_sockets: Bound<'_, PyAny>,
    arrived: Bound<'_, PyAny>,
) -> PyResult<()> {
    let py = mark.py();
    if !captured.is_subclass_of::<PyFloat>()? {
        return Err(PyTypeError::new_err("no class of floats"));
    }
    let new = Marks {
        mark: mark.unbind(),
        captured: captured.unbind(),
        kept: kept.unbind(),
        mark_captured: mark_captured.unbind(),
        tell_sockets: tell_sockets.unbind(),
        handlers: None,
        tag: 0,
        modules: -1,
        arrived: arrived.unbind(),
    };
    drop(MARKS.replace(py, Some(new)));
    Ok(())
}

/// The mark of a record.
pub enum Marked<'py> {
    Captured,
    /// Another process has captured it. The value is the function for such records.
    Elsewhere(Py<PyAny>),
    /// The number carries values along.
    Carrying(Bound<'py, PyAny>),
    Not,
}

impl<'py> Marked<'py> {
    pub fn of(py: Python<'py>, attributes: &Attributes<'py>) -> Self {
        // SAFETY: looked at and counted only.
        let Some(marks) = (unsafe { &*MARKS.get(py) }) else { return Self::Not };
        if let Some(number) = attributes.get(NUMBER) {
            let class = number.get_type_ptr();
            if class == marks.captured.as_ptr().cast() || class == marks.kept.as_ptr().cast() {
                return Self::Captured;
            }
            if class == marks.mark.as_ptr().cast() {
                return Self::Carrying(number.clone());
            }
        }
        // Any other value came with a record from elsewhere, and marks nothing.
        match attributes.get(Attribute::Mark) {
            Some(text) if text.is_exact_instance_of::<PyString>() => Self::Elsewhere(marks.arrived.clone_ref(py)),
            _ => Self::Not,
        }
    }

    /// The fields behind the record's attributes (None: not a field).
    pub fn names(&self) -> Option<Bound<'py, PyDict>> {
        match self {
            Self::Carrying(mark) => names(mark),
            _ => None,
        }
    }
}

/// The fields behind the attributes of a record, captured or not.
pub fn names_of<'py>(py: Python<'py>, attributes: &Attributes<'py>) -> Option<Bound<'py, PyDict>> {
    // SAFETY: looked at only.
    let marks = unsafe { &*MARKS.get(py) }.as_ref()?;
    let number = attributes.get(NUMBER)?;
    let class = number.get_type_ptr();
    let is_mark = class == marks.kept.as_ptr().cast() || class == marks.mark.as_ptr().cast();
    // Asking the number for its values may run code, which may set other classes.
    let number = is_mark.then(|| number.clone())?;
    names(&number)
}

fn names<'py>(mark: &Bound<'py, PyAny>) -> Option<Bound<'py, PyDict>> {
    let carried = interrupt::ok(mark.py(), mark.getattr(intern!(mark.py(), "carried")))?;
    if carried.is_none() {
        return None;
    }
    interrupt::ok(mark.py(), carried.get_item(0))?.cast_into_exact().ok()
}

/// Marks a record as captured, with a number that is equal to its previous one.
pub fn put(
    log_record: &Bound<'_, PyAny>,
    dict: &Bound<'_, PyDict>,
    attributes: &Attributes<'_>,
    marked: &Marked<'_>,
) -> PyResult<()> {
    let py = log_record.py();
    update_sockets(py)?;
    let mark = match (marked, attributes.get(NUMBER)) {
        (Marked::Carrying(number), _) => kept(py, number)?,
        (_, Some(number)) if number.is_exact_instance_of::<PyFloat>() => captured(py, number)?,
        _ => {
            // SAFETY: looked at and counted only.
            let function = unsafe { &*MARKS.get(py) }.as_ref().map(|marks| marks.mark_captured.clone_ref(py));
            return match function {
                Some(function) if !ending::is_here(py) => function.call1(py, (log_record,)).map(drop),
                _ => Ok(()),
            };
        }
    };
    dict.set_item(attribute::name(py, NUMBER), mark)
}

/// The number of a captured record that still carries values along: copies of the record may have the previous number.
fn kept<'py>(py: Python<'py>, number: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    // SAFETY: looked at and counted only.
    let class = unsafe { &*MARKS.get(py) }.as_ref().map(|marks| marks.kept.clone_ref(py));
    let Some(class) = class else { return Ok(number.clone()) };
    let mark = class.into_bound(py).call1((number,))?;
    for name in [intern!(py, "carried"), intern!(py, "ai")] {
        mark.setattr(name, number.getattr(name)?)?;
    }
    Ok(mark)
}

/// The number of a captured record of `logging`. Every record needs a new one, so it is made without calling its class.
#[inline]
fn captured<'py>(py: Python<'py>, number: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    // SAFETY: `number` is a float. The class derives from `float`, so its instances begin with a float object. The
    // class is not freed before its instance has counted it.
    unsafe {
        let Some(marks) = &*MARKS.get(py) else { return Ok(number.clone()) };
        let mark = ffi::PyType_GenericAlloc(marks.captured.as_ptr().cast(), 0);
        if !mark.is_null() {
            (*mark.cast::<ffi::PyFloatObject>()).ob_fval = ffi::PyFloat_AS_DOUBLE(number.as_ptr());
        }
        Bound::from_owned_ptr_or_err(py, mark)
    }
}

/// Makes `SocketHandler` send marks along, as soon as there is such a class.
#[inline]
fn update_sockets(py: Python<'_>) -> PyResult<()> {
    let name = intern!(py, "SocketHandler");
    // SAFETY: looked at and counted only. The dictionaries are live ones with texts as keys, so looking up a key runs
    // no Python code. The dictionary of modules and the class are borrowed from the interpreter.
    let new = unsafe {
        match &mut *MARKS.get(py) {
            Some(Marks { handlers: Some((handlers, _)), tag, .. }) if *tag != 0 && tag_of(handlers) == *tag => false,
            Some(Marks { handlers: Some((handlers, notified)), tag, .. }) => {
                *tag = tag_of(handlers);
                // Comparing texts cannot raise. The other function would save and restore a raised exception.
                ffi::PyDict_GetItemWithError(handlers.as_ptr(), name.as_ptr())
                    != notified.as_ref().map_or(std::ptr::null_mut(), Py::as_ptr)
            }
            Some(marks) => {
                let modules = ffi::PyImport_GetModuleDict();
                let size = if modules.is_null() { marks.modules } else { ffi::PyDict_Size(modules) };
                std::mem::replace(&mut marks.modules, size) != size
            }
            None => false,
        }
    };
    if new { notice_sockets(py) } else { Ok(()) }
}

#[cfg(not(Py_3_12))]
fn tag_of(dict: &Py<PyDict>) -> u64 {
    // SAFETY: a live dictionary.
    unsafe { (*dict.as_ptr().cast::<ffi::PyDictObject>()).ma_version_tag }
}

#[cfg(Py_3_12)]
const fn tag_of(_: &Py<PyDict>) -> u64 {
    0
}

#[cold]
fn notice_sockets(py: Python<'_>) -> PyResult<()> {
    // SAFETY: looked at and counted only.
    let function = unsafe { &*MARKS.get(py) }.as_ref().map(|marks| marks.tell_sockets.clone_ref(py));
    let Some(function) = function.filter(|_| !ending::is_here(py)) else { return Ok(()) };
    let Ok(handlers) = function.call0(py)?.into_bound(py).cast_into::<PyDict>() else { return Ok(()) };
    let notified = handlers.get_item(intern!(py, "SocketHandler"))?.map(Bound::unbind);
    // SAFETY: no Python code runs while the reference lives; the old one is dropped after.
    let old =
        unsafe { &mut *MARKS.get(py) }.as_mut().map(|marks| marks.handlers.replace((handlers.unbind(), notified)));
    drop(old);
    Ok(())
}
