//! Readers give back what writers wrote: in order, once, through rotation, packing, deletion and restarts, and change nothing themselves.

use std::collections::BTreeSet;
use std::fs;
use std::io::{Read, Write};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use proptest::prelude::*;
use unified_logger_core::archive::{Archive, Keys, Kind, Method};
use unified_logger_core::blackbox::Journal;
use unified_logger_core::catalogue::{Catalogue, Form, SharedCatalogue};
use unified_logger_core::clock::Zone;
use unified_logger_core::encoder::Whose;
use unified_logger_core::follow::{Filter, Options, Position, Reader, Record};
use unified_logger_core::rotation::{Keep, Names, Rotation, When};
use unified_logger_core::sink::{DirectoryLock, FileSink, FileTarget, Fsync, Held, Origin, Sink};
use unified_logger_core::upkeep;

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
        stats: Arc::default(),
    })
    .unwrap()
}

fn log(sink: &mut FileSink, number: u64) {
    sink.push(line(number).as_bytes(), Origin { position: 1, time: START, whose: Whose::Application });
    sink.write(Instant::now(), Held::Yes).unwrap();
}

fn keep_up(directory: &Path, kind: Kind, keep: Keep) {
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
    };
    let report = upkeep::round(directory, &settings, START / SECOND, &|| true).unwrap();
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

fn is_wanted(number: u64, filter: &Filter) -> bool {
    let time = START + i64::try_from(number).unwrap() * SECOND;
    filter.is_time(time)
        && filter.is_level(10 + 10 * i32::try_from(number % 4).unwrap())
        && filter.is_logger(&format!("shop.l{}", number % 3))
        && filter.is_trace(format!("t{:08}", number / 5).as_bytes())
        && filter.text.as_ref().is_none_or(|text| line(number).contains(text))
}

