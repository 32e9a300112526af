//! The name of the calling thread, as `threading` knows it, as a number.

use std::cell::Cell;

use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use unified_logger_core::names;

use crate::interpreter::ending;
use crate::interpreter::gil::Gil;
use crate::interpreter::gil::intern;
use crate::interpreter::interrupt;
use crate::interpreter::watch::{Kind, Watched, dict_of};
use crate::value::shown::text_of;

/// A thread's name, valid until it changes.
struct WatchedName {
    watched: Watched,
    number: u32,
}

/// Names by slot. A slot that is given to another thread gets another serial number.
static NAMES: Gil<Vec<(u32, Option<WatchedName>)>> = Gil::new(Vec::new());
/// Slots of threads that have ended.
static FREE: Gil<Vec<u32>> = Gil::new(Vec::new());

/// Stored in the dictionary that the interpreter keeps for a thread, and dropped when the thread ends.
#[pyclass(frozen, module = "unified_logger._core")]
struct Ends {
    slot: u32,
    serial: u32,
}

/// Makes the class `Ends`. Making it at the first use could panic for lack of memory.
pub fn prepare(py: Python<'_>) {
    py.get_type::<Ends>();
}

impl Drop for Ends {
    /// Frees the name of the thread. The name is watched in the thread object's dictionary, which may hold any object.
    fn drop(&mut self) {
        // SAFETY: the only reference is the interpreter's, which gives it back attached.
        let py = unsafe { Python::assume_attached() };
        if ending::is_here(py) {
            // Dropping an object may run Python code.
            return;
        }
        // SAFETY: no Python code runs while the references live; what is taken is dropped after them.
        let known = unsafe {
            match (&mut *NAMES.get(py)).get_mut(self.slot as usize) {
                Some((serial, known)) if *serial == self.serial => {
                    (&mut *FREE.get(py)).push(self.slot);
                    known.take()
                }
                _ => None,
            }
        };
        let _inside = ending::Inside::enter();
        drop(known);
    }
}

thread_local! {
    /// This thread's slot and its serial number.
    static OWN_SLOT: Cell<(u32, u32)> = const { Cell::new((u32::MAX, 0)) };
}

/// How a record names its thread.
pub enum Name {
    Number(u32),
    /// Not in the table: the table is full, or a green thread has the name, and one thread runs many of them.
    Text(String),
}

#[inline]
pub fn number(py: Python<'_>) -> Option<u32> {
    let (slot, serial) = OWN_SLOT.get();
    // SAFETY: looked at only, no Python code runs.
    match unsafe { &*NAMES.get(py) }.get(slot as usize) {
        Some((current, Some(known))) if *current == serial && known.watched.is_unchanged() => Some(known.number),
        _ => None,
    }
}

/// Asks `threading` for the name, and remembers it if the name is safe to keep.
#[cold]
pub fn name(py: Python<'_>) -> Name {
    if ending::is_here(py) {
        return Name::Text("unknown".into());
    }
    ask(py).unwrap_or_else(|error| {
        // Late in interpreter shutdown `threading` may be gone already.
        interrupt::hold(py, &error);
        drop(error);
        Name::Text("unknown".into())
    })
}

fn ask(py: Python<'_>) -> PyResult<Name> {
    let threading = py.import(intern!(py, "threading"))?;
    let thread = threading.call_method0(intern!(py, "current_thread"))?;
    if !tells_threads(&threading)? {
        return Ok(numbered(text_of(&thread.getattr(intern!(py, "name"))?)).1);
    }
    // A change during the question must show, so the dictionaries are noted before the name is read.
    let dict = dict_of(&thread)?;
    let watched = Watched::new(Kind::Threads, vec![dict.clone(), threading.dict()]);
    let shown = thread.getattr(intern!(py, "name"))?;
    let (number, name) = numbered(text_of(&shown));
    // A class may return names of its own, whose changes would not show.
    let is_kept = dict.get_item(intern!(py, "_name"))?.is_some_and(|kept| kept.is(&shown));
    if let Some(number) = number
        && is_kept
        && tells_threads(&threading)?
    {
        remember(py, WatchedName { watched, number })?;
    }
    Ok(name)
}

/// Whether `threading` reports threads and not green threads, of which one thread runs many.
fn tells_threads(threading: &Bound<'_, PyModule>) -> PyResult<bool> {
    let py = threading.py();
    let get_ident = threading.getattr(intern!(py, "get_ident"))?;
    let home = interrupt::ok(py, get_ident.getattr(intern!(py, "__module__")).and_then(|home| home.eq("_thread")));
    Ok(get_ident.is(&py.import(intern!(py, "_thread"))?.getattr(intern!(py, "get_ident"))?) && home == Some(true))
}

/// The number of a name, and how a record names it.
fn numbered(name: String) -> (Option<u32>, Name) {
    match names::here().thread(name.clone()) {
        Some(number) => (Some(number), Name::Number(number)),
        None => (None, Name::Text(name)),
    }
}

fn remember(py: Python<'_>, known: WatchedName) -> PyResult<()> {
    let (own_slot, serial) = OWN_SLOT.get();
    // SAFETY: replaced at once; the old one is dropped after.
    if let Some((_, slot @ Some(_))) =
        unsafe { (&mut *NAMES.get(py)).get_mut(own_slot as usize) }.filter(|(current, _)| *current == serial)
    {
        let old = slot.replace(known);
        drop(old);
        return Ok(());
    }
    // SAFETY: attached; a borrowed reference or null.
    let Some(of_thread) = (unsafe { Bound::from_borrowed_ptr_or_opt(py, ffi::PyThreadState_GetDict()) }) else {
        return Ok(());
    };
    // SAFETY: no Python code runs while the references live.
    let (slot, serial) = unsafe {
        let table = &mut *NAMES.get(py);
        let slot = (&mut *FREE.get(py)).pop().unwrap_or_else(|| {
            table.push((0, None));
            u32::try_from(table.len() - 1).unwrap_or(u32::MAX)
        });
        let entry = &mut table[slot as usize];
        entry.0 = entry.0.wrapping_add(1);
        (slot, entry.0)
    };
    let ends = Bound::new(py, Ends { slot, serial })?;
    of_thread.cast::<PyDict>()?.set_item(intern!(py, "unified_logger"), ends)?;
    // SAFETY: replaced at once; there was none.
    let before = unsafe { &mut (&mut *NAMES.get(py))[slot as usize] }.1.replace(known);
    drop(before);
    OWN_SLOT.set((slot, serial));
    Ok(())
}
