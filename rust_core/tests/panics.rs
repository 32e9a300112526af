//! Panics at every place where one can be injected, and memory that is refused: each costs at most the record it happened on,
//! is counted and reported, and everything goes on. Run by `scripts/check.py` with the feature `fault_injection`.
#![cfg(unix)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::fs;
use std::os::fd::AsRawFd;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, Once, PoisonError};
use std::time::{Duration, Instant};

use unified_logger_core::blackbox::Home;
use unified_logger_core::config::Settings;
use unified_logger_core::encoder::{Format, Text};
use unified_logger_core::engine::Engine;
use unified_logger_core::fault_injection::{self, Fault};
use unified_logger_core::level;
use unified_logger_core::outputs::Output;
use unified_logger_core::queue::Offered;
use unified_logger_core::queue::{self, Overflow};
use unified_logger_core::record::Builder;
use unified_logger_core::recovery;
use unified_logger_core::redaction::{Rules, Spec};
use unified_logger_core::router::Selector;
use unified_logger_core::sink::{self, Fsync, Stream};
use unified_logger_core::slab::Buffer;
use unified_logger_core::stats::{CONSOLE, Stats};
use unified_logger_core::value::{OutOfMemory, Put, Value};

/// Only one fault is armed at a time, and only one thread of a process recovers.
static ALONE: Mutex<()> = Mutex::new(());

fn alone() -> MutexGuard<'static, ()> {
    static QUIET: Once = Once::new();
    // Panics that were ordered are no news.
    QUIET.call_once(|| {
        let usual = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            let text = panic.payload().downcast_ref::<String>();
            if !text.is_some_and(|text| text.ends_with(fault_injection::MESSAGE)) {
                usual(panic);
            }
        }));
    });
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

const COUNT: i64 = 3_000;
const PATIENCE: Duration = Duration::from_secs(60);

fn settings(directory: &Path) -> Settings {
    let mut settings = Settings::of_test(directory);
    settings.output.to.outputs.pop();
    for file in settings.output.to.files_mut() {
        (file.max_bytes, file.backup_count) = (20_000, 1_000);
    }
    settings.output.redaction = Some(Rules::new(Spec::default()).unwrap());
    settings.output.fsync = Fsync::Always;
    settings.queue = queue::Settings { size: 10_000, overflow_timeout: PATIENCE, ..settings.queue };
    settings
}

fn with_console(directory: &Path) -> Settings {
    let mut settings = settings(directory);
    settings.output.to.outputs.push(Output {
        name: "console".into(),
        select: Selector::from_level(level::DEBUG),
        format: Format::Text(Text::PLAIN),
        to: sink::Settings::Stream(Stream::Console),
    });
    settings
}

/// Every tenth is an error.
fn offer(engine: &Engine, number: i64) {
    let mut record = Buffer::alloc();
    let level = if number % 10 == 9 { level::ERROR } else { level::INFO };
    Builder { time: number, level, logger: "l", function: "f", message: "m" }
        .put(&mut record, &[("n", Value::Integer(number))]);
    assert!(matches!(engine.offer(record), Offered::Taken));
}

/// Numbers of the records in a file and in those rotated from it, oldest first; each line is whole.
fn numbers(directory: &Path, name: &str) -> Vec<i64> {
    let mut found: Vec<(i64, String)> = fs::read_dir(directory)
        .unwrap()
        .filter_map(|entry| {
            let entry = entry.unwrap();
            let path = entry.file_name().into_string().unwrap();
            let age = path.strip_prefix(name)?.trim_start_matches('.').parse().unwrap_or(0_i64);
            Some((-age, fs::read_to_string(entry.path()).unwrap()))
        })
        .collect();
    found.sort();
    let lines = found.iter().flat_map(|(_, text)| text.lines());
    lines.filter_map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["n"].as_i64()).collect()
}

fn errors_of(numbers: impl IntoIterator<Item = i64>) -> Vec<i64> {
    numbers.into_iter().filter(|number| number % 10 == 9).collect()
}

