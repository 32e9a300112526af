//! What is known of records: see `unified_logger.marks`.

use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyInt, PyString, PyType};

use super::attribute::{self, Attributes, Own};
use crate::ending;
use crate::gil::{Gil, intern};
use crate::interrupt;

/// The numbers that each record has, one of which may be its mark.
const NUMBERS: [Own; 3] = [Own::Process, Own::Thread, Own::LineNo];

static MARKS: Gil<Option<Marks>> = Gil::new(None);

struct Marks {
    /// The class of numbers of records that carry something along.
    mark: Py<PyType>,
    /// That of numbers of captured records, and its last one: records of one process share it.
    captured: Py<PyType>,
    last: Option<(i64, Py<PyAny>)>,
    /// Marks a record whose process has no plain number.
    mark_captured: Py<PyAny>,
    /// Called once `logging.handlers` is imported, until it gives true.
    tell_sockets: Option<Py<PyAny>>,
    /// How many modules were imported when it was not.
    modules: ffi::Py_ssize_t,
    /// Takes records that another process has marked: with a text.
    arrived: Py<PyAny>,
}

/// Sets the classes of numbers by which records are known, and what is called.
#[pyfunction]
pub fn set_marks(
    mark: Bound<'_, PyType>,
    captured: Bound<'_, PyType>,
    mark_captured: Bound<'_, PyAny>,
    tell_sockets: Bound<'_, PyAny>,
    arrived: Bound<'_, PyAny>,
) {
    let py = mark.py();
    let new = Marks {
        mark: mark.unbind(),
        captured: captured.unbind(),
        last: None,
        mark_captured: mark_captured.unbind(),
        tell_sockets: Some(tell_sockets.unbind()),
        modules: -1,
        arrived: arrived.unbind(),
    };
    // SAFETY: replaced at once; the old one is dropped after.
    let old = unsafe { (*MARKS.get(py)).replace(new) };
    drop(old);
}

/// What is known of a record.
pub enum Marked<'py> {
    Captured,
    /// Another process has captured it; what takes such records.
    Elsewhere(Py<PyAny>),
    /// By this number, which carries something along.
    Carrying(Own, Bound<'py, PyAny>),
    Not,
}

impl<'py> Marked<'py> {
    pub fn of(py: Python<'py>, attributes: &Attributes<'py>) -> Self {
        // SAFETY: looked at and counted only.
        let Some(marks) = (unsafe { &*MARKS.get(py) }) else { return Self::Not };
        for own in NUMBERS {
            let Some(number) = attributes.get(own) else { continue };
            let class = number.get_type_ptr();
            if class == marks.captured.as_ptr().cast() {
                return Self::Captured;
            }
            if class == marks.mark.as_ptr().cast() {
                return Self::Carrying(own, number.clone());
            }
        }
        // Anything but a text came with the record from elsewhere, and says nothing.
        match attributes.get(Own::Mark) {
            Some(place) if place.is_exact_instance_of::<PyString>() => Self::Elsewhere(marks.arrived.clone_ref(py)),
            _ => Self::Not,
        }
    }

    /// The fields behind the record's attributes (None: not a field).
    pub fn names(&self) -> Option<Bound<'py, PyDict>> {
        match self {
            Self::Carrying(_, mark) => names(mark),
            _ => None,
        }
    }
}

/// The fields behind the attributes of a record, captured or not.
pub fn names_of<'py>(py: Python<'py>, attributes: &Attributes<'py>) -> Option<Bound<'py, PyDict>> {
    // SAFETY: looked at only.
    let marks = unsafe { &*MARKS.get(py) }.as_ref()?;
    let is_mark = |number: &&Bound<'_, PyAny>| {
        let class = number.get_type_ptr();
        class == marks.captured.as_ptr().cast() || class == marks.mark.as_ptr().cast()
    };
    let mark = NUMBERS.iter().filter_map(|own| attributes.get(*own)).find(is_mark)?.clone();
    names(&mark)
}

fn names<'py>(mark: &Bound<'py, PyAny>) -> Option<Bound<'py, PyDict>> {
    let carried = interrupt::ok(mark.py(), mark.getattr(intern!(mark.py(), "carried")))?;
    if carried.is_none() {
        return None;
    }
    interrupt::ok(mark.py(), carried.get_item(0))?.cast_into_exact().ok()
}

