//! Call sites: where a record comes from and which fields it has. Each is worked out once.
//!
//! The cache is a bounded, four-way set-associative table on (code, instruction). It holds its keys, so an address
//! never gets another meaning. An evicted entry is worked out again. The table grows with the code that is alive: code
//! that only the table holds makes room for other code. Sites themselves are interned by content.

use std::collections::HashMap;

use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyCode, PyString, PyTuple};
use unified_logger_core::memory;
use unified_logger_core::names;
use unified_logger_core::record::{INLINE, Site, flag};
use unified_logger_core::router::is_ai_field;
use unified_logger_core::sampling::rules::mix;

use crate::capture::clock;
use crate::interpreter::frame::{CallSite, Frame};
use crate::interpreter::gil::Gil;
use crate::interpreter::gil::intern;
use crate::value::shown::text_of;

/// Sets of call sites: the fewest and the most.
const FEWEST: usize = 1_024;
const MOST: usize = 16_384;
const WAYS: usize = 4;

/// The keywords of a logging call that are not fields.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Parameter {
    ExcInfo,
    StackInfo,
    StackLevel,
    Extra,
}

/// Characters of a message that a call site keeps.
const LITERAL: usize = 256;

/// A known call site.
struct CachedCallSite {
    code: Py<PyAny>,
    instruction: i32,
    /// The message, if it is a constant of the code. The code holds it.
    literal: *mut ffi::PyObject,
    /// The keyword names of the call, if it has any.
    names: Option<Py<PyTuple>>,
    /// The site with the message and with these names, if all of them are fields.
    fast: Option<FastSite>,
    /// The site without fields and message, for other calls from here. `INLINE` until it is known.
    bare: u32,
}

// SAFETY: used under the interpreter lock; `code` keeps what `literal` points to alive.
unsafe impl Send for CachedCallSite {}

impl CachedCallSite {
    #[inline]
    fn is_at(&self, call_site: CallSite) -> bool {
        self.instruction == call_site.instruction && self.code.as_ptr() == call_site.code.cast()
    }

    fn call_site(&self) -> CallSite {
        CallSite { code: self.code.as_ptr().cast(), instruction: self.instruction }
    }

    /// Whether this is the only reference to the code: it can never run again.
    fn is_dead(&self) -> bool {
        self.references() == 1
    }

    fn references(&self) -> usize {
        // SAFETY: a live object, looked at under the interpreter's lock.
        unsafe { ffi::Py_REFCNT(self.code.as_ptr()) }.unsigned_abs()
    }
}

struct Cache {
    sets: Vec<[Option<CachedCallSite>; WAYS]>,
    /// How many call sites there are, and from how many on dead ones are searched.
    count: usize,
    enough: usize,
    next: u8,
}

static CACHE: Gil<Cache> = Gil::new(Cache::new());

/// Code of wrappers around logging calls. A record names the caller of the wrapper instead.
static WRAPPERS: Gil<Wrappers> = Gil::new(Wrappers { codes: Vec::new(), bits: 0 });

/// Addresses of code. They are few, and most calls come from other code: its bit tells that in one step.
struct Wrappers {
    /// In order.
    codes: Vec<usize>,
    /// The bits of all of them.
    bits: u64,
}

impl Wrappers {
    /// Code objects are larger than 64 bytes, so neighbours have bits of their own.
    #[inline]
    fn bit(code: usize) -> u64 {
        1 << (code >> 6 & 63)
    }

    #[inline]
    fn has(&self, code: usize) -> bool {
        self.bits & Self::bit(code) != 0 && self.codes.binary_search(&code).is_ok()
    }

    /// False if it is there.
    fn add(&mut self, code: usize) -> bool {
        let Err(place) = self.codes.binary_search(&code) else { return false };
        self.codes.insert(place, code);
        self.bits |= Self::bit(code);
        true
    }
}

/// The site of a call for the fast capture: all keywords are fields with known names.
#[derive(Clone, Copy)]
pub struct FastSite {
    pub number: u32,
    /// Flags of the record: its message is the site's, a field makes it an AI record.
    pub flags: u16,
}

impl Cache {
    const fn new() -> Self {
        Self { sets: Vec::new(), count: 0, enough: FEWEST, next: 0 }
    }

    #[inline]
    fn set_of(&self, call_site: CallSite) -> usize {
        let mixed = (call_site.code as u64 ^ (call_site.instruction as u64) << 17).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        // The high bits: code objects are aligned, so the low bits differ little.
        (mixed >> 48) as usize & self.sets.len().wrapping_sub(1)
    }

