//! Rotations by numbers delete what no bound keeps, unless that is left to the retention.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use unified_logger_core::blackbox::Journal;
use unified_logger_core::catalogue::{Catalogue, Look, SharedCatalogue};
use unified_logger_core::checksum;
use unified_logger_core::encoder::Whose;
use unified_logger_core::rotation::Rotation;
use unified_logger_core::sink::{FileSink, FileTarget, Fsync, Held, Origin, Sink};
use unified_logger_core::stats::{FileStats, NamedCounts, Words};
use unified_logger_core::upkeep;

/// One line has more bytes than half of it.
const MAX_BYTES: u64 = 10;

fn sink(directory: &Path, count: u32, stats: &Arc<FileStats>) -> FileSink {
    FileSink::open(FileTarget {
        path: directory.join("app.log"),
        mode: 0o640,
        directory_mode: 0o750,
        current_link: None,
        rotation: Rotation::by_size(MAX_BYTES, count),
        fsync: Fsync::Never,
        journal: Journal::Off,
        catalogue: SharedCatalogue::of(directory),
        is_start: false,
        stats: Arc::clone(stats),
    })
    .unwrap()
}

fn counts() -> Arc<FileStats> {
    Arc::new(FileStats::at(Words::apart(), "app"))
}

fn log(sink: &mut FileSink, number: u32) {
    let origin = Origin { position: 1, time: 0, whose: Whose::Application };
    sink.push(format!("line {number}\n").as_bytes(), origin);
    sink.write(Instant::now(), Held::Yes).unwrap();
}

/// Each file with what stands in it.
fn files(directory: &Path) -> BTreeMap<String, String> {
    let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap());
    let files = entries.filter(|entry| entry.file_type().unwrap().is_file());
    files
        .map(|entry| (entry.file_name().into_string().unwrap(), fs::read_to_string(entry.path()).unwrap()))
        .filter(|(name, _)| name.starts_with("app"))
        .collect()
}

fn names(directory: &Path) -> Vec<String> {
    files(directory).into_keys().collect()
}

/// A target whose position says nothing: it counts as having taken nothing.
fn register(directory: &Path) {
    let ship = directory.join(".unified_logger/ship");
    fs::create_dir_all(&ship).unwrap();
    fs::write(ship.join("loki.position"), "damaged").unwrap();
}

#[test]
fn where_a_shipper_is_registered_the_retention_alone_deletes() {
    let directory = tempfile::tempdir().unwrap();
    register(directory.path());
    let stats = counts();
    let mut processes = [(); 2].map(|()| sink(directory.path(), 2, &stats));
    for number in 0..6 {
        log(&mut processes[number as usize % 2], number);
        if number == 3 {
            processes[0] = sink(directory.path(), 2, &stats);
        }
    }
    let all = ["app.log", "app.log.1", "app.log.2", "app.log.3", "app.log.4", "app.log.5"];
    assert_eq!(names(directory.path()), all);
    assert_eq!(files(directory.path())["app.log.5"], "line 0\n", "the highest is the oldest");
    assert_eq!(stats.deleted.get(), 0);
    let set = upkeep::Set {
        output: "app".to_owned(),
        name: "app.log".to_owned(),
        keep: Rotation::by_size(MAX_BYTES, 2).keep,
        hold: Some(MAX_BYTES),
        ..upkeep::Set::default()
    };
    let settings = upkeep::Settings { sets: vec![set], file_mode: 0o640, ..upkeep::Settings::default() };
    let report = upkeep::round(directory.path(), &settings, 1, &|| true).unwrap();
    let gone: Vec<_> = report.gone.iter().map(|going| (going.name.as_str(), going.is_shipped)).collect();
    assert_eq!(gone, [("app.log.5", false), ("app.log.4", false)]);
    assert_eq!(report.held.iter().map(|going| going.name.as_str()).collect::<Vec<_>>(), ["app.log.3"]);
    assert_eq!(names(directory.path()), all[..4]);
}

#[test]
fn where_a_shipper_may_be_registered_and_that_cannot_be_read_nothing_goes() {
    let directory = tempfile::tempdir().unwrap();
    let home = directory.path().join(".unified_logger");
    fs::create_dir(&home).unwrap();
    // Not even root can follow it.
    std::os::unix::fs::symlink("ship", home.join("ship")).unwrap();
    let mut sink = sink(directory.path(), 1, &counts());
    for number in 0..4 {
        log(&mut sink, number);
    }
    assert_eq!(names(directory.path()).len(), 4);
    let shipped = unified_logger_core::catalogue::ship::Shipped::read(&home);
    assert!(shipped.has_targets() && shipped.damaged.len() == 1);
}

#[test]
fn files_of_which_a_later_version_knows_stay() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join(".unified_logger/catalogue");
    let mut sink = sink(directory.path(), 1, &counts());
    log(&mut sink, 0);
    let later = r#"[{"catalogue":{"version":99,"next":1}}]"#;
    fs::write(&path, format!("{:016x} {later}\n", checksum::of(later.as_bytes()))).unwrap();
    assert_eq!(Catalogue::of(directory.path()).look(), Look::Same);
    for number in 1..5 {
        log(&mut sink, number);
    }
    assert_eq!(names(directory.path()).len(), 5);
}

#[test]
fn a_file_that_a_rotation_replaces_or_removes_counts_as_deleted() {
    let directory = tempfile::tempdir().unwrap();
    let stats = counts();
    let mut sink = sink(directory.path(), 2, &stats);
    for number in 0..6 {
        log(&mut sink, number);
    }
    assert_eq!(names(directory.path()), ["app.log", "app.log.1", "app.log.2"]);
    assert_eq!((stats.rotations.get(), stats.deleted.get(), stats.deleted_unshipped.get()), (5, 3, 0));
    // Packed by hand: it has another name than its successor gets, and is removed.
    let path = directory.path().join("app.log.2");
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut packed, &fs::read(&path).unwrap()).unwrap();
    fs::write(directory.path().join("app.log.2.gz"), packed.finish().unwrap()).unwrap();
    fs::remove_file(path).unwrap();
    log(&mut sink, 6);
    assert_eq!(names(directory.path()), ["app.log", "app.log.1", "app.log.2"]);
    assert_eq!((stats.rotations.get(), stats.deleted.get()), (6, 4));
}
