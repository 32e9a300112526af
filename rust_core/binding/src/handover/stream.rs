//! The console if `sys.stderr`, or `sys.stdout` where that is the console, is not the process's own stream: in notebooks, in
//! test runners, with redirected streams. The line is encoded and written to that object on the calling thread. The writer thread never touches
//! Python.

use std::cell::Cell;
use std::fmt::Write;
use std::sync::Arc;

use pyo3::exceptions::PyUnicodeEncodeError;
use pyo3::prelude::*;
use unified_logger_core::encoder::{Fields, Format, Lines, Process, Whose};
use unified_logger_core::forks;
use unified_logger_core::outputs::{self, Output};
use unified_logger_core::platform::Standard;
use unified_logger_core::record::{self, Record, flag};
use unified_logger_core::redaction::Rules;
use unified_logger_core::router::{AiLoggers, Router};
use unified_logger_core::sink::Stream;
use unified_logger_core::slab::Buffer;
use unified_logger_core::stats::CONSOLE;
use unified_logger_core::value::Put;

use crate::handover;
use crate::interpreter::counts::STATS;
use crate::interpreter::ending;
use crate::interpreter::fork;
use crate::interpreter::gil::Gil;
use crate::interpreter::gil::intern;
use crate::interpreter::interrupt;
use crate::interpreter::watch::{Kind, Watched};
use crate::value::shown::describe;

struct WatchedStream {
    watched: Watched,
    /// Which of them the console is.
    standard: Standard,
    target: StreamTarget,
}

/// The target of the stream of `sys` that the console is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum StreamTarget {
    /// The process's own stream, to which the writer's console writes.
    Process,
    /// Another object.
    Stream,
    /// None. The number of the stream may belong to any file then.
    Nowhere,
}

thread_local! {
    /// Whether this thread is asking or writing to a stream. A record that the stream logs then is not shown on the
    /// stream, which would never end. It goes to the files and to the process's own standard error.
    static SHOWS: Cell<bool> = const { Cell::new(false) };
}

/// This thread is showing a record while the value lives.
struct Showing(());

impl Showing {
    /// `None` for a record that a stream logs while a record is shown on it.
    fn begin() -> Option<Self> {
        (!SHOWS.replace(true)).then(|| Self(()))
    }
}

impl Drop for Showing {
    fn drop(&mut self) {
        SHOWS.set(false);
    }
}

static STREAM: Gil<Option<WatchedStream>> = Gil::new(None);
static STREAM_LINES: Gil<Option<Box<StreamLines>>> = Gil::new(None);

/// Selects the records for the stream and encodes their lines. Made for one set of settings.
struct StreamLines {
    output: Output,
    fields: Fields,
    ai: AiLoggers,
    redaction: Option<Arc<Rules>>,
    router: Router,
    lines: Lines,
}

impl StreamLines {
    fn new(output: &Output, settings: &outputs::Settings, redaction: Option<&Arc<Rules>>) -> Self {
        let format = match &output.format {
            // A stream of the program may lead anywhere, so its lines have no colours.
            Format::Text(text) => Format::Text(text.for_stream()),
            format => format.clone(),
        };
        let process = Process::here().with_fields(&settings.fields);
        Self {
            output: output.clone(),
            fields: settings.fields.clone(),
            ai: settings.ai.clone(),
            redaction: redaction.cloned(),
            lines: Lines::new(&process, redaction.cloned(), &[&format]),
            router: Router::new(process.names, vec![output.select.clone()], settings.ai.clone()),
        }
    }

    fn is_of(&self, output: &Output, settings: &outputs::Settings, redaction: Option<&Arc<Rules>>) -> bool {
        self.redaction.as_ref().map(Arc::as_ptr) == redaction.map(Arc::as_ptr)
            && self.output == *output
            && self.fields == settings.fields
            && self.ai == settings.ai
    }

    /// The line of a record, or `None` if the record is not for the console.
    fn line(&mut self, record: &[u8]) -> Option<Vec<u8>> {
        // SAFETY: captured records hold UTF-8 texts.
        let read = unsafe { Record::read(record) }?;
        if self.router.route(&read) == 0 {
            return None;
        }
        self.lines.encode(&read, Whose::Application, 1, record.len());
        Some(self.lines.of(0).to_vec())
    }
}