    /// False if there is no memory for the table.
    fn prepare(&mut self) -> bool {
        if self.sets.is_empty() && self.sets.try_reserve_exact(FEWEST).is_ok() {
            self.sets.resize_with(FEWEST, Default::default);
        }
        !self.sets.is_empty()
    }

    /// Inserts an entry. Entries that make room for it are moved to `gone`: the caller drops them once it has no
    /// reference to the table.
    fn insert(&mut self, entry: CachedCallSite, gone: &mut Vec<CachedCallSite>) {
        if !self.prepare() {
            return gone.push(entry);
        }
        let mut index = self.set_of(entry.call_site());
        // Code that is gone leaves at most one entry in a set.
        let dead = self.sets[index].iter_mut().filter_map(|way| way.take_if(|known| known.is_dead()));
        let before = gone.len();
        gone.extend(dead);
        self.count -= gone.len() - before;
        let full = self.sets[index].iter().flatten().all(|known| known.call_site() != entry.call_site())
            && self.sets[index].iter().all(Option::is_some);
        if full && self.count > self.enough && memory::has(4 * self.count * size_of::<CachedCallSite>()) {
            self.make_room(gone);
            index = self.set_of(entry.call_site());
        }
        let set = &mut self.sets[index];
        let same =
            |way: &Option<CachedCallSite>| way.as_ref().is_some_and(|known| known.call_site() == entry.call_site());
        let way = set.iter().position(same).or_else(|| set.iter().position(Option::is_none)).unwrap_or_else(|| {
            self.next = self.next.wrapping_add(1);
            usize::from(self.next) % WAYS
        });
        match set[way].replace(entry) {
            Some(evicted) => gone.push(evicted),
            None => self.count += 1,
        }
    }

    /// Removes all code that nothing else holds, and adds sets if there are too few for the remaining code.
    #[cold]
    fn make_room(&mut self, gone: &mut Vec<CachedCallSite>) {
        let mut held: HashMap<*mut ffi::PyObject, usize> = HashMap::new();
        for entry in self.sets.iter().flatten().flatten() {
            *held.entry(entry.code.as_ptr()).or_default() += 1;
        }
        let (alive, dead): (Vec<_>, Vec<_>) = std::mem::take(&mut self.sets)
            .into_iter()
            .flatten()
            .flatten()
            .partition(|entry| held.get(&entry.code.as_ptr()).is_none_or(|held| entry.references() > *held));
        gone.extend(dead);
        // After growing, at most a quarter is used, so hardly any set is full.
        let sets = alive.len().next_power_of_two().clamp(FEWEST, MOST);
        self.sets.resize_with(sets, Default::default);
        self.count = 0;
        self.enough = usize::MAX;
        alive.into_iter().for_each(|entry| self.insert(entry, gone));
        self.enough = (2 * self.count).max(sets);
    }
}

#[inline]
fn entry(py: Python<'_>, call_site: CallSite) -> Option<&CachedCallSite> {
    // SAFETY: looked at only, and let go before Python code runs.
    let cache = unsafe { &*CACHE.get(py) };
    let set = cache.sets.get(cache.set_of(call_site))?;
    set.iter().flatten().find(|entry| entry.is_at(call_site))
}

/// The site of a known call whose keywords are all fields. If the code has the message as a constant, the call must
/// have the same message. `names` may be null.
#[inline]
pub fn find(
    py: Python<'_>,
    call_site: CallSite,
    message: *mut ffi::PyObject,
    names: *mut ffi::PyObject,
) -> Option<FastSite> {
    let entry = entry(py, call_site)?;
    if !entry.literal.is_null() && entry.literal != message {
        return None;
    }
    let held = entry.names.as_ref().map_or(std::ptr::null_mut(), Py::as_ptr);
    // SAFETY: both are null or live tuples of strings.
    let same = held == names || unsafe { same_items(held, names) };
    if same { entry.fast } else { None }
}

/// `f(**fields)` makes a new tuple of the same strings at each call.
unsafe fn same_items(one: *mut ffi::PyObject, other: *mut ffi::PyObject) -> bool {
    if one.is_null() || other.is_null() {
        return false;
    }
    // SAFETY: live tuples, by the caller's word.
    unsafe {
        let count = ffi::PyTuple_GET_SIZE(one);
        count == ffi::PyTuple_GET_SIZE(other)
            && (0..count).all(|index| ffi::PyTuple_GET_ITEM(one, index) == ffi::PyTuple_GET_ITEM(other, index))
    }
}