fn any_filter() -> impl Strategy<Value = Filter> {
    let time = || prop::option::of((0..90_i64).prop_map(|second| START + second * SECOND));
    let loggers = prop::collection::vec((0..4).prop_map(|number| format!("shop.l{number}")), 0..3);
    let text = prop::option::of(prop::sample::select(vec!["number 3", "number 41\"", "\"ERROR\"", "nothing"]));
    (
        time(),
        time(),
        prop::option::of(prop::sample::select(vec![10, 25, 30, 40, 50])),
        loggers,
        prop::option::of(0..18),
        text,
    )
        .prop_map(|(from, until, level, loggers, trace, text)| Filter {
            from,
            until,
            level,
            loggers,
            levels: Vec::new(),
            trace: trace.map(|trace| format!("t{trace:08}")),
            text: text.map(str::to_owned),
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]
    #[test]
    fn filters_give_the_same_with_an_index_and_without(filters in prop::collection::vec(any_filter(), 1..6), kind in 0..3_usize) {
        let directory = tempfile::tempdir().unwrap();
        let mut sink = sink(directory.path(), &rotation(2_000, Names::Numbers));
        (0..90).for_each(|number| log(&mut sink, number));
        let plain: Vec<Vec<u64>> = filters.iter().map(|filter| {
            numbers(&read(Options { filter: filter.clone(), ..options(directory.path()) }).0)
        }).collect();
        keep_up(directory.path(), [Kind::Plain, Kind::Gzip, Kind::Zstd][kind], Keep::default());
        for (filter, plain) in filters.iter().zip(plain) {
            let (records, remarks) = read(Options { filter: filter.clone(), ..options(directory.path()) });
            let expected: Vec<u64> = (0..90).filter(|number| is_wanted(*number, filter)).collect();
            prop_assert_eq!(&numbers(&records), &expected, "{:?}", filter);
            prop_assert_eq!(plain, expected, "{:?}", filter);
            prop_assert!(remarks.is_empty());
            for record in &records {
                prop_assert_eq!(record.position.sequence, Some(number(&record.raw)));
            }
        }
    }
}

/// One thing that happens to a directory.
#[derive(Clone, Debug)]
enum Act {
    Write(u64),
    Upkeep(Kind, Option<u32>),
    Restart(Names),
    LoseCatalogue,
    LoseIndices,
    Follow,
    Resume,
}

fn any_act() -> impl Strategy<Value = Act> {
    let kind = prop::sample::select(vec![Kind::Plain, Kind::Gzip, Kind::Zstd]);
    prop_oneof![
        6 => (1..12_u64).prop_map(Act::Write),
        3 => (kind, prop::option::of(1..6_u32)).prop_map(|(kind, files)| Act::Upkeep(kind, files)),
        1 => any::<bool>().prop_map(|dates| Act::Restart(if dates { Names::Dates } else { Names::Numbers })),
        1 => Just(Act::LoseCatalogue),
        1 => Just(Act::LoseIndices),
        3 => Just(Act::Follow),
        2 => Just(Act::Resume),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]
    #[test]
    fn readers_give_back_what_retention_did_not_delete(acts in prop::collection::vec(any_act(), 1..40), dates: bool, is_told: bool) {
        let directory = tempfile::tempdir().unwrap();
        let directory = directory.path();
        if !is_told {
            // The library finds no place for its own files.
            fs::write(directory.join(".unified_logger"), "").unwrap();
        }
        let names = if dates { Names::Dates } else { Names::Numbers };
        let mut writer = sink(directory, &rotation(600, names));
        let mut next = 0;
        let mut follower = Reader::open(Options { follow: true, ..options(directory) }).unwrap();
        let mut seen: Vec<u64> = Vec::new();
        let mut resumed: Vec<u64> = Vec::new();
        let mut position: Option<Position> = None;
        let mut is_lost = false;
        for act in acts.iter().chain([&Act::Write(9), &Act::Follow, &Act::Resume]) {
            match act {
                Act::Write(count) => (0..*count).for_each(|_| { log(&mut writer, next); next += 1; }),
                Act::Upkeep(kind, files) if is_told => keep_up(directory, *kind, Keep { files: *files, ..Keep::default() }),
                Act::Restart(names) if is_told => writer = sink(directory, &rotation(600, *names)),
                Act::Restart(_) => writer = sink(directory, &rotation(600, names)),
                // Once: a writer that has not seen the second of three catalogues goes on with the numbers of the first.
                Act::LoseCatalogue if is_told && !is_lost => {
                    is_lost = true;
                    let _ = fs::remove_file(directory.join(".unified_logger/catalogue"));
                }
                Act::LoseIndices if is_told => {
                    for entry in fs::read_dir(directory.join(".unified_logger")).into_iter().flatten().flatten() {
                        if entry.path().extension().is_some_and(|end| end == "idx") {
                            fs::write(entry.path(), "damaged").unwrap();
                        }
                    }
                }
                Act::Upkeep(..) | Act::LoseCatalogue | Act::LoseIndices => {}
                Act::Follow => {
                    seen.extend(numbers(&drain(&mut follower)));
                    let left = held(directory);
                    prop_assert!(seen.is_sorted_by(|one, other| one < other), "{:?}", seen);
                    prop_assert!(left.iter().all(|number| seen.binary_search(number).is_ok()), "{:?} of {:?}", seen, left);
                }
                Act::Resume => {
                    let (records, _) = read(Options { after: position.clone().into_iter().collect(), ..options(directory) });
                    resumed.extend(numbers(&records));
                    position = records.last().map(|record| record.position.clone()).or(position);
                    let left = held(directory);
                    prop_assert!(resumed.is_sorted_by(|one, other| one < other), "{:?}", resumed);
                    prop_assert!(left.iter().all(|number| resumed.binary_search(number).is_ok()), "{:?} of {:?}", resumed, left);
                    prop_assert_eq!(all(directory), left.into_iter().collect::<Vec<_>>());
                }
            }
        }
        if acts.iter().all(|act| !matches!(act, Act::Upkeep(_, Some(_)))) {
            prop_assert_eq!(seen, (0..next).collect::<Vec<_>>());
        }
    }
}

/// Two writers rotate a file 1,000 times while others pack what they leave, and a reader follows.
fn follow_under_load(is_told: bool, names: Names, rotations: u64) {
    const WRITERS: u64 = 2;
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    if !is_told {
        fs::write(path.join(".unified_logger"), "").unwrap();
    }
    let (next, is_over) = (Mutex::new(0_u64), AtomicBool::new(false));
    let rotation = rotation(1_000, names);
    let mut seen = Vec::new();
    std::thread::scope(|scope| {
        let writers: Vec<_> = (0..WRITERS)
            .map(|_| {
                scope.spawn(|| {
                    let mut sink = sink(path, &rotation);
                    let mut lock = DirectoryLock::open(path, 0o640).unwrap();
                    loop {
                        let mut next = next.lock().unwrap();
                        // Six lines are one file.
                        if *next >= rotations * 6 {
                            return;
                        }
                        lock.hold(Duration::from_secs(60), |held| {
                            assert!(!is_told || held == Held::Yes);
                            for _ in 0..3 {
                                log(&mut sink, *next);
                                *next += 1;
                            }
                        });
                        drop(next);
                        std::thread::sleep(Duration::from_micros(300));
                    }
                })
            })
            .collect();
        if is_told {
            scope.spawn(|| {
                while !is_over.load(Ordering::Relaxed) {
                    keep_up(path, Kind::Zstd, Keep::default());
                    std::thread::sleep(Duration::from_millis(20));
                }
            });
        }
        let mut reader = Reader::open(Options { follow: true, ..options(path) }).unwrap();
        let started = Instant::now();
        loop {
            let has_ended = writers.iter().all(std::thread::ScopedJoinHandle::is_finished);
            let batch = reader.batch(1_000, 1 << 20, Duration::from_millis(100)).unwrap();
            seen.extend(numbers(&batch.records));
            if has_ended && batch.records.is_empty() || started.elapsed() > Duration::from_secs(300) {
                break;
            }
            if seen.len() % 7 == 0 {
                // Behind by many rotations.
                std::thread::sleep(Duration::from_millis(50));
            }
        }
        is_over.store(true, Ordering::Relaxed);
    });
    assert_eq!(seen, (0..next.into_inner().unwrap()).collect::<Vec<_>>());
}

#[test]
fn a_reader_follows_rotations_that_rename_all_files() {
    follow_under_load(true, Names::Numbers, 100);
}

#[test]
fn a_reader_follows_a_thousand_rotations() {
    follow_under_load(true, Names::Dates, 1_000);
}

#[test]
fn a_reader_follows_where_no_catalogue_can_be_written() {
    follow_under_load(false, Names::Dates, 150);
    follow_under_load(false, Names::Numbers, 60);
}

fn of_three_files() -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    let mut sink = sink(directory.path(), &rotation(800, Names::Numbers));
    (0..20).for_each(|number| log(&mut sink, number));
    keep_up(directory.path(), Kind::Zstd, Keep::default());
    directory
}