/// After a flush: accepted = written + dropped + failed.
fn is_accounted_for(stats: &Stats) -> bool {
    stats.accepted() == stats.written.get() + stats.dropped_total() + stats.failed.get()
}

/// Logs while `fault` happens, and leaves the engine flushed.
fn log_through(directory: &Path, fault: Fault, skip: u32, times: u32) -> (Engine, Arc<Stats>) {
    let stats = Arc::<Stats>::default();
    let engine = Engine::open(settings(directory), Arc::clone(&stats)).unwrap();
    // All are there before the first is taken, so that batches are full and files are rotated within them.
    (0..COUNT).for_each(|number| offer(&engine, number));
    fault_injection::arm(fault, skip, times);
    engine.start().unwrap();
    assert_eq!(engine.request_flush(true).wait(PATIENCE), Some(true), "{fault:?}");
    assert_eq!(fault_injection::disarm(), 0, "{fault:?} never happened");
    (engine, stats)
}

const OF_THE_WRITER: [Fault; 3] = [Fault::Taken, Fault::Delivered, Fault::Committed];
const OF_A_SINK: [Fault; 3] = [Fault::BeforeWrite, Fault::AfterWrite, Fault::Rotate];

/// Seen to fail with the batch left behind after a panic, and with what a sink had written before its panic not accounted for.
#[test]
fn a_panic_of_the_writer_or_a_sink_costs_nothing() {
    let _alone = alone();
    for fault in [&OF_THE_WRITER[..], &OF_A_SINK, &[Fault::Sync]].concat() {
        for (skip, times) in [(0, 1), (1, 1), (0, 12)] {
            let directory = tempfile::tempdir().unwrap();
            let (engine, stats) = log_through(directory.path(), fault, skip, times);
            let case = format!("{fault:?} after {skip}, {times} times");
            assert_eq!(numbers(directory.path(), "app.log"), (0..COUNT).collect::<Vec<_>>(), "{case}");
            assert_eq!(numbers(directory.path(), "errors.log"), errors_of(0..COUNT), "{case}");
            assert_eq!((stats.written.get(), stats.failed.get()), (COUNT as u64, 0), "{case}");
            let counted =
                stats.writer_restarts.get() + stats.files.iter().map(|(_, file)| file.errors.get()).sum::<u64>();
            assert_eq!(counted, u64::from(times), "{case}");
            assert!(stats.errors.get() >= u64::from(times), "{case}");
            assert!(engine.shutdown(PATIENCE));
            assert!(is_accounted_for(&stats));
        }
    }
}

#[test]
fn a_panic_on_a_record_costs_that_record() {
    let _alone = alone();
    for fault in [Fault::Route, Fault::Redact, Fault::Encode] {
        let directory = tempfile::tempdir().unwrap();
        let (engine, stats) = log_through(directory.path(), fault, 1_500, 3);
        let left: Vec<i64> = (0..1_500).chain(1_503..COUNT).collect();
        assert_eq!(numbers(directory.path(), "app.log"), left, "{fault:?}");
        assert_eq!(numbers(directory.path(), "errors.log"), errors_of(left), "{fault:?}");
        assert_eq!((stats.failed.get(), stats.errors.get(), stats.writer_restarts.get()), (3, 3, 0));
        assert!(is_accounted_for(&stats));
        assert!(engine.shutdown(PATIENCE));
    }
}

/// The record is in the file that came first.
#[test]
fn a_panic_between_two_files_costs_the_second_its_line() {
    let _alone = alone();
    let directory = tempfile::tempdir().unwrap();
    // Of the first ten records each passes once; the tenth is an error, and passes on its way to the first file too.
    let (engine, stats) = log_through(directory.path(), Fault::Push, 9, 1);
    assert_eq!(numbers(directory.path(), "app.log"), (0..COUNT).collect::<Vec<_>>());
    assert_eq!(numbers(directory.path(), "errors.log"), errors_of(10..COUNT));
    assert_eq!(stats.failed.get(), 1);
    assert!(is_accounted_for(&stats));
    assert!(engine.shutdown(PATIENCE));
}

