//! Readers give back what writers wrote: in order, once, through rotation, packing, deletion and restarts, and change nothing themselves.

use std::collections::BTreeSet;
use std::fs;
use std::io::{Read, Seek, Write};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use proptest::prelude::*;
use unified_logger_core::archive::{Archive, Keys, Kind, Method};
use unified_logger_core::blackbox::Journal;
use unified_logger_core::catalogue::{Catalogue, Change, Form, SharedCatalogue};
use unified_logger_core::clock::Zone;
use unified_logger_core::encoder::Whose;
use unified_logger_core::follow::{Filter, Options, Position, Reader, Record};
use unified_logger_core::rotation::{Keep, Names, Rotation, When};
use unified_logger_core::sink::{DirectoryLock, FileSink, FileTarget, Fsync, Held, Origin, Sink};
use unified_logger_core::stats::{FileStats, NamedCounts, Words};
use unified_logger_core::upkeep;

mod copies;
mod damage;
mod filters;
mod forms;
mod gaps;
mod last;
mod levels;
mod life;
mod search;

/// 2026-02-19T10:30:00Z in nanoseconds.
const START: i64 = 1_771_497_000_000_000_000;
const SECOND: i64 = 1_000_000_000;
const LEVELS: [&str; 4] = ["DEBUG", "INFO", "WARNING", "ERROR"];

fn line(number: u64) -> String {
    let time = jiff::Timestamp::from_nanosecond(i128::from(START + i64::try_from(number).unwrap() * SECOND)).unwrap();
    let (level, logger, trace) = (LEVELS[(number % 4) as usize], number % 3, number / 5);
    format!(
        "{{\"timestamp\":\"{time}\",\"level\":\"{level}\",\"logger\":\"shop.l{logger}\",\"message\":\"number {number}\",\
         \"trace_id\":\"t{trace:08}\",\"number\":{number}}}\n"
    )
}

fn number(raw: &[u8]) -> u64 {
    let value: serde_json::Value = serde_json::from_slice(raw).unwrap();
    value["number"].as_u64().unwrap()
}

fn rotation(bytes: u64, names: Names) -> Rotation {
    Rotation { when: When::of_size(bytes), names, zone: Zone::Utc, keep: Keep { files: None, ..Keep::default() } }
}

fn sink(directory: &Path, rotation: &Rotation) -> FileSink {
    named(directory, "app.log", rotation)
}

fn named(directory: &Path, name: &str, rotation: &Rotation) -> FileSink {
    FileSink::open(FileTarget {
        path: directory.join(name),
        mode: 0o640,
        directory_mode: 0o750,
        rotation: rotation.clone(),
        fsync: Fsync::Never,
        journal: Journal::Off,
        catalogue: SharedCatalogue::of(directory),
        is_start: false,
        current_link: None,
        stats: Arc::new(FileStats::at(Words::apart(), "app")),
    })
    .unwrap()
}

fn log(sink: &mut FileSink, number: u64) {
    sink.push(line(number).as_bytes(), Origin { position: 1, time: START, whose: Whose::Application });
    sink.write(Instant::now(), Held::Yes).unwrap();
}

fn keep_up(directory: &Path, kind: Kind, keep: Keep) {
    keep_up_while(directory, kind, keep, &|| true);
}

fn keep_up_while(directory: &Path, kind: Kind, keep: Keep, may_go_on: upkeep::GoesOn<'_>) {
    let settings = upkeep::Settings {
        sets: vec![upkeep::Set {
            output: "app".to_owned(),
            name: "app.log".to_owned(),
            keep,
            is_of_errors: false,
            method: Method::new(kind, None).filter(|_| kind != Kind::Plain),
            keys: Keys::default(),
            form: Form::Any,
            hold: None,
        }],
        all: Keep::default(),
        hold: 0,
        file_mode: 0o640,
        is_asked: true,
    };
    let report = upkeep::round(directory, &settings, START / SECOND, may_go_on).unwrap();
    assert!(report.failed.is_empty(), "{report:?}");
}

fn options(directory: &Path) -> Options {
    Options { directory: directory.to_owned(), ..Options::default() }
}

fn drain(reader: &mut Reader) -> Vec<Record> {
    let mut all = Vec::new();
    while let Some(record) = reader.read().unwrap() {
        all.push(record);
    }
    all
}

fn read(options: Options) -> (Vec<Record>, Vec<String>) {
    let mut reader = Reader::open(options).unwrap();
    let records = drain(&mut reader);
    (records, reader.remarks())
}

fn numbers(records: &[Record]) -> Vec<u64> {
    records.iter().map(|record| number(&record.raw)).collect()
}

fn all(directory: &Path) -> Vec<u64> {
    numbers(&read(options(directory)).0)
}