#[test]
fn a_damaged_index_costs_time_and_is_told_once() {
    let directory = of_three_files();
    let home = directory.path().join(".unified_logger");
    let indices: Vec<_> = fs::read_dir(&home)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|end| end == "idx"))
        .collect();
    assert!(indices.len() > 2);
    let mut bytes = fs::read(&indices[0]).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&indices[0], &bytes).unwrap();
    fs::remove_file(&indices[1]).unwrap();
    // That of another file.
    fs::copy(&indices[2], &indices[1]).unwrap();
    let filter = Filter { trace: Some("t00000001".into()), ..Filter::default() };
    let mut reader = Reader::open(Options { filter, ..options(directory.path()) }).unwrap();
    assert_eq!(numbers(&drain(&mut reader)), [5, 6, 7, 8, 9]);
    let remarks = reader.remarks();
    assert_eq!(remarks.len(), 2, "{remarks:?}");
    assert!(reader.remarks().is_empty());
}

#[test]
fn a_truncated_packed_file_gives_what_is_left_of_it() {
    let directory = of_three_files();
    let path = directory.path().join("app.log.1.zst");
    let bytes = fs::read(&path).unwrap();
    for length in [0, 3, 40, bytes.len() - 60, bytes.len() - 1] {
        fs::write(&path, &bytes[..length]).unwrap();
        let (records, remarks) = read(options(directory.path()));
        let found = numbers(&records);
        assert!(found.is_sorted_by(|one, other| one < other), "{found:?}");
        assert!(found.contains(&0) && found.contains(&19), "{length}: {found:?}");
        assert!(length == 0 || found.len() == 20 || !remarks.is_empty(), "{length}: {found:?}");
    }
}

