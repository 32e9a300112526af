//! Log files: whole lines within their bound, whoever else touches them.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use proptest::prelude::*;
use unified_logger_core::blackbox::Journal;
use unified_logger_core::catalogue::SharedCatalogue;
use unified_logger_core::encoder::Whose;
use unified_logger_core::error::Error;
use unified_logger_core::platform::{self, Lock};
use unified_logger_core::rotation::Rotation;
use unified_logger_core::sink::Fsync;
use unified_logger_core::sink::{DirectoryLock, FileSink, FileTarget, Held, Origin, Sink};
use unified_logger_core::stats::{FileStats, NamedCounts, Words};

fn settings(path: PathBuf, max_bytes: u64, backup_count: u32) -> FileTarget {
    FileTarget {
        path,
        mode: 0o640,
        directory_mode: 0o750,
        current_link: None,
        rotation: Rotation::by_size(max_bytes, backup_count),
        fsync: Fsync::Never,
        journal: Journal::Off,
        catalogue: SharedCatalogue::default(),
        is_start: false,
        stats: Arc::new(FileStats::at(Words::apart(), "app")),
    }
}

fn push(sink: &mut FileSink, line: &[u8]) {
    sink.push(line, Origin { position: 1, time: 0, whose: Whose::Application });
}

fn write(sink: &mut FileSink) {
    sink.write(Instant::now(), Held::Yes).unwrap();
}

/// All files of a set, oldest first.
fn files(path: &Path) -> Vec<PathBuf> {
    let mut numbered: Vec<(u32, PathBuf)> = fs::read_dir(path.parent().unwrap())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter_map(|entry| {
            let name = entry.to_str()?.strip_prefix(path.to_str()?)?.to_owned();
            let number = if name.is_empty() { 0 } else { name.strip_prefix('.')?.parse().ok()? };
            Some((number, entry))
        })
        .collect();
    numbered.sort_by_key(|(number, _)| std::cmp::Reverse(*number));
    numbered.into_iter().map(|(_, path)| path).collect()
}

fn all_lines(path: &Path) -> String {
    files(path).iter().map(|file| fs::read_to_string(file).unwrap()).collect()
}

#[test]
fn a_batch_is_split_where_it_would_cross_the_bound() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("app.log");
    let target = settings(path.clone(), 30, 9);
    let stats = Arc::clone(&target.stats);
    let mut sink = FileSink::open(target).unwrap();
    (0..10).for_each(|number| push(&mut sink, format!("line number {number}\n").as_bytes()));
    write(&mut sink);
    assert_eq!(files(&path).len(), 5);
    assert!(files(&path).iter().all(|file| fs::metadata(file).unwrap().len() == 28));
    assert_eq!((stats.written.get(), stats.rotations.get(), stats.bytes.get()), (10, 4, 140));
}

#[test]
fn only_so_many_backups_are_kept() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("app.log");
    let mut sink = FileSink::open(settings(path.clone(), 2, 3)).unwrap();
    "abcdefgh".chars().for_each(|letter| push(&mut sink, format!("{letter}\n").as_bytes()));
    write(&mut sink);
    assert_eq!(all_lines(&path), "e\nf\ng\nh\n");
}

/// Seen to fail with `renames` going up to `backup_count` always.
#[test]
fn a_gap_left_by_an_interrupted_rotation_costs_no_file() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("app.log");
    let mut sink = FileSink::open(settings(path.clone(), 2, 3)).unwrap();
    "abcd".chars().for_each(|letter| push(&mut sink, format!("{letter}\n").as_bytes()));
    write(&mut sink);
    // A process died before the last of its renames.
    fs::rename(directory.path().join("app.log.2"), directory.path().join("app.log.3")).unwrap();
    fs::rename(directory.path().join("app.log.1"), directory.path().join("app.log.2")).unwrap();
    push(&mut sink, b"e\n");
    write(&mut sink);
    assert_eq!(all_lines(&path), "b\nc\nd\ne\n");
}