/// The parameter that a keyword stands for, or `None` for a field.
pub fn parameter(name: &Bound<'_, PyString>) -> Option<Parameter> {
    match name.to_str().ok()? {
        "exc_info" => Some(Parameter::ExcInfo),
        "stack_info" => Some(Parameter::StackInfo),
        "stacklevel" => Some(Parameter::StackLevel),
        "extra" => Some(Parameter::Extra),
        _ => None,
    }
}

/// The site of a call that `find` does not know. It is worked out and remembered.
pub fn resolve(
    frame: Option<&Frame<'_>>,
    message: Option<&Bound<'_, PyAny>>,
    names: Option<&Bound<'_, PyTuple>>,
) -> PyResult<Resolved> {
    let Some(frame) = frame else { return Ok(Resolved::inline(Site::unknown())) };
    let py = frame.as_any().py();
    let message = message.map_or(std::ptr::null_mut(), Bound::as_ptr);
    let known = entry(py, frame.call_site()).map(|entry| (entry.bare, entry.literal));
    let varies = !message.is_null() && known.is_some_and(|(_, literal)| !literal.is_null() && literal != message);
    if let Some((bare, _)) = known.filter(|(bare, _)| *bare != INLINE && !varies) {
        return Ok(Resolved { number: bare, site: None });
    }
    // A call site that is new is checked closely in any case.
    clock::expect_moves(py);
    let site = describe(frame)?;
    if memory::is_short() {
        // Interned sites are never freed.
        return Ok(Resolved::inline(site));
    }
    if known.is_some() && !varies {
        // Another form of a known call, so more such calls will come.
        let bare = names::here().site(site.clone()).unwrap_or(INLINE);
        set_bare(py, frame.call_site(), bare);
        return Ok(if bare == INLINE { Resolved::inline(site) } else { Resolved { number: bare, site: None } });
    }
    let literal = if known.is_none() { literal(frame, message)? } else { None };
    let fast = match field_names(names)? {
        Some(fields) => {
            let mut flags = if fields.iter().any(|name| is_ai_field(name)) { flag::AI } else { 0 };
            flags |= if literal.is_some() { flag::SITE_MESSAGE } else { 0 };
            let kept = literal.as_ref().map(|_| message);
            let site = Site { fields, message: literal, ..site.clone() };
            names::here().site(site).map(|number| (FastSite { number, flags }, kept))
        }
        None => None,
    };
    let (fast, literal) = fast.map_or((None, None), |(fast, literal)| (Some(fast), literal));
    insert(frame, names, fast, literal.unwrap_or(std::ptr::null_mut()));
    Ok(Resolved::inline(site))
}

/// The message as a text, if it is a constant of the frame's code and the table of names has room.
fn literal(frame: &Frame<'_>, message: *mut ffi::PyObject) -> PyResult<Option<String>> {
    if names::here().is_half_full() {
        return Ok(None);
    }
    let py = frame.as_any().py();
    // SAFETY: the frame holds the code.
    let code = unsafe { Bound::from_borrowed_ptr(py, frame.call_site().code.cast()) };
    let constants = code.getattr(intern!(py, "co_consts"))?.cast_into::<PyTuple>()?;
    let found = constants.iter_borrowed().find(|constant| constant.as_ptr() == message);
    let text = found.and_then(|constant| constant.cast::<PyString>().ok().map(|text| text.to_owned()));
    Ok(text.filter(|text| text.len().is_ok_and(|length| length <= LITERAL)).map(|text| text_of(text.as_any())))
}

/// Notes the site of other calls from this call site.
fn set_bare(py: Python<'_>, call_site: CallSite, bare: u32) {
    // SAFETY: no Python code runs until the reference is gone.
    let cache = unsafe { &mut *CACHE.get(py) };
    let index = cache.set_of(call_site);
    let known = cache.sets.get_mut(index).into_iter().flatten().flatten().find(|entry| entry.is_at(call_site));
    if let Some(entry) = known {
        entry.bare = bare;
    }
}

/// A site without fields. The fields of the call are written with their names.
pub struct Resolved {
    pub number: u32,
    /// Written into the record: at the first call from a call site, and when the table is full.
    pub site: Option<Box<Site>>,
}

impl Resolved {
    fn inline(site: Site) -> Self {
        Self { number: INLINE, site: Some(Box::new(site)) }
    }
}