#[test]
fn a_foreign_file_with_a_name_of_the_set_is_no_obstacle() {
    let directory = of_three_files();
    fs::write(directory.path().join("app.log.7"), "no JSON\nat all\n").unwrap();
    fs::write(directory.path().join("app.log.8.zst"), [0x28, 0xB5, 0x2F, 0xFD, 9, 9, 9]).unwrap();
    fs::create_dir(directory.path().join("app.log.9")).unwrap();
    #[cfg(unix)]
    std::os::unix::fs::symlink("/etc/passwd", directory.path().join("app.log.10")).unwrap();
    let (records, _) = read(options(directory.path()));
    let (of_others, of_set): (Vec<_>, Vec<_>) = records.iter().partition(|record| !record.raw.starts_with(b"{"));
    assert_eq!(of_others.iter().map(|record| &record.raw[..]).collect::<Vec<_>>(), [&b"no JSON"[..], b"at all"]);
    assert_eq!(of_set.iter().map(|record| number(&record.raw)).collect::<Vec<_>>(), (0..20).collect::<Vec<_>>());
    let filter = Filter { level: Some(40), ..Filter::default() };
    let (records, _) = read(Options { filter, ..options(directory.path()) });
    assert_eq!(numbers(&records), (0..20).filter(|number| number % 4 == 3).collect::<Vec<_>>());
}

#[test]
fn a_catalogue_that_tells_nothing_costs_generations_and_no_record() {
    let directory = of_three_files();
    let path = directory.path().join(".unified_logger/catalogue");
    let good = fs::read(&path).unwrap();
    let (told, _) = read(options(directory.path()));
    let later = b"[{\"catalogue\":{\"version\":99,\"next\":1}}]";
    let sum = unified_logger_core::checksum::of(later);
    let later = [format!("{sum:016x} ").as_bytes(), later, b"\n"].concat();
    for (text, is_remarked) in [(&b"damaged\n"[..], true), (&later, true), (b"", false)] {
        fs::write(&path, text).unwrap();
        let (records, remarks) = read(options(directory.path()));
        assert_eq!(numbers(&records), (0..20).collect::<Vec<_>>());
        assert_eq!(remarks.len(), usize::from(is_remarked), "{remarks:?}");
        assert_eq!(fs::read(&path).unwrap(), text, "it is not set aside by a reader");
        // A position of before, and one of now.
        for position in [&told[12].position, &records[12].position] {
            let after = vec![position.to_string().parse().unwrap()];
            let (rest, _) = read(Options { after, ..options(directory.path()) });
            assert_eq!(numbers(&rest), (13..20).collect::<Vec<_>>());
        }
    }
    let after = vec![read(options(directory.path())).0[12].position.clone()];
    fs::write(&path, good).unwrap();
    let (rest, _) = read(Options { after, ..options(directory.path()) });
    assert_eq!(numbers(&rest), (13..20).collect::<Vec<_>>());
    // A catalogue of which a process has written its last line in part.
    let mut file = fs::File::options().append(true).open(&path).unwrap();
    file.write_all(b"0123 [").unwrap();
    assert_eq!(all(directory.path()), (0..20).collect::<Vec<_>>());
}

