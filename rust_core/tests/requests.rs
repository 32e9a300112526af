//! Files are changed on request: once, and never over a name that another program has made.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use unified_logger_core::blackbox::Journal;
use unified_logger_core::catalogue::SharedCatalogue;
use unified_logger_core::clock::Zone;
use unified_logger_core::encoder::Whose;
use unified_logger_core::rotation::{Calendar, Every, Keep, Names, Rotation, When};
use unified_logger_core::sink::{FileSink, FileTarget, Fsync, Held, Origin, Sink};
use unified_logger_core::stats::Stats;

/// 2026-02-19T00:00:00Z.
const START: i64 = 1_771_459_200;
const NOW: Duration = Duration::ZERO;

fn daily() -> Rotation {
    let calendar = Calendar { every: Every::Days(1), at: 0, zone: Zone::Utc };
    let when = When { calendar: Some(calendar), ..When::default() };
    Rotation { when, names: Names::Dates, zone: Zone::Utc, keep: Keep::default() }
}

fn sink(directory: &Path, rotation: &Rotation) -> FileSink {
    FileSink::open(FileTarget {
        path: directory.join("app.log"),
        mode: 0o640,
        directory_mode: 0o750,
        current_link: None,
        rotation: rotation.clone(),
        fsync: Fsync::Never,
        journal: Journal::Off,
        catalogue: SharedCatalogue::of(directory),
        is_start: false,
        stats: Stats::unread().files.of("app"),
    })
    .unwrap()
}

/// Writes a line that says its time.
fn log(sink: &mut FileSink, time: i64) {
    let origin = Origin { position: 1, time: time * 1_000_000_000, whose: Whose::Application };
    sink.push(format!("{time}\n").as_bytes(), origin);
    sink.write(Instant::now(), Held::Yes).unwrap();
}

/// Each file with its lines.
fn files(directory: &Path) -> BTreeMap<String, Vec<i64>> {
    let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap());
    entries
        .filter(|entry| entry.file_type().unwrap().is_file())
        .map(|entry| {
            let text = fs::read_to_string(entry.path()).unwrap();
            (entry.file_name().into_string().unwrap(), text.lines().map(|line| line.parse().unwrap()).collect())
        })
        .collect()
}

fn names(directory: &Path) -> Vec<String> {
    files(directory).into_keys().collect()
}

#[test]
fn a_request_changes_a_file_that_has_lines_and_no_other() {
    let directory = tempfile::tempdir().unwrap();
    let rotation = Rotation::by_size(0, 3);
    let mut sink = sink(directory.path(), &rotation);
    assert!(sink.rotate(NOW, Held::Yes).unwrap());
    assert_eq!(names(directory.path()), ["app.log"]);
    log(&mut sink, 1);
    assert!(!sink.rotate(NOW, Held::TimedOut).unwrap(), "another process may be writing");
    for _ in 0..2 {
        assert!(sink.rotate(NOW, Held::Yes).unwrap());
    }
    log(&mut sink, 2);
    let expected = [("app.log", vec![2]), ("app.log.1", vec![1])];
    assert_eq!(files(directory.path()), expected.map(|(name, lines)| (name.to_owned(), lines)).into());
}

#[test]
fn a_request_to_all_processes_changes_a_file_once() {
    let directory = tempfile::tempdir().unwrap();
    let rotation = daily();
    let mut sinks = [(); 3].map(|()| sink(directory.path(), &rotation));
    sinks.iter_mut().for_each(|sink| log(sink, START));
    let spared = Duration::from_secs(60);
    let mut other = sink(directory.path(), &rotation);
    assert!(other.rotate(spared, Held::Yes).unwrap());
    for sink in &mut sinks {
        log(sink, START + 1);
        assert!(sink.rotate(spared, Held::Yes).unwrap());
    }
    assert_eq!(names(directory.path()).len(), 2);
    // A call of one process is its own.
    assert!(sinks[0].rotate(NOW, Held::Yes).unwrap());
    sinks.iter_mut().for_each(|sink| log(sink, START + 2));
    assert_eq!(names(directory.path()).len(), 3);
    assert_eq!(files(directory.path())["app.log"], [START + 2; 3]);
}

#[test]
fn a_request_leaves_files_of_which_none_may_stay() {
    let directory = tempfile::tempdir().unwrap();
    let mut sink = sink(directory.path(), &Rotation::by_size(1, 0));
    log(&mut sink, 1);
    assert!(sink.rotate(NOW, Held::Yes).unwrap());
    assert_eq!(files(directory.path()), [("app.log".to_owned(), vec![1])].into());
}

#[test]
fn a_name_that_another_program_makes_meanwhile_is_left_to_it() {
    const COUNT: i64 = 60;
    for names in [Names::Dates, Names::Numbers] {
        let directory = tempfile::tempdir().unwrap();
        let rotation = Rotation { names, ..daily() };
        let is_over = AtomicBool::new(false);
        let foreign = "foreign\n";
        let made = std::thread::scope(|scope| {
            let other = scope.spawn(|| {
                let mut made = Vec::new();
                let mut number = 0;
                while !is_over.load(Ordering::SeqCst) {
                    let base = if names == Names::Dates { "app-2026-02-19.log" } else { "app.log" };
                    let path = directory.path().join(format!("{base}.{}", number % (COUNT * 2) + 2));
                    number += 1;
                    if fs::OpenOptions::new()
                        .write(true)
                        .create_new(true)
                        .open(&path)
                        .is_ok_and(|mut file| std::io::Write::write_all(&mut file, foreign.as_bytes()).is_ok())
                    {
                        made.push(path);
                        std::thread::sleep(Duration::from_micros(300));
                    }
                }
                made.len()
            });
            let mut sink = sink(directory.path(), &rotation);
            for number in 0..COUNT {
                log(&mut sink, START + number);
                assert!(sink.rotate(NOW, Held::Yes).unwrap());
            }
            is_over.store(true, Ordering::SeqCst);
            other.join().unwrap()
        });
        let texts: Vec<_> = fs::read_dir(directory.path())
            .unwrap()
            .filter_map(|entry| fs::read_to_string(entry.unwrap().path()).ok())
            .filter(|text| !text.is_empty())
            .collect();
        assert_eq!(texts.iter().filter(|text| *text == foreign).count(), made, "{names:?}");
        assert_eq!(texts.len(), made + usize::try_from(COUNT).unwrap(), "{names:?}");
    }
}