/// What the files of the directory hold, read without a reader.
fn held(directory: &Path) -> BTreeSet<u64> {
    let mut found = BTreeSet::new();
    for entry in fs::read_dir(directory).unwrap().map(|entry| entry.unwrap()) {
        if !entry.file_type().unwrap().is_file() || entry.file_name().to_str().unwrap().starts_with('.') {
            continue;
        }
        let mut text = Vec::new();
        Archive::open(&entry.path(), None).unwrap().stream(0).unwrap().read_to_end(&mut text).unwrap();
        found.extend(text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).map(number));
    }
    found
}

/// Names, sizes and times of everything in a directory.
fn state(directory: &Path) -> Vec<String> {
    let mut all = Vec::new();
    let mut left = vec![directory.to_owned()];
    while let Some(directory) = left.pop() {
        for entry in fs::read_dir(directory).unwrap().map(|entry| entry.unwrap()) {
            let meta = entry.metadata().unwrap();
            all.push(format!("{:?} {} {:?}", entry.path(), meta.len(), meta.modified().unwrap()));
            if meta.is_dir() {
                left.push(entry.path());
            }
        }
    }
    all.sort();
    all
}

#[test]
fn a_set_is_read_across_rotated_packed_and_current_files() {
    for (names, kind) in [
        (Names::Numbers, Kind::Zstd),
        (Names::Dates, Kind::Gzip),
        (Names::Numbers, Kind::Plain),
        (Names::Dates, Kind::Zstd),
    ] {
        let directory = tempfile::tempdir().unwrap();
        let mut sink = sink(directory.path(), &rotation(1_000, names));
        for number in 0..40 {
            log(&mut sink, number);
        }
        keep_up(directory.path(), kind, Keep::default());
        for number in 40..60 {
            log(&mut sink, number);
        }
        let before = state(directory.path());
        let (records, remarks) = read(options(directory.path()));
        assert_eq!(numbers(&records), (0..60).collect::<Vec<_>>(), "{names:?} {kind:?}");
        assert_eq!(remarks, [""; 0]);
        assert_eq!(state(directory.path()), before, "a reader writes nothing");
        let last = &records[59];
        assert_eq!(last.time, Some(START + 59 * SECOND));
        assert_eq!((last.level().as_deref(), last.logger().as_deref()), (Some("ERROR"), Some("shop.l2")));
        assert_eq!((last.trace().as_deref(), &*last.file), (Some("t00000011"), "app.log"));
        let sequences: Vec<_> = records.iter().map(|record| record.position.sequence).collect();
        assert_eq!(sequences, (0..60).map(Some).collect::<Vec<_>>());
        // Each position leads to the record behind it.
        for (at, record) in records.iter().enumerate() {
            let after: Position = record.position.to_string().parse().unwrap();
            let (rest, remarks) = read(Options { after: vec![after], ..options(directory.path()) });
            assert_eq!(numbers(&rest), (at as u64 + 1..60).collect::<Vec<_>>());
            assert!(remarks.is_empty());
            assert!(
                rest.iter().zip(at as u64 + 1..).all(|(record, sequence)| record.position.sequence == Some(sequence))
            );
        }
    }
}

#[test]
fn sets_are_merged_by_time_and_single_files_are_read_alone() {
    let directory = tempfile::tempdir().unwrap();
    let rotation = rotation(700, Names::Numbers);
    let (mut one, mut other) = (sink(directory.path(), &rotation), named(directory.path(), "audit.log", &rotation));
    for number in 0..30 {
        log(if number % 3 == 0 { &mut other } else { &mut one }, number);
    }
    assert_eq!(all(directory.path()), (0..30).collect::<Vec<_>>());
    let of = |files: &[&str]| {
        let files = files.iter().map(|file| (*file).into()).collect();
        numbers(&read(Options { files, ..options(directory.path()) }).0)
    };
    assert_eq!(of(&["audit.log"]), (0..30).step_by(3).collect::<Vec<_>>());
    assert_eq!(of(&["audit.log", "app.log"]), (0..30).collect::<Vec<_>>());
    let single: Vec<u64> = fs::read_to_string(directory.path().join("app.log.2"))
        .unwrap()
        .lines()
        .map(|line| number(line.as_bytes()))
        .collect();
    assert_eq!(of(&["app.log.2"]), single);
    let path = directory.path().join("app.log.2");
    assert_eq!(numbers(&read(Options { files: vec![path], ..Options::default() }).0), single);
    assert!(Reader::open(Options { files: vec!["none.log".into()], ..options(directory.path()) }).is_err());
    assert!(Reader::open(options(&directory.path().join("none"))).is_err());
}