#[test]
fn a_line_is_waited_for_until_it_has_its_end() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("app.log");
    let mut file = fs::File::create(&path).unwrap();
    let (one, two) = (line(1), line(2));
    let mut reader = Reader::open(Options { follow: true, ..options(directory.path()) }).unwrap();
    file.write_all(one.as_bytes()).unwrap();
    file.write_all(&two.as_bytes()[..30]).unwrap();
    assert_eq!(numbers(&drain(&mut reader)), [1]);
    assert!(drain(&mut reader).is_empty());
    // What a dead process wrote is cut, and another line is written there.
    file.set_len(one.len() as u64).unwrap();
    assert!(drain(&mut reader).is_empty());
    let mut file = fs::File::options().append(true).open(&path).unwrap();
    let three = line(3);
    let (start, end) = three.as_bytes().split_at(three.len() - 1);
    file.write_all(start).unwrap();
    assert!(drain(&mut reader).is_empty(), "a whole object may still be followed by something");
    file.write_all(end).unwrap();
    assert_eq!(numbers(&drain(&mut reader)), [3]);
    // Without an end, in a file that gets none.
    file.write_all(&two.as_bytes()[..30]).unwrap();
    fs::rename(&path, directory.path().join("app.log.1")).unwrap();
    fs::write(&path, line(4)).unwrap();
    assert_eq!(numbers(&drain(&mut reader)), [4]);
    assert!(reader.remarks().iter().any(|remark| remark.contains("torn")));
    assert_eq!(numbers(&read(options(directory.path())).0), [1, 3, 4]);
}

#[test]
fn the_writer_may_lose_its_file_in_any_way() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("app.log");
    let mut sink = sink(directory.path(), &rotation(1 << 20, Names::Numbers));
    let mut reader = Reader::open(Options { follow: true, ..options(directory.path()) }).unwrap();
    assert!(drain(&mut reader).is_empty());
    let mut next = 0;
    let mut step = |sink: &mut FileSink, reader: &mut Reader| {
        log(sink, next);
        log(sink, next + 1);
        let records = drain(reader);
        assert_eq!(numbers(&records), [next, next + 1]);
        next += 2;
    };
    step(&mut sink, &mut reader);
    fs::remove_file(&path).unwrap();
    assert!(drain(&mut reader).is_empty());
    step(&mut sink, &mut reader);
    fs::rename(&path, directory.path().join("app.log.1")).unwrap();
    step(&mut sink, &mut reader);
    // What logrotate does with `copytruncate`.
    fs::copy(&path, directory.path().join("old")).unwrap();
    fs::File::options().write(true).open(&path).unwrap().set_len(0).unwrap();
    step(&mut sink, &mut reader);
    sink = self::sink(directory.path(), &rotation(1, Names::Numbers));
    step(&mut sink, &mut reader);
}

#[test]
fn long_lines_are_read_in_bounded_memory() {
    let directory = tempfile::tempdir().unwrap();
    let long = |number: u64, length: usize| {
        let text = line(number);
        format!("{},\"long\":\"{}\"}}\n", &text[..text.len() - 2], "x".repeat(length))
    };
    let text = [line(1), long(2, 3 << 20), line(3), long(4, 40 << 20), line(5), long(6, 140 << 20), line(7)].concat();
    fs::write(directory.path().join("app.log"), &text).unwrap();
    let (records, remarks) = read(options(directory.path()));
    assert_eq!(numbers(&records), [1, 2, 3, 4, 5, 7]);
    assert!(remarks.iter().any(|remark| remark.contains("too long")), "{remarks:?}");
    drop(records);
    let text = [line(1), long(2, 3 << 20), line(3), long(4, 10 << 20), line(5)].concat();
    fs::write(directory.path().join("app.log.1"), &text).unwrap();
    fs::write(directory.path().join("app.log"), line(6)).unwrap();
    let mut catalogue = Catalogue::of(directory.path());
    catalogue.look();
    keep_up(directory.path(), Kind::Zstd, Keep::default());
    for (trace, expected) in [("t00000000", &[1, 2, 3, 4][..]), ("t00000001", &[5, 6])] {
        let filter = Filter { trace: Some(trace.into()), ..Filter::default() };
        let (records, _) = read(Options { filter, ..options(directory.path()) });
        assert_eq!(numbers(&records), expected);
    }
}

