//! From an offered record to lines on disk, through the real queue and writer.

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use unified_logger_core::blackbox::Wanted;
use unified_logger_core::config::Settings;
use unified_logger_core::engine::Engine;
use unified_logger_core::level;
use unified_logger_core::queue::Offered;
use unified_logger_core::queue::Overflow;
use unified_logger_core::record::Builder;
use unified_logger_core::rotation::{Keep, Names};
use unified_logger_core::slab::Buffer;
use unified_logger_core::stats::{Dropped, Stats};
use unified_logger_core::value::Value;

const SECOND: Duration = Duration::from_secs(1);

fn record(logger: &str, level: i32, number: i64) -> Buffer {
    let mut buffer = Buffer::alloc();
    Builder { time: 0, level, logger, function: "f", message: "m" }.put(&mut buffer, &[("n", Value::Integer(number))]);
    buffer
}

/// Offers until taken, as a caller does that waits.
fn offer(engine: &Engine, record: Buffer) {
    let mut offered = engine.offer(record);
    while let Offered::Full(record) = offered {
        engine.wait_for_room(SECOND);
        offered = engine.offer(record);
    }
}

/// Numbers of the records in a file, without what the library says itself.
fn numbers(file: &Path) -> Vec<i64> {
    let text = std::fs::read_to_string(file).unwrap();
    text.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["n"].as_i64()).collect()
}

fn flush(engine: &Engine) -> bool {
    engine.request_flush(true).wait(60 * SECOND).unwrap()
}

#[test]
fn records_reach_the_files_they_are_routed_to() {
    let directory = tempfile::tempdir().unwrap();
    let engine = Engine::open(Settings::of_test(directory.path()), Arc::default()).unwrap();
    engine.start().unwrap();
    offer(&engine, record("app", level::INFO, 1));
    offer(&engine, record("app", level::ERROR, 2));
    offer(&engine, record("app.ai", level::INFO, 3));
    assert!(flush(&engine));
    assert_eq!(numbers(&directory.path().join("app.log")), [1, 2, 3]);
    assert_eq!(numbers(&directory.path().join("errors.log")), [2]);
    assert_eq!(numbers(&directory.path().join("ai_responses.log")), [3]);
    assert!(engine.shutdown(10 * SECOND));
}

#[test]
fn threads_through_a_small_queue_lose_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let stats = Arc::new(Stats::default());
    let engine = Engine::open(Settings::of_test(directory.path()), Arc::clone(&stats)).unwrap();
    engine.start().unwrap();
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let engine = &engine;
            scope
                .spawn(move || (0..2_000).for_each(|n| offer(engine, record("app", level::INFO, thread * 10_000 + n))));
        }
    });
    assert!(flush(&engine));
    let written = numbers(&directory.path().join("app.log"));
    assert_eq!(written.len(), 8_000);
    assert_eq!(written.iter().collect::<HashSet<_>>().len(), 8_000);
    assert_eq!((stats.accepted(), stats.written.get(), stats.depth()), (8_000, 8_000, 0));
    assert!(engine.shutdown(10 * SECOND));
}

#[test]
fn what_is_queued_before_the_start_is_written_after_it() {
    let directory = tempfile::tempdir().unwrap();
    let engine = Engine::open(Settings::of_test(directory.path()), Arc::default()).unwrap();
    offer(&engine, record("app", level::INFO, 1));
    engine.start().unwrap();
    assert!(engine.shutdown(10 * SECOND));
    assert_eq!(numbers(&directory.path().join("app.log")), [1]);
}

#[test]
fn after_shutdown_the_caller_writes() {
    let directory = tempfile::tempdir().unwrap();
    let engine = Engine::open(Settings::of_test(directory.path()), Arc::default()).unwrap();
    engine.start().unwrap();
    assert!(engine.shutdown(10 * SECOND));
    assert!(engine.shutdown(10 * SECOND));
    offer(&engine, record("app", level::INFO, 7));
    assert_eq!(numbers(&directory.path().join("app.log")), [7]);
    assert!(flush(&engine));
}