/// Standard error, into a file for as long as this lives.
struct Console {
    shown: tempfile::NamedTempFile,
    usual: i32,
}

impl Console {
    fn redirect() -> Self {
        let shown = tempfile::NamedTempFile::new().unwrap();
        // SAFETY: both are descriptors of this process; nobody else changes them, the test is alone.
        let usual = unsafe {
            let usual = libc::dup(2);
            assert!(libc::dup2(shown.as_file().as_raw_fd(), 2) == 2);
            usual
        };
        Self { shown, usual }
    }

    fn text(&self) -> String {
        fs::read_to_string(self.shown.path()).unwrap()
    }

    fn numbers(&self) -> Vec<i64> {
        let text = self.text();
        text.lines().filter_map(|line| line.rsplit_once("n=")?.1.parse().ok()).collect()
    }
}

impl Drop for Console {
    fn drop(&mut self) {
        // SAFETY: as above.
        unsafe {
            libc::dup2(self.usual, 2);
            libc::close(self.usual);
        }
    }
}

/// Seen to fail with the text of the record that could not be encoded left among the lines.
#[test]
fn a_panic_of_the_console_costs_the_files_nothing() {
    let _alone = alone();
    let console = Console::redirect();
    let directory = tempfile::tempdir().unwrap();
    let stats = Arc::<Stats>::default();
    let engine = Engine::open(with_console(directory.path()), Arc::clone(&stats)).unwrap();
    engine.start().unwrap();
    let counts = stats.streams.of(CONSOLE);
    let shown = |from: i64| {
        (from..from + 5).for_each(|number| offer(&engine, number));
        assert_eq!(engine.request_flush(true).wait(PATIENCE), Some(true));
        assert!(engine.flush_console(PATIENCE));
        // What the console did is looked at with the next batch.
        assert_eq!(engine.request_flush(true).wait(PATIENCE), Some(true));
        (counts.written.get(), counts.dropped.get(), stats.failed.get())
    };
    assert_eq!(shown(0), (5, 0, 0));
    fault_injection::arm(Fault::Console, 0, 1);
    let (written, dropped, _) = shown(5);
    assert_eq!(fault_injection::disarm(), 0);
    assert_eq!(written + dropped, 10);
    assert!(dropped > 0);
    let after = shown(10);
    assert_eq!(after, (written + 5, dropped, 0));
    fault_injection::arm(Fault::EncodeText, 0, 1);
    // Not even a part of it is shown.
    assert_eq!(shown(15), (written + 9, dropped, 1));
    assert_eq!(fault_injection::disarm(), 0);
    assert!(engine.shutdown(PATIENCE));
    assert_eq!(numbers(directory.path(), "app.log"), (0..15).chain(16..20).collect::<Vec<_>>());
    let shown = console.numbers();
    assert_eq!(shown.len() as u64, written + 9);
    assert!(!shown.contains(&15), "{shown:?}");
}

/// After shutdown, callers write themselves.
#[test]
fn a_panic_on_a_callers_thread_reaches_no_caller() {
    let _alone = alone();
    for fault in [&OF_THE_WRITER[..], &OF_A_SINK].concat() {
        let directory = tempfile::tempdir().unwrap();
        let stats = Arc::<Stats>::default();
        let engine = Engine::open(settings(directory.path()), Arc::clone(&stats)).unwrap();
        engine.start().unwrap();
        assert!(engine.shutdown(PATIENCE));
        fault_injection::arm(fault, 0, 2);
        // Enough for a rotation.
        (0..400).for_each(|number| offer(&engine, number));
        assert_eq!(engine.request_flush(true).wait(PATIENCE), Some(true), "{fault:?}");
        assert_eq!(fault_injection::disarm(), 0, "{fault:?}");
        assert_eq!(numbers(directory.path(), "app.log"), (0..400).collect::<Vec<_>>(), "{fault:?}");
        assert_eq!(stats.failed.get(), 0);
        assert!(is_accounted_for(&stats));
    }
}

