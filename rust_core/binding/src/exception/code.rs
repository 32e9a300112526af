//! Positions in code, as they are written into every exception that passes them: each is encoded once.

use std::collections::HashMap;
use std::ffi::c_int;
use std::fs;
use std::hash::{BuildHasherDefault, Hasher};
use std::path::Path;

use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};
use unified_logger_core::exception::FURTHER_DOWN;
use unified_logger_core::memory;
use unified_logger_core::value::Put;

use super::{ask, put_optional, settings};
use crate::interpreter::gil::{Gil, intern};
use crate::interpreter::interrupt;
use crate::value::shown::text_of;

/// Positions in code whose frames are kept encoded.
const MOST_CACHED: usize = 4_096;

/// The position of a frame in its code.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct CodePosition {
    pub code: *mut ffi::PyCodeObject,
    pub instruction: c_int,
    /// The line, if the instruction does not give it: before 3.11, in stacks, and in tracebacks made by hand.
    pub line: c_int,
}

/// A frame, as it is written into every exception that passes it.
struct CachedFrame {
    /// Held so that the address in the key keeps its meaning.
    _code: Py<PyAny>,
    encoded: Box<[u8]>,
    is_application: bool,
}

static CACHE: Gil<Option<HashMap<CodePosition, CachedFrame, BuildHasherDefault<PositionHasher>>>> = Gil::new(None);

/// Spreads addresses and small numbers. Nobody outside of the process chooses them, so no secret is needed, which would
/// cost several times as much for each frame.
#[derive(Default)]
struct PositionHasher(u64);

impl PositionHasher {
    fn add(&mut self, word: u64) {
        self.0 = (self.0.rotate_left(5) ^ word).wrapping_mul(0x517c_c1b7_2722_0a95);
    }
}

impl Hasher for PositionHasher {
    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.add(u64::from(*byte)));
    }

    fn write_usize(&mut self, word: usize) {
        self.add(word as u64);
    }

    fn write_i32(&mut self, word: i32) {
        self.add(u64::from(word.cast_unsigned()));
    }

    fn finish(&self) -> u64 {
        // The table looks at the lowest bits, and the multiplication fills the highest.
        self.0.rotate_left(26)
    }
}

/// Writes what is known of a frame by its position: everything but how often it is repeated, and its variables. Returns
/// whether the code is the application's.
pub fn put(frame: &Bound<'_, PyAny>, position: CodePosition, out: &mut Vec<u8>) -> bool {
    let py = frame.py();
    // SAFETY: looked at and copied, without Python code.
    if let Some(cached) = unsafe { &*CACHE.get(py) }.as_ref().and_then(|cache| cache.get(&position)) {
        out.put(&cached.encoded);
        return cached.is_application;
    }
    memory::check();
    // SAFETY: the frame is alive and with it its code.
    let code = unsafe { Bound::from_borrowed_ptr(py, position.code.cast()) };
    let (encoded, is_application) = encode(frame, &code, position);
    out.put(&encoded);
    if memory::is_short() {
        return is_application;
    }
    let entry = CachedFrame { _code: code.unbind(), encoded: encoded.into(), is_application };
    // SAFETY: no Python code runs while the reference lives; what is replaced is dropped after.
    let old = unsafe {
        let cache = (*CACHE.get(py)).get_or_insert_default();
        let full = if cache.len() >= MOST_CACHED { std::mem::take(cache) } else { HashMap::default() };
        let has_room = cache.try_reserve(1).is_ok();
        (full, has_room.then(|| cache.insert(position, entry)))
    };
    drop(old);
    is_application
}

/// Whether the code of a frame is the application's.
pub fn is_application(frame: &Bound<'_, PyAny>, position: CodePosition) -> bool {
    // SAFETY: looked at only, without Python code.
    let known = unsafe { &*CACHE.get(frame.py()) }.as_ref().and_then(|cache| cache.get(&position));
    known.map_or_else(|| put(frame, position, &mut Vec::new()), |cached| cached.is_application)
}

/// Forgets what is known: other code may count as the application's from now on.
pub fn forget(py: Python<'_>) {
    drop(CACHE.replace(py, None));
}

fn encode(frame: &Bound<'_, PyAny>, code: &Bound<'_, PyAny>, position: CodePosition) -> (Vec<u8>, bool) {
    let py = frame.py();
    let text =
        |name: &Bound<'_, PyString>| code.getattr(name).map_or_else(|_| "<unknown>".into(), |text| text_of(&text));
    let file = text(intern!(py, "co_filename"));
    let line = line_of(position);
    let source = match source_kind(&file) {
        SourceKind::Nowhere => Some(String::new()),
        SourceKind::File if !has_several_lines(position) => None,
        SourceKind::File | SourceKind::Elsewhere => ask(py, intern!(py, "source"), (frame, position.instruction, line)),
    };
    let module = module_of(frame, &file);
    let is_application = settings::is_application(py, &file, &module);
    let mut out = Vec::with_capacity(192);
    out.put_text(&file);
    out.put_text(&text(intern!(py, "co_name")));
    out.put(&line.to_le_bytes());
    put_optional(source.as_deref(), &mut out);
    out.put_u8(u8::from(is_application));
    let (from, to) = columns_of(position);
    out.put(&from.to_le_bytes());
    out.put(&to.to_le_bytes());
    // Before 3.11 code does not know the class of its function.
    let function = text(if cfg!(Py_3_11) { intern!(py, "co_qualname") } else { intern!(py, "co_name") });
    out.put_text(&memory::joined(&[&module, ":", &function]));
    (out, is_application)
}