#[test]
fn a_line_larger_than_the_bound_has_a_file_of_its_own() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("app.log");
    let mut sink = FileSink::open(settings(path.clone(), 10, 9)).unwrap();
    for line in ["one\n", "much longer than ten bytes\n", "two\n"] {
        push(&mut sink, line.as_bytes());
    }
    write(&mut sink);
    let contents: Vec<_> = files(&path).iter().map(|file| fs::read_to_string(file).unwrap()).collect();
    assert_eq!(contents, ["one\n", "much longer than ten bytes\n", "two\n"]);
}

/// A record of several lines, as text with a traceback, is never in two files.
#[test]
fn the_lines_of_a_record_stay_together() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("app.log");
    let target = settings(path.clone(), 20, 9);
    let stats = Arc::clone(&target.stats);
    let mut sink = FileSink::open(target).unwrap();
    (0..5).for_each(|number| push(&mut sink, format!("{number}\n    a\n    b\n").as_bytes()));
    write(&mut sink);
    let contents: Vec<_> = files(&path).iter().map(|file| fs::read_to_string(file).unwrap()).collect();
    assert_eq!(
        contents,
        ["0\n    a\n    b\n", "1\n    a\n    b\n", "2\n    a\n    b\n", "3\n    a\n    b\n", "4\n    a\n    b\n"]
    );
    assert_eq!((stats.written.get(), stats.bytes.get()), (5, 70));
}

#[test]
fn a_removed_or_renamed_file_is_made_again() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("app.log");
    let mut sink = FileSink::open(settings(path.clone(), 0, 0)).unwrap();
    push(&mut sink, b"one\n");
    write(&mut sink);
    fs::rename(&path, directory.path().join("moved")).unwrap();
    push(&mut sink, b"two\n");
    write(&mut sink);
    assert_eq!(fs::read_to_string(&path).unwrap(), "two\n");
    fs::remove_file(&path).unwrap();
    push(&mut sink, b"three\n");
    write(&mut sink);
    assert_eq!(fs::read_to_string(&path).unwrap(), "three\n");
    assert_eq!(fs::read_to_string(directory.path().join("moved")).unwrap(), "one\n");
}

#[cfg(unix)]
#[test]
fn a_torn_line_is_closed_before_the_next() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("app.log");
    fs::write(&path, "whole\nto").unwrap();
    let mut sink = FileSink::open(settings(path.clone(), 0, 0)).unwrap();
    push(&mut sink, b"next\n");
    write(&mut sink);
    assert_eq!(fs::read_to_string(&path).unwrap(), "whole\nto\nnext\n");
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_keeps_the_lines_in_memory() {
    let target = settings("/dev/full".into(), 0, 0);
    let stats = Arc::clone(&target.stats);
    let mut sink = FileSink::open(target).unwrap();
    push(&mut sink, b"one\n");
    let now = Instant::now();
    assert!(sink.write(now, Held::Yes).is_err());
    assert_eq!((sink.pending_bytes(), stats.written.get()), (4, 0));
    assert!(!sink.is_due(now) && sink.is_due(now + Duration::from_secs(2)));
}

#[cfg(unix)]
#[test]
fn a_link_is_refused_where_others_may_plant_it() {
    use std::os::unix::fs::PermissionsExt;
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("app.log");
    std::os::unix::fs::symlink(directory.path().join("target"), &path).unwrap();
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o777)).unwrap();
    assert!(matches!(FileSink::open(settings(path.clone(), 0, 0)), Err(Error::SymbolicLink(_))));
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o755)).unwrap();
    assert!(FileSink::open(settings(path, 0, 0)).is_ok());
}