/// A writer that comes no further holds up nobody for longer than they said, and its records wait in the black box.
///
/// Seen to fail without the pause after a panic.
#[test]
fn a_writer_that_always_panics_leaves_everything_to_a_recovery() {
    let _alone = alone();
    for fault in [&OF_THE_WRITER[..], &OF_A_SINK].concat() {
        let directory = tempfile::tempdir().unwrap();
        let engine = Engine::open(settings(directory.path()), Arc::default()).unwrap();
        (0..COUNT).for_each(|number| offer(&engine, number));
        fault_injection::arm(fault, 0, u32::MAX);
        engine.start().unwrap();
        let started = Instant::now();
        assert!(!engine.shutdown(Duration::from_millis(200)), "{fault:?}");
        assert!(started.elapsed() < Duration::from_secs(20), "{fault:?}");
        let happened = u32::MAX - fault_injection::disarm();
        assert!((1..1_000).contains(&happened), "{fault:?} happened {happened} times: it never rests");
        assert!(engine.shutdown(PATIENCE), "{fault:?}");
        assert_eq!(numbers(directory.path(), "app.log"), (0..COUNT).collect::<Vec<_>>(), "{fault:?}");
        assert_eq!(numbers(directory.path(), "errors.log"), errors_of(0..COUNT), "{fault:?}");
    }
}

/// Seen to fail with the positions of the records that waited counted among those that the dead process gave away.
#[test]
fn a_panic_in_a_recovery_loses_and_doubles_nothing() {
    let _alone = alone();
    for fault in [Fault::Recover, Fault::Noted, Fault::BeforeWrite, Fault::AfterWrite, Fault::Rotate] {
        for skip in [0, 1] {
            let directory = tempfile::tempdir().unwrap();
            let engine = Engine::open(settings(directory.path()), Arc::default()).unwrap();
            (0..COUNT).for_each(|number| offer(&engine, number));
            drop(engine);
            fault_injection::arm(fault, skip, 1);
            let case = format!("{fault:?} after {skip}");
            let first = recovery::sweep(&Home::Directory(directory.path().to_owned())).unwrap();
            if fault_injection::disarm() == 0 {
                assert_eq!((first.boxes, first.failed.len()), (0, 1), "{case}");
                let second = recovery::sweep(&Home::Directory(directory.path().to_owned())).unwrap();
                assert_eq!((second.boxes, second.records), (1, COUNT as u64), "{case}: {second:?}");
            }
            let found = numbers(directory.path(), "app.log");
            let wrong = found.iter().zip(0..).find(|(found, number)| *found != number);
            assert_eq!((wrong, found.len()), (None, COUNT as usize), "{case}");
            assert_eq!(numbers(directory.path(), "errors.log"), errors_of(0..COUNT), "{case}");
        }
    }
}

/// Refuses memory of a size from `REFUSED` on to the thread that asks for it.
struct Refusing;

thread_local! {
    static REFUSED: Cell<usize> = const { Cell::new(usize::MAX) };
}