#[test]
fn drops_are_counted_and_reported_in_the_log() {
    let directory = tempfile::tempdir().unwrap();
    let stats = Arc::new(Stats::default());
    let mut overflow = Settings::of_test(directory.path());
    overflow.queue.overflow = Overflow::DropNew;
    let engine = Engine::open(overflow, Arc::clone(&stats)).unwrap();
    for number in 0..150 {
        assert!(!matches!(engine.offer(record("app", level::INFO, number)), Offered::Full(_)));
    }
    engine.start().unwrap();
    assert!(flush(&engine));
    let text = std::fs::read_to_string(directory.path().join("app.log")).unwrap();
    assert_eq!(text.lines().count(), 101);
    assert!(text.lines().last().unwrap().contains(r#""message":"50 records dropped""#), "{text}");
    assert_eq!((stats.accepted(), stats.written.get(), stats.dropped_total(), stats.notices.get()), (150, 100, 50, 1));
    assert!(engine.shutdown(10 * SECOND));
}

#[test]
fn a_directory_that_comes_back_gets_what_was_logged_meanwhile() {
    let directory = tempfile::tempdir().unwrap();
    let logs = directory.path().join("logs");
    let stats = Arc::new(Stats::default());
    let engine = Engine::open(Settings::of_test(&logs), Arc::clone(&stats)).unwrap();
    engine.start().unwrap();
    // In its place a file: the directory can be neither written nor made again.
    std::fs::remove_dir_all(&logs).unwrap();
    std::fs::write(&logs, "in the way").unwrap();
    (0..50).for_each(|number| offer(&engine, record("app", level::ERROR, number)));
    assert_eq!(engine.request_flush(false).wait(10 * SECOND), Some(false));
    assert_eq!(stats.written.get(), 0);
    std::fs::remove_file(&logs).unwrap();
    assert!(flush(&engine));
    assert_eq!(numbers(&logs.join("app.log")), (0..50).collect::<Vec<_>>());
    assert_eq!(numbers(&logs.join("errors.log")), (0..50).collect::<Vec<_>>());
    assert_eq!(stats.written.get(), 50);
    assert!(engine.shutdown(10 * SECOND));
}

#[test]
fn shutdown_keeps_its_timeout_when_the_disk_is_gone() {
    let directory = tempfile::tempdir().unwrap();
    let logs = directory.path().join("logs");
    let engine = Engine::open(Settings::of_test(&logs), Arc::default()).unwrap();
    engine.start().unwrap();
    std::fs::remove_dir_all(&logs).unwrap();
    std::fs::write(&logs, "in the way").unwrap();
    offer(&engine, record("app", level::INFO, 1));
    assert!(!engine.shutdown(Duration::from_millis(50)));
}

#[test]
fn a_caller_that_waited_in_vain_drops_its_record() {
    let directory = tempfile::tempdir().unwrap();
    let stats = Arc::new(Stats::default());
    let engine = Engine::open(Settings::of_test(directory.path()), Arc::clone(&stats)).unwrap();
    (0..100).for_each(|number| offer(&engine, record("app", level::INFO, number)));
    let Offered::Full(refused) = engine.offer(record("app", level::INFO, 100)) else { panic!("there was room") };
    assert!(!engine.wait_for_room(Duration::ZERO));
    engine.refuse(refused, Dropped::Timeout);
    assert!(matches!(engine.offer(record("app", level::INFO, 101)), Offered::Dropped));
    engine.start().unwrap();
    assert!(engine.shutdown(10 * SECOND));
    assert_eq!((stats.accepted(), stats.written.get(), stats.dropped_total()), (102, 100, 2));
}

#[test]
fn a_pause_ends_the_writer_and_loses_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let engine = Engine::open(Settings::of_test(directory.path()), Arc::default()).unwrap();
    engine.start().unwrap();
    for number in 0..20 {
        engine.pause();
        offer(&engine, record("app", level::INFO, number));
        engine.end_pause();
        // Otherwise the flush below has it go on.
        if number < 19 {
            engine.go_on_writing();
        }
    }
    assert!(flush(&engine));
    assert_eq!(numbers(&directory.path().join("app.log")), (0..20).collect::<Vec<_>>());
    assert!(engine.shutdown(10 * SECOND));
}

/// Forks of several threads overlap; the one that ends last has the writer go on.
#[test]
fn pauses_that_overlap_leave_a_writer_at_work() {
    let directory = tempfile::tempdir().unwrap();
    let engine = Engine::open(Settings::of_test(directory.path()), Arc::default()).unwrap();
    engine.start().unwrap();
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                for _ in 0..100 {
                    engine.pause();
                    engine.end_pause();
                    engine.go_on_writing();
                }
            });
        }
        (0..5_000).for_each(|number| offer(&engine, record("app", level::INFO, number)));
    });
    assert!(flush(&engine));
    assert_eq!(numbers(&directory.path().join("app.log")), (0..5_000).collect::<Vec<_>>());
    assert!(engine.shutdown(10 * SECOND));
}