#[cfg(unix)]
#[test]
fn a_link_to_a_device_is_never_renamed() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("app.log");
    std::os::unix::fs::symlink("/dev/null", &path).unwrap();
    let target = settings(path.clone(), 30, 9);
    let stats = Arc::clone(&target.stats);
    let mut sink = FileSink::open(target).unwrap();
    for _ in 0..2 {
        (0..10).for_each(|number| push(&mut sink, format!("line number {number}\n").as_bytes()));
        write(&mut sink);
    }
    assert_eq!(files(&path), std::slice::from_ref(&path));
    assert_eq!(fs::read_link(&path).unwrap(), Path::new("/dev/null"));
    assert_eq!((stats.written.get(), stats.rotations.get()), (20, 0));
}

#[test]
fn a_directory_is_not_a_log_file() {
    let directory = tempfile::tempdir().unwrap();
    assert!(FileSink::open(settings(directory.path().to_owned(), 0, 0)).is_err());
}

#[cfg(unix)]
/// Only where nobody signs for as long as a process is patient does it go on without the lock.
///
/// Seen to fail with the signs not looked at.
#[test]
fn a_lock_that_changes_hands_is_worth_waiting_for() {
    const PATIENCE: Duration = Duration::from_millis(300);
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join(".unified_logger.lock");
    let mut waiting = DirectoryLock::open(directory.path(), 0o640).unwrap();
    let other = fs::File::open(&path).unwrap();
    for (signs, expected) in [(true, Held::Yes), (false, Held::TimedOut)] {
        assert_eq!(platform::lock(&other, Duration::ZERO), Lock::Held);
        std::thread::scope(|scope| {
            let (over, done) = std::sync::mpsc::channel();
            let other = &other;
            scope.spawn(move || {
                for _ in 0..60 {
                    if signs {
                        platform::sign(other);
                    }
                    if done.recv_timeout(Duration::from_millis(20)).is_ok() {
                        break;
                    }
                }
                platform::unlock(other);
            });
            assert_eq!(waiting.hold(PATIENCE, |held| held), expected, "with signs: {signs}");
            let _ = over.send(());
        });
    }
}

#[test]
fn several_writers_share_a_rotated_set() {
    const LINES: usize = 5_000;
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("app.log");
    std::thread::scope(|scope| {
        for writer in 0..4 {
            let path = path.clone();
            scope.spawn(move || {
                let mut sink = FileSink::open(settings(path.clone(), 20_000, 1_000)).unwrap();
                let mut lock = DirectoryLock::open(path.parent().unwrap(), 0o640).unwrap();
                for number in 0..LINES {
                    push(&mut sink, format!("{writer}:{number}:{}\n", "x".repeat(number % 50)).as_bytes());
                    if number % 7 == 0 || number == LINES - 1 {
                        lock.hold(Duration::from_secs(60), |held| {
                            assert_eq!(held, Held::Yes);
                            sink.write(Instant::now(), held).unwrap();
                        });
                    }
                }
            });
        }
    });
    assert!(files(&path).iter().all(|file| fs::metadata(file).unwrap().len() <= 20_000));
    let text = all_lines(&path);
    for writer in 0..4 {
        let mine: Vec<usize> = text
            .lines()
            .filter_map(|line| line.strip_prefix(&format!("{writer}:")))
            .map(|line| line.split_once(':').unwrap().0.parse().unwrap())
            .collect();
        assert_eq!(mine, (0..LINES).collect::<Vec<_>>(), "writer {writer}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(64) })]
    #[test]
    fn rotation_never_loses_or_tears_a_line(
        lines in prop::collection::vec("[a-z]{0,40}", 1..80), bound in 1_u64..120, every in 1_usize..20
    ) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("app.log");
        let mut sink = FileSink::open(settings(path.clone(), bound, 1_000)).unwrap();
        let mut expected = String::new();
        for (number, line) in lines.iter().enumerate() {
            push(&mut sink, format!("{line}\n").as_bytes());
            expected += &format!("{line}\n");
            if number % every == 0 {
                write(&mut sink);
            }
        }
        write(&mut sink);
        prop_assert_eq!(all_lines(&path), expected);
        for file in files(&path) {
            let text = fs::read_to_string(file).unwrap();
            prop_assert!(text.len() as u64 <= bound || text.lines().count() == 1);
        }
    }
}