/// The names of a call whose keywords are all fields.
fn field_names(names: Option<&Bound<'_, PyTuple>>) -> PyResult<Option<Vec<String>>> {
    let mut fields = Vec::new();
    for name in names.into_iter().flatten() {
        let name = name.cast_into::<PyString>()?;
        match name.to_str() {
            Ok(text) if parameter(&name).is_none() => fields.push(text.to_owned()),
            _ => return Ok(None),
        }
    }
    Ok(Some(fields))
}

/// Allocates the table, so that the first call that logs does not wait for it.
pub fn prepare(py: Python<'_>) {
    // SAFETY: no Python code runs until the reference is gone.
    unsafe { &mut *CACHE.get(py) }.prepare();
}

fn insert(frame: &Frame<'_>, names: Option<&Bound<'_, PyTuple>>, fast: Option<FastSite>, literal: *mut ffi::PyObject) {
    let py = frame.as_any().py();
    let call_site = frame.call_site();
    // SAFETY: the frame holds the code.
    let code = unsafe { Bound::from_borrowed_ptr(py, call_site.code.cast()) };
    let entry = CachedCallSite {
        code: code.unbind(),
        instruction: call_site.instruction,
        literal,
        names: names.map(|names| names.clone().unbind()),
        fast,
        bare: INLINE,
    };
    let mut gone = Vec::new();
    // SAFETY: no Python code runs until the reference is gone; what had to go is dropped after.
    unsafe { &mut *CACHE.get(py) }.insert(entry, &mut gone);
    drop(gone);
}

/// Module, function and line of a frame, as `logging` names them.
pub fn describe(frame: &Frame<'_>) -> PyResult<Site> {
    let py = frame.as_any().py();
    // SAFETY: the frame holds the code.
    let code = unsafe { Bound::from_borrowed_ptr(py, frame.call_site().code.cast()) };
    let path = code.getattr(intern!(py, "co_filename"))?.cast_into::<PyString>()?;
    let function = code.getattr(intern!(py, "co_name"))?.cast_into::<PyString>()?;
    Ok(Site {
        module: module_of(&path.to_string_lossy()).to_owned(),
        function: function.to_string_lossy().into_owned(),
        line: frame.line(),
        ..Site::default()
    })
}

/// The module of a file: its name without directories and extension.
fn module_of(path: &str) -> &str {
    let name = path.rsplit(['/', std::path::MAIN_SEPARATOR]).next().unwrap_or(path);
    match name.rsplit_once('.') {
        Some((stem, _)) if !stem.is_empty() => stem,
        _ => name,
    }
}

/// Marks a function as a wrapper of logging calls: records name its caller.
#[pyfunction]
pub fn mark_wrapper(code: &Bound<'_, PyCode>) {
    // SAFETY: replaced at once, dropped after. Remembered sites may name the wrapper, so all of them are forgotten.
    let forgotten = unsafe { std::mem::replace(&mut *CACHE.get(code.py()), Cache::new()) };
    drop(forgotten);
    // SAFETY: no Python code runs while the reference lives. The code is never freed, so its address keeps its meaning.
    if unsafe { &mut *WRAPPERS.get(code.py()) }.add(code.as_ptr() as usize) {
        std::mem::forget(code.clone());
    }
}

#[inline]
fn is_wrapper(py: Python<'_>, call_site: CallSite) -> bool {
    // SAFETY: looked at only.
    unsafe { &*WRAPPERS.get(py) }.has(call_site.code as usize)
}

/// A number that calls of the site that runs have in common. A site that has made a record keeps its number as long as it is remembered.
pub fn key(py: Python<'_>) -> u64 {
    let is_own = |call_site: &CallSite| !is_wrapper(py, *call_site);
    let call_site = CallSite::current(py).filter(is_own).or_else(|| caller(py, 1).map(|frame| frame.call_site()));
    call_site.map_or(0, |call_site| mix(call_site.code as u64, call_site.instruction as u64))
}

/// The frame a record names: `level` frames out, wrappers not counted.
pub fn caller(py: Python<'_>, level: usize) -> Option<Frame<'_>> {
    let mut frame = Frame::current(py)?;
    let mut left = level.max(1) - 1;
    loop {
        if !is_wrapper(py, frame.call_site()) {
            if left == 0 {
                return Some(frame);
            }
            left -= 1;
        }
        match frame.back() {
            Some(back) => frame = back,
            None => return Some(frame),
        }
    }
}