/// Marks a record as captured, with a number that is equal to the one before.
pub fn put(
    log_record: &Bound<'_, PyAny>,
    dict: &Bound<'_, PyDict>,
    attributes: &Attributes<'_>,
    marked: &Marked<'_>,
) -> PyResult<()> {
    let py = log_record.py();
    tell_sockets(py)?;
    if let Marked::Carrying(own, number) = marked {
        let mark = captured(py, number)?;
        return dict.set_item(attribute::name(py, *own), mark);
    }
    if let Some(number) = attributes.get(Own::Process).and_then(|number| number.cast_exact::<PyInt>().ok())
        && let Ok(value) = number.extract::<i64>()
    {
        return match shared(py, value)? {
            Some(mark) => dict.set_item(attribute::name(py, Own::Process), mark),
            None => Ok(()),
        };
    }
    // SAFETY: looked at and counted only.
    let function = unsafe { &*MARKS.get(py) }.as_ref().map(|marks| marks.mark_captured.clone_ref(py));
    match function {
        Some(function) if !ending::is_here(py) => function.call1(py, (log_record,)).map(drop),
        _ => Ok(()),
    }
}

/// The number of a captured record that carries along what the one before did: copies of the record may have that one still.
fn captured<'py>(py: Python<'py>, number: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    // SAFETY: looked at and counted only.
    let class = unsafe { &*MARKS.get(py) }.as_ref().map(|marks| marks.captured.clone_ref(py));
    let Some(class) = class else { return Ok(number.clone()) };
    let mark = class.into_bound(py).call1((number,))?;
    for name in [intern!(py, "carried"), intern!(py, "ai")] {
        mark.setattr(name, number.getattr(name)?)?;
    }
    Ok(mark)
}

/// The number of captured records of a process.
fn shared(py: Python<'_>, value: i64) -> PyResult<Option<Py<PyAny>>> {
    // SAFETY: looked at and counted only.
    let Some(marks) = (unsafe { &*MARKS.get(py) }) else { return Ok(None) };
    if let Some((known, mark)) = &marks.last
        && *known == value
    {
        return Ok(Some(mark.clone_ref(py)));
    }
    let class = marks.captured.clone_ref(py);
    let mark = class.call1(py, (value,))?;
    // SAFETY: replaced at once; the old one is dropped after.
    let old = unsafe { &mut *MARKS.get(py) }.as_mut().and_then(|marks| marks.last.replace((value, mark.clone_ref(py))));
    drop(old);
    Ok(Some(mark))
}

/// `SocketHandler` is told to send along what is known of records, as soon as there is one.
#[inline]
fn tell_sockets(py: Python<'_>) -> PyResult<()> {
    // SAFETY: looked at and counted only; the dictionary of modules is borrowed from the interpreter, and its size is a number.
    let new = unsafe {
        let modules = ffi::PyImport_GetModuleDict();
        match &mut *MARKS.get(py) {
            Some(marks) if marks.tell_sockets.is_some() && !modules.is_null() => {
                let size = ffi::PyDict_Size(modules);
                std::mem::replace(&mut marks.modules, size) != size
            }
            _ => false,
        }
    };
    if new { look_for_sockets(py) } else { Ok(()) }
}

#[cold]
fn look_for_sockets(py: Python<'_>) -> PyResult<()> {
    // SAFETY: looked at and counted only.
    let marks = unsafe { &*MARKS.get(py) }.as_ref();
    let Some(function) = marks.and_then(|marks| Some(marks.tell_sockets.as_ref()?.clone_ref(py))) else {
        return Ok(());
    };
    if ending::is_here(py) {
        return Ok(());
    }
    let told = function.call0(py)?.is_truthy(py)?;
    // SAFETY: no Python code runs while the reference lives; what is taken is dropped after.
    let done = unsafe { &mut *MARKS.get(py) }.as_mut().filter(|_| told).and_then(|marks| marks.tell_sockets.take());
    drop(done);
    Ok(())
}