/// Whether a record of this level may be for a stream other than the process's own.
#[inline]
pub fn wants(py: Python<'_>, level: i32) -> bool {
    // SAFETY: looked at only.
    match unsafe { &*STREAM.get(py) } {
        Some(stream) if stream.watched.is_unchanged() => stream.target != StreamTarget::Process && is_shown(py, level),
        _ => true,
    }
}

/// Whether the console takes records of this level.
fn is_shown(py: Python<'_>, level: i32) -> bool {
    handover::engine(py)
        .and_then(|engine| engine.settings().output.to.console())
        .is_some_and(|console| console.select.takes_level(level))
}

/// Which stream the console is, and whether files are written too.
fn console(py: Python<'_>) -> (Standard, bool) {
    let Some(engine) = handover::engine(py) else { return (Standard::Error, true) };
    let to = &engine.settings().output.to;
    let standard = to.console().and_then(|console| console.to.stream()).map_or(Standard::Error, Stream::standard);
    (standard, to.has_files())
}

/// To be called when an engine takes the place of another, whose console may have been another stream.
pub fn ask_again(py: Python<'_>) {
    drop(STREAM.replace(py, None));
}

/// The target of the console's stream, or `None` if it cannot be asked.
fn stream_target(py: Python<'_>) -> Option<StreamTarget> {
    // SAFETY: looked at only.
    match unsafe { &*STREAM.get(py) } {
        Some(stream) if stream.watched.is_unchanged() => return Some(stream.target),
        _ => {}
    }
    let (standard, has_files) = console(py);
    let asked = (|| {
        let sys = py.import(intern!(py, "sys"))?;
        let watched = Watched::new(Kind::Streams, vec![sys.dict()]);
        let target = match stream(py, standard)? {
            // Where it is the only place of the records, the process's own stream is tried: that fails and is told, or has them.
            None => {
                if has_files {
                    StreamTarget::Nowhere
                } else {
                    StreamTarget::Process
                }
            }
            Some(stream) => {
                let number = stream.call_method0(intern!(py, "fileno")).and_then(|number| number.extract::<i32>());
                if interrupt::ok(py, number) == Some(standard.number()) {
                    StreamTarget::Process
                } else {
                    StreamTarget::Stream
                }
            }
        };
        PyResult::Ok(WatchedStream { watched, standard, target })
    })();
    let stream = interrupt::ok(py, asked)?;
    let target = stream.target;
    drop(STREAM.replace(py, Some(stream)));
    Some(target)
}

/// Whether the console's stream is known to be None. Then no record is encoded or written.
fn leads_nowhere(py: Python<'_>) -> bool {
    // SAFETY: looked at only.
    unsafe { &*STREAM.get(py) }
        .as_ref()
        .is_some_and(|stream| stream.target == StreamTarget::Nowhere && stream.watched.is_unchanged())
}

/// Shows a record on the console's stream if it is for that stream, marks it as shown, and returns it. A failure costs only the
/// line on the stream.
#[cold]
pub fn show(py: Python<'_>, mut record: Buffer) -> Buffer {
    if ending::is_here(py) {
        return record;
    }
    if leads_nowhere(py) {
        record::add_flags(record.as_mut_slice(), flag::CONSOLE_DONE);
        return record;
    }
    let Some(_showing) = Showing::begin() else { return record };
    // A stream may do anything, even fork. The child continues with a copy, because the record lies in memory of its
    // parent.
    let (forks, mut copy) = (forks::count(), Vec::new());
    copy.put(record.as_slice());
    if show_once(py, &copy) {
        record::add_flags(record.as_mut_slice(), flag::CONSOLE_DONE);
        record::add_flags(&mut copy, flag::CONSOLE_DONE);
    }
    fork::notice(py);
    if forks::count() == forks {
        return record;
    }
    drop(record);
    let mut own = Buffer::alloc();
    own.put(&copy);
    own
}

/// False if the record is for the process's own stream or for no console.
fn show_once(py: Python<'_>, record: &[u8]) -> bool {
    let inside = ending::Inside::enter();
    let target = stream_target(py).unwrap_or(StreamTarget::Process);
    if target == StreamTarget::Process || !is_shown(py, record::level_of(record)) {
        return false;
    }
    if target == StreamTarget::Nowhere {
        return true;
    }
    let Some(line) = encode(py, record) else { return false };
    match write(py, &String::from_utf8_lossy(&line)) {
        Ok(false) => {}
        Ok(true) => STATS.streams.of(CONSOLE).written.add(1),
        Err(error) => {
            interrupt::hold(py, &error);
            STATS.streams.of(CONSOLE).dropped.add(1);
            let error = describe(py, &error);
            drop(inside);
            handover::report(py, action(py), &error);
        }
    }
    true
}