// SAFETY: the system's allocator, which may say no.
unsafe impl GlobalAlloc for Refusing {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if layout.size() >= REFUSED.get() {
            return std::ptr::null_mut();
        }
        // SAFETY: as the caller promises.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, bytes: *mut u8, layout: Layout) {
        // SAFETY: as the caller promises.
        unsafe { System.dealloc(bytes, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Refusing = Refusing;

/// What capture is told is `OutOfMemory`, which the binding counts as a drop for want of memory.
#[test]
fn memory_that_is_refused_ends_a_capture_and_nothing_else() {
    let _alone = alone();
    let directory = tempfile::tempdir().unwrap();
    let engine = Engine::open(settings(directory.path()), Arc::default()).unwrap();
    engine.start().unwrap();
    offer(&engine, 0);
    // All slots of the pool are taken: what comes now is on the heap, and grows as it is filled.
    let slots: Vec<Buffer> =
        std::iter::repeat_with(Buffer::alloc).take_while(|buffer| buffer.heap_size() == 0).collect();
    for refused in [300, 700, 4_000] {
        REFUSED.set(refused);
        let captured = catch_unwind(AssertUnwindSafe(|| {
            let mut record = Buffer::alloc();
            (0..200).for_each(|_| record.put(&[0; 64]));
        }));
        REFUSED.set(usize::MAX);
        assert!(captured.unwrap_err().is::<OutOfMemory>(), "{refused}");
    }
    drop(slots);
    offer(&engine, 1);
    assert!(engine.shutdown(PATIENCE));
    assert_eq!(numbers(directory.path(), "app.log"), [0, 1]);
}

/// What the library says itself and has no memory for, on the caller's thread and on the one that writes, is told on standard error
/// without any, once per interval, and counted.
///
/// Seen to fail with the record made, and written, as if nothing could go wrong; and to abort with a line that asks for its memory.
#[test]
fn a_notice_without_memory_is_reported_on_standard_error() {
    let _alone = alone();
    let console = Console::redirect();
    let directory = tempfile::tempdir().unwrap();
    let stats = Arc::<Stats>::default();
    let engine = Engine::open(settings(directory.path()), Arc::clone(&stats)).unwrap();
    engine.start().unwrap();
    // From now on callers write.
    assert!(engine.shutdown(PATIENCE));
    let message = format!("about \u{1b}[1m{}", "x".repeat(100_000));
    let notice = || engine.notice(level::WARNING, "f", &message, &[]);
    let refuse = |act: &dyn Fn()| {
        REFUSED.set(1_500);
        act();
        REFUSED.set(usize::MAX);
    };
    for _ in 0..3 {
        refuse(&notice);
    }
    assert_eq!((stats.errors.get(), stats.notices.get()), (3, 0));
    notice();
    refuse(&|| assert_eq!(engine.request_flush(true).wait(PATIENCE), Some(true)));
    assert_eq!((stats.errors.get(), stats.notices.get(), stats.writer_restarts.get()), (4, 0, 0));
    let text = console.text();
    assert_eq!(text.lines().count(), 1, "{text}");
    let start = "unified_logger: cannot write a record of its own: there is no memory for it: about ?[1mxxx";
    assert!(text.starts_with(start), "{text}");
    notice();
    assert_eq!(engine.request_flush(true).wait(PATIENCE), Some(true));
    assert_eq!((stats.errors.get(), stats.notices.get()), (4, 1));
}

/// Seen to fail with records counted as reported before they were.
#[test]
fn drops_that_could_not_be_reported_are_reported_later() {
    let _alone = alone();
    let directory = tempfile::tempdir().unwrap();
    let stats = Arc::<Stats>::default();
    let mut settings = settings(directory.path());
    (settings.queue.overflow, settings.queue.size) = (Overflow::DropNew, 10);
    let engine = Engine::open(settings, Arc::clone(&stats)).unwrap();
    for number in 0..25 {
        let mut record = Buffer::alloc();
        Builder { time: 0, level: level::INFO, logger: "l", function: "f", message: "m" }
            .put(&mut record, &[("n", Value::Integer(number))]);
        let _ = engine.offer(record);
    }
    let dropped = stats.dropped_total();
    assert!(dropped > 0);
    // That of the record which reports it.
    fault_injection::arm(Fault::Encode, u32::try_from(25 - dropped).unwrap(), 1);
    engine.start().unwrap();
    assert_eq!(engine.request_flush(true).wait(PATIENCE), Some(true));
    assert_eq!(fault_injection::disarm(), 0);
    assert_eq!(engine.request_flush(true).wait(PATIENCE), Some(true));
    assert_eq!((stats.dropped_reported.get(), stats.notices.get(), stats.errors.get()), (dropped, 1, 1));
    assert!(engine.shutdown(PATIENCE));
    let text = fs::read_to_string(directory.path().join("app.log")).unwrap();
    assert_eq!(text.matches(&format!("\"{dropped} records dropped\"")).count(), 1, "{text}");
    assert_eq!(stats.writer_restarts.get(), 0);
}
