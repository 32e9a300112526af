//! Once every name was seen and every buffer has its size, nothing is allocated: neither by who logs nor by who writes.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use unified_logger_core::blackbox;
use unified_logger_core::config::Settings;
use unified_logger_core::encoder::{Encoder, JsonEncoder, Process, Text, TextEncoder, Whose};
use unified_logger_core::engine::Engine;
use unified_logger_core::error_handler::ErrorHandler;
use unified_logger_core::level;
use unified_logger_core::names;
use unified_logger_core::pipeline::{Batch, Pipeline};
use unified_logger_core::queue::{Offered, Queue};
use unified_logger_core::redaction::{Redactor, Rules, Spec, pattern_names};
use unified_logger_core::slab::Buffer;
use unified_logger_core::stats::Stats;

#[path = "../benches/rooms/guide.rs"]
mod guide;
use guide::{Guide, read};

const BATCH: usize = 1_000;

/// The system's allocator; counts what each thread asks of it.
struct Counting;

thread_local! {
    static ASKED: Cell<u64> = const { Cell::new(0) };
}

// SAFETY: all is handed on to the system's.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ASKED.set(ASKED.get() + 1);
        // SAFETY: promised by the caller.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        ASKED.set(ASKED.get() + 1);
        // SAFETY: promised by the caller.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        ASKED.set(ASKED.get() + 1);
        // SAFETY: promised by the caller.
        unsafe { System.realloc(block, layout, size) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: promised by the caller.
        unsafe { System.dealloc(block, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// How often this thread asks for memory in the meantime.
fn allocations(act: impl FnOnce()) -> u64 {
    let before = ASKED.get();
    act();
    ASKED.get() - before
}

fn settings(directory: &Path) -> Settings {
    let mut settings = Settings::of_test(directory);
    settings.queue.size = 10_000;
    settings
}

fn log(guide: &Guide, offer: impl Fn(Buffer) -> Offered) {
    let mut record = Buffer::alloc();
    guide.put(&mut record);
    assert!(matches!(offer(record), Offered::Taken));
}

/// Seen to fail with a `Vec` made for each record offered.
#[test]
fn a_call_allocates_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let engine = Engine::open(settings(directory.path()), Arc::default()).unwrap();
    engine.make_current();
    engine.start().unwrap();
    for guide in [Guide::new(), Guide::new().with_context_field(), Guide::new().at_level(level::ERROR)] {
        for _ in 0..10 {
            let counted = allocations(|| (0..BATCH).for_each(|_| log(&guide, |record| engine.offer(record))));
            assert_eq!(counted, 0);
            assert_eq!(engine.request_flush(true).wait(Duration::from_secs(60)), Some(true));
        }
    }
    assert!(engine.shutdown(Duration::from_secs(10)));
}

/// What the writer's thread does with a batch, black box and journal included. Seen to fail with a path copied at each write.
#[test]
fn a_batch_is_written_without_allocating() {
    let directory = tempfile::tempdir().unwrap();
    let settings = settings(directory.path());
    let stats = Arc::<Stats>::default();
    let errors = Arc::new(ErrorHandler::new(Arc::clone(&stats)));
    let made = blackbox::make(&settings.black_box, &settings.home(), &settings.output.box_settings(), names::here());
    let mut pipeline = Pipeline::open(&settings.output, made.black_box.as_ref(), &stats, &errors).unwrap();
    let queue = Queue::new(settings.queue, Arc::clone(&stats), true);
    let (mut batch, guides) = (Batch::default(), [Guide::new(), Guide::new().at_level(level::ERROR)]);
    let mut write = || {
        for number in 0..BATCH {
            log(&guides[usize::from(number % 10 == 0)], |record| queue.offer(record));
        }
        allocations(|| {
            assert_eq!(pipeline.drain(&queue, &mut batch), BATCH);
            pipeline.deliver(&mut batch);
            assert!(pipeline.commit());
            queue.depart(pipeline.release(&mut batch));
        })
    };
    // Buffers get their sizes.
    assert!(write() > 0);
    write();
    let counted: Vec<_> = (0..10).map(|_| write()).collect();
    assert_eq!(counted, [0; 10]);
}

/// JSON needs nothing. Where names of fields are only known with the record they are collected and compared, and the console's
/// text is put together apart: so often at most.
#[test]
fn a_line_is_encoded_with_few_allocations() {
    let (mut json, mut text) =
        (JsonEncoder::new(&Process::here()), TextEncoder::new(&Process::here(), &Text { color: true, ..Text::PLAIN }));
    let (plain, mixed) = (Guide::new().bytes(), Guide::new().with_context_field().bytes());
    let (plain, mixed) = (read(&plain), read(&mixed));
    let mut out = Vec::with_capacity(4_096);
    let mut second = |encode: &mut dyn FnMut(&mut Vec<u8>)| {
        encode(&mut out);
        allocations(|| encode(&mut out))
    };
    assert_eq!(second(&mut |out| json.encode(&plain, Whose::Application, out)), 0);
    assert!(second(&mut |out| json.encode(&mixed, Whose::Application, out)) <= 12);
    assert!(second(&mut |out| text.encode(&plain, Whose::Application, out)) <= 6);
    assert!(second(&mut |out| text.encode(&mixed, Whose::Application, out)) <= 6);
}

/// Searches remember what they need, and a record without secrets stays as it is.
#[test]
fn a_record_without_secrets_is_redacted_without_allocating() {
    let rules = Rules::new(Spec { patterns: pattern_names().map(str::to_owned).collect(), ..Spec::default() }).unwrap();
    let mut redactor = Redactor::new(rules, Arc::clone(names::here()));
    for bytes in [Guide::new().bytes(), Guide::new().with_context_field().bytes()] {
        let record = read(&bytes);
        for _ in 0..10 {
            redactor.redact(&record);
        }
        assert_eq!(allocations(|| assert_eq!(redactor.redact(&record).message, record.message)), 0);
    }
}