/// The name of a frame's module: the same on every machine, and however the program is started.
fn module_of(frame: &Bound<'_, PyAny>, file: &str) -> String {
    let py = frame.py();
    let globals = frame.getattr(intern!(py, "f_globals")).ok().and_then(|globals| globals.cast_into::<PyDict>().ok());
    let global = |name| globals.as_ref().and_then(|globals| interrupt::ok(py, globals.get_item(name)).flatten());
    let text = |found: Option<Bound<'_, PyAny>>| {
        // Generated code, such as a template's, may have a path for a name.
        found
            .filter(|found| found.is_instance_of::<PyString>())
            .map(|name| text_of(&name))
            .filter(|name| !name.is_empty() && !name.contains(['/', '\\']))
    };
    match text(global(intern!(py, "__name__"))) {
        Some(name) if name != "__main__" => name,
        name => {
            let spec = global(intern!(py, "__spec__")).filter(|spec| name.is_some() && !spec.is_none());
            let known = spec.and_then(|spec| interrupt::ok(py, spec.getattr(intern!(py, "name"))));
            text(known).unwrap_or_else(|| stem(file).to_owned())
        }
    }
}

/// The name of a file without its directories and `.py`.
fn stem(file: &str) -> &str {
    if file.starts_with('<') {
        // Since 3.13 each statement of an interactive session has a file name of its own.
        return file.find(">-").map_or(file, |end| &file[..=end]);
    }
    let name = file.rsplit(['/', '\\']).next().unwrap_or(file);
    name.strip_suffix(".py").unwrap_or(name)
}

fn line_of(position: CodePosition) -> u32 {
    if let Ok(line @ 1..) = u32::try_from(position.line) {
        return line;
    }
    // SAFETY: the code is alive, as its frame is.
    u32::try_from(unsafe { ffi::PyCode_Addr2Line(position.code, position.instruction) }).unwrap_or(0)
}

enum SourceKind {
    /// A regular file, which is read behind the queue.
    File,
    /// Sources that only Python finds: archives, notebooks, `exec`, relative paths, missing files.
    Elsewhere,
    /// A device or a pipe, which must not be opened.
    Nowhere,
}

fn source_kind(file: &str) -> SourceKind {
    let path = Path::new(file);
    match fs::metadata(path) {
        Ok(meta) if !meta.is_file() => SourceKind::Nowhere,
        Ok(_) if path.is_absolute() => SourceKind::File,
        _ => SourceKind::Elsewhere,
    }
}

/// From 3.13 on, `traceback` shows all lines of a statement.
fn has_several_lines(position: CodePosition) -> bool {
    cfg!(Py_3_13) && location(position).is_some_and(|(line, _, end_line, _)| end_line > line)
}

/// Where the expression stands in its first line, bytes from and to; (0, 0) if that is not known.
fn columns_of(position: CodePosition) -> (u32, u32) {
    let Some((line, column, end_line, end_column)) = location(position) else { return (0, 0) };
    match (u32::try_from(column), u32::try_from(end_column)) {
        (Ok(from), Ok(_)) if line < end_line => (from, FURTHER_DOWN),
        (Ok(from), Ok(to)) if line == end_line && from < to => (from, to),
        _ => (0, 0),
    }
}

/// Line and column of the beginning and of the end.
#[cfg(Py_3_11)]
fn location(position: CodePosition) -> Option<(c_int, c_int, c_int, c_int)> {
    unsafe extern "C" {
        fn PyCode_Addr2Location(
            code: *mut ffi::PyCodeObject,
            instruction: c_int,
            line: *mut c_int,
            column: *mut c_int,
            end_line: *mut c_int,
            end_column: *mut c_int,
        ) -> c_int;
    }
    if position.instruction < 0 {
        return None;
    }
    let (mut line, mut column, mut end_line, mut end_column) = (0, -1, 0, -1);
    // SAFETY: the code is alive, as its frame is; all four numbers are written.
    unsafe {
        PyCode_Addr2Location(
            position.code,
            position.instruction,
            &raw mut line,
            &raw mut column,
            &raw mut end_line,
            &raw mut end_column,
        );
    }
    Some((line, column, end_line, end_column))
}

#[cfg(not(Py_3_11))]
fn location(_position: CodePosition) -> Option<(c_int, c_int, c_int, c_int)> {
    None
}