#[test]
fn lines_of_other_forms_are_read_in_their_order() {
    let directory = tempfile::tempdir().unwrap();
    let text = "2026-02-19T10:30:00.5+00:00 INFO  shop: one\n2026-02-19T10:30:02+00:00 ERROR shop: two\nTraceback (most recent call last):\n  x\n\
                2026-02-19T10:30:03+00:00 INFO shop: three\n";
    fs::write(directory.path().join("text.log"), text).unwrap();
    let pairs = "timestamp=2026-02-19T10:30:01+00:00 level=WARNING logger=shop.a message=\"a b\" trace_id=t1\n";
    fs::write(directory.path().join("pairs.log"), pairs).unwrap();
    let of = |filter: Filter| {
        let (records, _) = read(Options { filter, ..options(directory.path()) });
        records.iter().map(|record| String::from_utf8(record.raw.clone()).unwrap()).collect::<Vec<_>>()
    };
    let all: Vec<String> = of(Filter::default());
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(all, [lines[0], pairs.trim_end(), lines[1], lines[2], lines[3], lines[4]]);
    assert_eq!(of(Filter { level: Some(40), ..Filter::default() }), lines[1..4]);
    assert_eq!(of(Filter { from: Some(START + 2 * SECOND), ..Filter::default() }), lines[1..5]);
    assert_eq!(of(Filter { loggers: vec!["shop".into()], ..Filter::default() }), [pairs.trim_end()]);
    assert_eq!(of(Filter { trace: Some("t1".into()), ..Filter::default() }), [pairs.trim_end()]);
    assert_eq!(of(Filter { text: Some("Traceback".into()), ..Filter::default() }), [lines[2]]);
}

#[test]
fn quotes_in_a_text_are_found_as_json_writes_them() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("app.log"), "{\"message\":\"say \\\"hello\\\" 订单\"}\n{\"message\":\"x\"}\n")
        .unwrap();
    for text in ["say \"hello\"", "订单", "\"message\":\"say"] {
        let filter = Filter { text: Some(text.to_owned()), ..Filter::default() };
        assert_eq!(read(Options { filter, ..options(directory.path()) }).0.len(), 1, "{text}");
    }
}

#[test]
fn a_program_may_come_back_with_another_shape() {
    let directory = tempfile::tempdir().unwrap();
    let ecs =
        "{\"@timestamp\":\"2026-02-19T10:31:00Z\",\"log.level\":\"ERROR\",\"message\":\"x\",\"log.logger\":\"shop\"}\n";
    let text = [line(3), ecs.to_owned(), line(4), "{\"other\":1}\n".to_owned(), line(7)].concat();
    fs::write(directory.path().join("app.log"), &text).unwrap();
    let filter = Filter { level: Some(40), ..Filter::default() };
    let (records, _) = read(Options { filter, ..options(directory.path()) });
    let found: Vec<&[u8]> = records.iter().map(|record| &record.raw[..]).collect();
    assert_eq!(found, [line(3).trim_end().as_bytes(), ecs.trim_end().as_bytes(), line(7).trim_end().as_bytes()]);
    assert_eq!(records[1].logger().as_deref(), Some("shop"));
}
