//! The name of the calling thread, as `threading` knows it, by number.

use std::cell::Cell;

use pyo3::prelude::*;
use unified_logger_core::names;
use unified_logger_core::record::INLINE;

use crate::capture::text_of;
use crate::ending;
use crate::gil::Gil;
use crate::gil::intern;
use crate::interrupt;
use crate::watch::{Kind, Watched, dict_of};

/// A thread's name, for as long as it keeps it.
struct Known {
    watched: Watched,
    ident: u64,
    number: u32,
}

/// By slot; a slot given to another thread gets another serial number.
static KNOWN: Gil<Vec<(u32, Option<Known>)>> = Gil::new(Vec::new());

thread_local! {
    /// This thread's slot and its serial number.
    static MINE: Cell<(u32, u32)> = const { Cell::new((u32::MAX, 0)) };
}

/// How a record names the thread it came from.
pub enum Name {
    Number(u32),
    /// Not in the table: it is full, or the name is that of a green thread, of which there are many to one thread.
    Text(String),
}

#[inline]
pub fn number(py: Python<'_>) -> Option<u32> {
    let (slot, serial) = MINE.get();
    // SAFETY: looked at only, no Python code runs.
    match unsafe { &*KNOWN.get(py) }.get(slot as usize) {
        Some((current, Some(known))) if *current == serial && known.watched.is_unchanged() => Some(known.number),
        _ => None,
    }
}

/// Asks `threading` for the name, and remembers it where that is safe.
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
    let shown = thread.getattr(intern!(py, "name"))?;
    let name = text_of(&shown);
    let get_ident = threading.getattr(intern!(py, "get_ident"))?;
    let native = get_ident.is(&py.import(intern!(py, "_thread"))?.getattr(intern!(py, "get_ident"))?)
        && get_ident.getattr(intern!(py, "__module__")).is_ok_and(|home| home.eq("_thread").unwrap_or(false));
    let number = names::here().thread(name.clone()).unwrap_or(INLINE);
    if !native || number == INLINE {
        return Ok(if number == INLINE { Name::Text(name) } else { Name::Number(number) });
    }
    let ident: u64 = get_ident.call0()?.extract()?;
    let dict = dict_of(&thread)?;
    // A class of its own may tell names of another kind, whose changes nobody would notice.
    if !dict.get_item(intern!(py, "_name"))?.is_some_and(|kept| kept.is(&shown)) {
        return Ok(Name::Number(number));
    }
    let dicts = vec![dict, threading.dict()];
    let known = Known { watched: Watched::new(Kind::Threads, dicts), ident, number };
    remember(&threading, known)?;
    Ok(Name::Number(number))
}

fn remember(threading: &Bound<'_, PyModule>, known: Known) -> PyResult<()> {
    let py = threading.py();
    let (mine, serial) = MINE.get();
    // SAFETY: no Python code runs while the reference lives; what is replaced is dropped after it.
    let table = unsafe { &mut *KNOWN.get(py) };
    if let Some((current, slot)) = table.get_mut(mine as usize).filter(|(current, _)| *current == serial) {
        debug_assert_eq!(*current, serial);
        drop(slot.replace(known));
        return Ok(());
    }
    let free = table.iter().position(|(_, slot)| slot.is_none());
    let index = free.unwrap_or_else(|| {
        table.push((0, None));
        table.len() - 1
    });
    table[index].0 += 1;
    let serial = table[index].0;
    table[index].1 = Some(known);
    let crowded = free.is_none() && table.len().is_power_of_two() && table.len() >= 16;
    MINE.set((u32::try_from(index).unwrap_or(u32::MAX), serial));
    if crowded { forget_ended(threading) } else { Ok(()) }
}

/// Lets go of threads that have ended, each time the table doubles.
fn forget_ended(threading: &Bound<'_, PyModule>) -> PyResult<()> {
    let py = threading.py();
    let active: Vec<u64> = threading
        .getattr(intern!(py, "_active"))?
        .call_method0(intern!(py, "keys"))?
        .try_iter()?
        .map(|ident| ident?.extract())
        .collect::<PyResult<_>>()?;
    // SAFETY: as in `remember`: what is removed is dropped after the reference.
    let ended: Vec<Known> = unsafe { &mut *KNOWN.get(py) }
        .iter_mut()
        .filter(|(_, slot)| slot.as_ref().is_some_and(|known| !active.contains(&known.ident)))
        .filter_map(|(_, slot)| slot.take())
        .collect();
    drop(ended);
    Ok(())
}
