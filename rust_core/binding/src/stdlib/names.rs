//! Names that a record of `logging` has for its level and its thread, remembered by the objects that hold them.

use pyo3::prelude::*;
use pyo3::types::PyString;
use unified_logger_core::names;

use crate::capture::thread;
use crate::filter::guard;
use crate::interpreter::cache::Cache;
use crate::interpreter::ending;
use crate::interpreter::gil::Gil;
use crate::interpreter::gil::intern;
use crate::interpreter::interrupt;
use crate::value::shown::text_of;

/// Numbers of threads, by the objects that hold their names.
static THREADS: Gil<Cache<(Py<PyAny>, u32), 64>> = Gil::new(Cache::new());
/// Names that records have for their levels, by the levels' numbers.
static LEVELS: Gil<Cache<CachedLevelName, 8>> = Gil::new(Cache::new());

struct CachedLevelName {
    number: i32,
    name: Py<PyAny>,
    /// The name, if a record has to carry it.
    own: Option<String>,
    /// The `level_generation` of the process's names at that time.
    generation: u64,
}

/// The name that `logging` gives to the level of a record without one.
const UNNAMED: &str = "Level None";

/// The record's name for its level, if the process has another one. The record then carries it. A record may come from
/// elsewhere, so its name is not used for other records.
pub fn own_level_name(py: Python<'_>, number: i32, name: Option<&Bound<'_, PyAny>>) -> Option<String> {
    let name = name?;
    let generation = names::here().level_generation();
    let key = u64::from(number.cast_unsigned());
    let is_it =
        |cached: &CachedLevelName| cached.number == number && cached.name.is(name) && cached.generation == generation;
    // SAFETY: looked at only.
    if let Some(cached) = unsafe { &*LEVELS.get(py) }.find(key, is_it) {
        return cached.own.clone();
    }
    let text = text_of(name);
    let text = names::bounded_level_name(&text);
    let is_other = || names::here().level_name(number) != text;
    let mut other = text != UNNAMED && is_other();
    if other && !ending::is_here(py) {
        // `logging` may have got this name since.
        let logging = py.import(intern!(py, "logging"));
        interrupt::ok(py, logging.and_then(|logging| guard::note_level_name(&logging, number)));
        other = is_other();
    }
    let own = other.then(|| text.to_owned());
    if let Ok(name) = name.cast_exact::<PyString>() {
        let generation = names::here().level_generation();
        let level = CachedLevelName { number, name: name.clone().into_any().unbind(), own: own.clone(), generation };
        // SAFETY: no Python code runs while the reference lives.
        let evicted = unsafe { &mut *LEVELS.get(py) }.insert(key, level, |cached| cached.number == number);
        drop(evicted);
    }
    own
}

/// A thread by its name. A record may come from another thread than the one that hands it over.
pub fn thread_of(py: Python<'_>, name: &Bound<'_, PyAny>) -> thread::Name {
    let key = name.as_ptr() as u64;
    // SAFETY: looked at only.
    let cached = unsafe { &*THREADS.get(py) }.find(key, |(cached, _)| cached.is(name));
    if let Some((_, number)) = cached {
        return thread::Name::Number(*number);
    }
    let text = text_of(name);
    let Some(number) = names::here().thread(text.clone()) else { return thread::Name::Text(text) };
    if name.is_exact_instance_of::<PyString>() {
        // SAFETY: no Python code runs while the reference lives.
        let evicted = unsafe { &mut *THREADS.get(py) }
            .insert(key, (name.clone().unbind(), number), |(cached, _)| cached.is(name));
        drop(evicted);
    }
    thread::Name::Number(number)
}