/// A start while a fork is under way: the end of the fork finds an engine that knew nothing of its beginning.
#[test]
fn an_end_of_a_pause_that_never_began_does_no_harm() {
    let directory = tempfile::tempdir().unwrap();
    let engine = Engine::open(Settings::of_test(directory.path()), Arc::default()).unwrap();
    engine.start().unwrap();
    engine.end_pause();
    engine.pause();
    engine.end_pause();
    engine.go_on_writing();
    offer(&engine, record("l", level::INFO, 1));
    assert_eq!(engine.request_flush(true).wait(30 * SECOND), Some(true));
    assert!(engine.shutdown(30 * SECOND));
}

/// A fork lets the writer go while another thread shuts down: nobody but the shutdown is left to answer.
#[test]
fn a_flush_that_the_writer_did_not_live_to_answer_is_answered_by_the_shutdown() {
    let directory = tempfile::tempdir().unwrap();
    let engine = Engine::open(Settings::of_test(directory.path()), Arc::default()).unwrap();
    engine.start().unwrap();
    engine.pause();
    offer(&engine, record("l", level::INFO, 1));
    let flushing = engine.request_flush(false);
    assert!(engine.shutdown(30 * SECOND));
    assert_eq!(flushing.wait(Duration::ZERO), Some(true));
    assert_eq!(numbers(&directory.path().join("app.log")), [1]);
}

/// Seen to fail (false after the whole time, with the queue full) with a writer that ends once nothing is queued, and with callers that
/// write between.
#[test]
fn threads_that_go_on_do_not_hold_up_an_end() {
    let directory = tempfile::tempdir().unwrap();
    let stats = Arc::new(Stats::default());
    let mut settings = Settings::of_test(directory.path());
    (settings.queue.size, settings.queue.overflow) = (10_000, Overflow::DropNew);
    settings.black_box.location = Wanted::Off;
    let engine = Engine::open(settings, Arc::clone(&stats)).unwrap();
    engine.start().unwrap();
    let goes_on = AtomicBool::new(true);
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let (engine, goes_on) = (&engine, &goes_on);
            scope.spawn(move || {
                while goes_on.load(Ordering::Relaxed) {
                    engine.offer(record("app", level::INFO, thread));
                }
            });
        }
        while stats.written.get() < 10_000 {
            std::thread::yield_now();
        }
        let accepted = stats.accepted();
        let ended = engine.shutdown(20 * SECOND);
        let done = stats.written.get() + stats.dropped_total();
        goes_on.store(false, Ordering::Relaxed);
        assert!(ended && done >= accepted, "{ended}: {done} of {accepted}");
    });
    assert!(flush(&engine));
    assert_eq!(stats.accepted(), stats.written.get() + stats.dropped_total());
}

#[test]
fn dated_files_beyond_their_bound_go_soon_after_a_rotation() {
    let directory = tempfile::tempdir().unwrap();
    let stats = Arc::new(Stats::default());
    let mut settings = Settings::of_test(directory.path());
    for file in settings.output.to.files_mut() {
        file.max_bytes = 2_000;
        file.names = Names::Dates;
        file.keep = Some(Keep { files: Some(3), ..Keep::default() });
    }
    let engine = Engine::open(settings, Arc::clone(&stats)).unwrap();
    engine.start().unwrap();
    (0..200).for_each(|n| offer(&engine, record("app", level::INFO, n)));
    assert!(flush(&engine));
    let rotated = || {
        let names = std::fs::read_dir(directory.path()).unwrap().map(|entry| entry.unwrap().file_name());
        names.filter(|name| name.to_str().unwrap().starts_with("app-")).count()
    };
    // A file is counted once the round that has deleted it is over.
    let file = stats.files.of("app");
    let deadline = Instant::now() + 20 * SECOND;
    while rotated() > 3 || file.rotations.get() - file.deleted.get() > 3 {
        assert!(Instant::now() < deadline, "{} files are left", rotated());
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(engine.shutdown(10 * SECOND));
    assert_eq!((rotated(), file.rotations.get() - file.deleted.get()), (3, 3));
    assert_eq!(numbers(&directory.path().join("app.log")).last(), Some(&199));
}