fn action(py: Python<'_>) -> &'static str {
    match console(py).0 {
        Standard::Output => "write to sys.stdout",
        Standard::Error => "write to sys.stderr",
    }
}

fn encode(py: Python<'_>, record: &[u8]) -> Option<Vec<u8>> {
    let settings = &handover::engine(py)?.settings().output;
    let (console, redaction) = (settings.to.console()?, settings.redaction.as_ref());
    // SAFETY: routing and encoding run no Python code.
    let lines = unsafe { &mut *STREAM_LINES.get(py) };
    if lines.as_ref().is_none_or(|lines| !lines.is_of(console, &settings.to, redaction)) {
        *lines = Some(Box::new(StreamLines::new(console, &settings.to, redaction)));
    }
    lines.as_mut()?.line(record)
}

/// Writes and flushes a line, as `logging.StreamHandler` does. False if there is no stream.
fn write(py: Python<'_>, line: &str) -> PyResult<bool> {
    let Some(stream) = stream(py, console(py).0)? else { return Ok(false) };
    let name = intern!(py, "write");
    if let Err(error) = stream.call_method1(name, (line,)) {
        if !error.is_instance_of::<PyUnicodeEncodeError>(py) {
            return Err(error);
        }
        stream.call_method1(name, (in_ascii(line),))?;
    }
    flush_stream(&stream)?;
    Ok(true)
}

fn stream(py: Python<'_>, standard: Standard) -> PyResult<Option<Bound<'_, PyAny>>> {
    let name = match standard {
        Standard::Output => intern!(py, "stdout"),
        Standard::Error => intern!(py, "stderr"),
    };
    Ok(py.import(intern!(py, "sys"))?.getattr_opt(name)?.filter(|stream| !stream.is_none()))
}

fn flush_stream(stream: &Bound<'_, PyAny>) -> PyResult<()> {
    match stream.getattr_opt(intern!(stream.py(), "flush"))? {
        Some(flush) => flush.call0().map(drop),
        None => Ok(()),
    }
}

/// A line for a stream whose encoding lacks its characters, with the escapes that JSON has.
fn in_ascii(line: &str) -> String {
    let mut out = String::with_capacity(line.len() * 2);
    for character in line.chars() {
        match character {
            _ if character.is_ascii() => out.push(character),
            // What text is drawn with.
            '│' => out.push('|'),
            '…' => out.push_str("..."),
            _ => {
                for unit in character.encode_utf16(&mut [0; 2]) {
                    // Writing to a text cannot fail.
                    let _ = write!(out, "\\u{unit:04x}");
                }
            }
        }
    }
    out
}

/// Flushes the stream that the console is.
pub fn flush(py: Python<'_>) {
    // SAFETY: looked at only.
    let asked = unsafe { &*STREAM.get(py) }.as_ref();
    let Some(standard) = asked.filter(|stream| stream.target == StreamTarget::Stream).map(|stream| stream.standard)
    else {
        return;
    };
    if ending::is_here(py) {
        return;
    }
    let Some(_showing) = Showing::begin() else { return };
    let _inside = ending::Inside::enter();
    // Each line was flushed by itself, and its failures were reported.
    if let Err(error) = stream(py, standard).and_then(|stream| stream.as_ref().map_or(Ok(()), flush_stream)) {
        interrupt::hold(py, &error);
    }
}

/// Remembers the process's standard streams before the program can change them.
pub fn remember(py: Python<'_>) -> PyResult<()> {
    let sys = py.import(intern!(py, "sys"))?;
    for (name, standard) in
        [(intern!(py, "__stdout__"), Standard::Output), (intern!(py, "__stderr__"), Standard::Error)]
    {
        standard.remember(sys.getattr_opt(name)?.is_some_and(|own| !own.is_none()));
    }
    Ok(())
}

/// A forked child's lines name its own process.
pub fn after_fork_in_child(py: Python<'_>) {
    drop(STREAM_LINES.replace(py, None));
}

#[cfg(test)]
mod tests {
    use super::in_ascii;

    #[test]
    fn what_is_not_ascii_is_escaped_as_json_has_it() {
        assert_eq!(in_ascii("  │ a\u{e9}\u{5904}\u{1f600}…\n"), "  | a\\u00e9\\u5904\\ud83d\\ude00...\n");
    }
}
