//! The life of log files: by size and by time, under names with numbers and with dates, each known by its generation.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use proptest::prelude::*;
use unified_logger_core::archive::Keys;
use unified_logger_core::blackbox::Journal;
use unified_logger_core::catalogue::{self, Catalogue, Generation, Look, SharedCatalogue};
use unified_logger_core::clock::Zone;
use unified_logger_core::encoder::Whose;
use unified_logger_core::rotation::{Calendar, Every, Keep, Names, Rotation, When};
use unified_logger_core::sink::{FileSink, FileTarget, Fsync, Held, Origin, Sink};
use unified_logger_core::stats::{FileStats, NamedCounts, Words};
use unified_logger_core::upkeep;

const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;
/// 2026-02-19T00:00:00Z.
const START: i64 = 1_771_459_200;

fn daily(zone: &str) -> When {
    let calendar = Calendar { every: Every::Days(1), at: 0, zone: Zone::from(zone.to_owned()) };
    When { calendar: Some(calendar), ..When::default() }
}

fn dated(when: When) -> Rotation {
    Rotation { when, names: Names::Dates, zone: Zone::Utc, keep: Keep::default() }
}

fn sink(directory: &Path, rotation: &Rotation, is_start: bool) -> FileSink {
    FileSink::open(FileTarget {
        path: directory.join("app.log"),
        mode: 0o640,
        directory_mode: 0o750,
        current_link: None,
        rotation: rotation.clone(),
        fsync: Fsync::Never,
        journal: Journal::Off,
        catalogue: SharedCatalogue::of(directory),
        is_start,
        stats: Arc::new(FileStats::at(Words::apart(), "app")),
    })
    .unwrap()
}

/// Writes a line that says its time.
fn log(sink: &mut FileSink, time: i64) {
    push(sink, time);
    write(sink);
}

fn push(sink: &mut FileSink, time: i64) {
    let origin = Origin { position: 1, time: time * 1_000_000_000, whose: Whose::Application };
    sink.push(format!("{time}\n").as_bytes(), origin);
}

fn write(sink: &mut FileSink) {
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

/// The generation of each file, by what stands in the catalogue.
fn generations(directory: &Path) -> Vec<(Generation, String)> {
    let mut catalogue = Catalogue::of(directory);
    assert_eq!(catalogue.look(), Look::Changed);
    catalogue.known().files().map(|entry| (entry.generation, entry.name.clone())).collect()
}

/// The catalogue says of each file what is there.
fn check_catalogue(directory: &Path) {
    let mut catalogue = Catalogue::of(directory);
    catalogue.look();
    let found = catalogue::find(directory, "app.log").unwrap();
    let known: BTreeSet<_> = catalogue.known().of_set("app.log").map(|entry| entry.name.clone()).collect();
    assert_eq!(known, found.iter().map(|found| found.name.clone()).collect());
    let unclosed: Vec<_> = catalogue.known().files().filter(|entry| entry.closed.is_none()).collect();
    assert!(unclosed.iter().all(|entry| entry.name == "app.log"), "{unclosed:?}");
    assert_eq!(catalogue.known().reconcile("app.log", &found, 0), []);
}

#[test]
fn each_day_has_its_file_whatever_the_batches_are() {
    for is_one_batch in [false, true] {
        let directory = tempfile::tempdir().unwrap();
        let mut sink = sink(directory.path(), &dated(daily("utc")), false);
        for time in [START, START + DAY - 1, START + DAY, START + DAY + 1, START + 4 * DAY] {
            push(&mut sink, time);
            if !is_one_batch {
                write(&mut sink);
            }
        }
        write(&mut sink);
        let expected = [
            ("app-2026-02-19.log", vec![START, START + DAY - 1]),
            ("app-2026-02-20.log", vec![START + DAY, START + DAY + 1]),
            ("app.log", vec![START + 4 * DAY]),
        ];
        assert_eq!(files(directory.path()), expected.map(|(name, lines)| (name.to_owned(), lines)).into());
        let expected = [(1, "app-2026-02-19.log"), (2, "app-2026-02-20.log"), (3, "app.log")];
        assert_eq!(generations(directory.path()), expected.map(|(number, name)| (number, name.to_owned())));
        check_catalogue(directory.path());
    }
}

#[test]
fn a_restart_goes_on_in_the_file_of_the_day_and_not_in_that_of_yesterday() {
    let directory = tempfile::tempdir().unwrap();
    let rotation = dated(daily("utc"));
    log(&mut sink(directory.path(), &rotation, false), START + HOUR);
    log(&mut sink(directory.path(), &rotation, false), START + 2 * HOUR);
    assert_eq!(names(directory.path()), ["app.log"]);
    // Nobody has touched it for days: its own state says what it has, and not its time of change, which is now.
    log(&mut sink(directory.path(), &rotation, false), START + 3 * DAY);
    assert_eq!(names(directory.path()), ["app-2026-02-19.log", "app.log"]);
    check_catalogue(directory.path());
}

#[test]
fn several_processes_make_one_file_a_day() {
    let directory = tempfile::tempdir().unwrap();
    let rotation = dated(daily("utc"));
    let mut sinks = [(); 3].map(|()| sink(directory.path(), &rotation, false));
    for time in [START, START + DAY, START + 2 * DAY] {
        for sink in &mut sinks {
            log(sink, time);
        }
    }
    let lines: Vec<_> = files(directory.path()).into_values().collect();
    assert_eq!(lines, [vec![START; 3], vec![START + DAY; 3], vec![START + 2 * DAY; 3]]);
    check_catalogue(directory.path());
}

#[test]
fn a_record_that_comes_late_is_in_the_file_that_is_there() {
    let directory = tempfile::tempdir().unwrap();
    let mut sink = sink(directory.path(), &dated(daily("utc")), false);
    for time in [START, START + DAY, START + DAY - 1, START + DAY + 1] {
        log(&mut sink, time);
    }
    assert_eq!(names(directory.path()), ["app-2026-02-19.log", "app.log"]);
}

#[test]
fn days_that_grow_have_several_files_and_no_name_is_used_twice() {
    let directory = tempfile::tempdir().unwrap();
    let rotation = dated(When { max_bytes: 40, ..daily("utc") });
    // Another file of that name is in the way.
    fs::write(directory.path().join("app-2026-02-19.log.1"), "0\n").unwrap();
    let mut sink = sink(directory.path(), &rotation, false);
    for second in 0..12 {
        log(&mut sink, START + second);
    }
    log(&mut sink, START + DAY);
    // Numbers go on behind the one that is there: a later file has the higher one.
    let expected = ["app-2026-02-19.log.1", "app-2026-02-19.log.2", "app-2026-02-19.log.3", "app-2026-02-19.log.4"];
    assert_eq!(names(directory.path())[..4], expected);
    let lines: BTreeSet<i64> = files(directory.path()).into_values().flatten().collect();
    assert_eq!(lines.len(), 14);
    let settings = upkeep::Settings {
        sets: vec![upkeep::Set {
            output: "app".to_owned(),
            name: "app.log".to_owned(),
            keep: Keep::default(),
            is_of_errors: false,
            method: None,
            keys: Keys::default(),
            ..upkeep::Set::default()
        }],
        file_mode: 0o640,
        ..upkeep::Settings::default()
    };
    assert!(upkeep::round(directory.path(), &settings, START, &|| true).is_some());
    check_catalogue(directory.path());
}

/// Makes the file older than what one start may have made.
fn age(directory: &Path) {
    let path = directory.join(".unified_logger/catalogue");
    let mut catalogue = Catalogue::of(directory);
    catalogue.look();
    let entry = catalogue.known().current("app.log").unwrap().clone();
    catalogue.change(vec![catalogue::Change::File(catalogue::Entry { made: entry.made - 60, ..entry })]);
    assert!(path.is_file());
}

#[test]
fn a_start_may_want_a_file_of_its_own_and_takes_none_that_is_empty() {
    let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let rotation = Rotation { when: When { at_start: true, ..When::default() }, ..dated(When::default()) };
    log(&mut sink(one.path(), &rotation, true), START);
    age(one.path());
    log(&mut sink(one.path(), &rotation, true), START + 1);
    assert_eq!(names(one.path()), ["app.log"], "it is the same program");

    fs::copy(one.path().join("app.log"), other.path().join("app.log")).unwrap();
    let mut sink = sink(other.path(), &rotation, true);
    for second in 2..4 {
        log(&mut sink, START + second);
    }
    let lines: Vec<_> = files(other.path()).into_values().collect();
    assert_eq!(lines, [vec![START, START + 1], vec![START + 2, START + 3]]);
}

#[test]
fn another_calendar_counts_from_now_on() {
    let directory = tempfile::tempdir().unwrap();
    let now = unified_logger_core::clock::now() / 1_000_000_000;
    log(&mut sink(directory.path(), &dated(daily("utc")), false), now);
    let hourly = Calendar { every: Every::Seconds(3600), at: 0, zone: Zone::Utc };
    let rotation = dated(When { calendar: Some(hourly), ..When::default() });
    log(&mut sink(directory.path(), &rotation, false), now);
    assert_eq!(names(directory.path()), ["app.log"]);
    log(&mut sink(directory.path(), &rotation, false), now + HOUR);
    assert_eq!(files(directory.path()).into_values().map(|lines| lines.len()).collect::<Vec<_>>(), [2, 1]);
}

#[test]
fn a_file_that_was_emptied_in_place_is_another_one() {
    let directory = tempfile::tempdir().unwrap();
    let mut sink = sink(directory.path(), &dated(When::default()), false);
    log(&mut sink, START);
    fs::copy(directory.path().join("app.log"), directory.path().join("app.log.1")).unwrap();
    fs::File::options().write(true).open(directory.path().join("app.log")).unwrap().set_len(0).unwrap();
    log(&mut sink, START + 5);
    assert_eq!(generations(directory.path()), [(1, "app.log.1".to_owned()), (2, "app.log".to_owned())]);
    check_catalogue(directory.path());
}

#[test]
fn a_file_that_somebody_packs_by_hand_keeps_its_place() {
    let directory = tempfile::tempdir().unwrap();
    let rotation = Rotation::by_size(40, 9);
    for second in 0..6 {
        log(&mut sink(directory.path(), &rotation, false), START + second);
    }
    let before = generations(directory.path());
    let path = directory.path().join("app.log.1");
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut packed, &fs::read(&path).unwrap()).unwrap();
    fs::write(directory.path().join("app.log.1.gz"), packed.finish().unwrap()).unwrap();
    fs::remove_file(path).unwrap();
    for second in 6..12 {
        log(&mut sink(directory.path(), &rotation, false), START + second);
    }
    let generation = before.iter().find(|(_, name)| name == "app.log.1").unwrap().0;
    let after = generations(directory.path());
    let (_, name) = after.iter().find(|(known, _)| *known == generation).unwrap();
    assert!(name.ends_with(".gz"), "{after:?}");
}

#[test]
fn a_lost_catalogue_is_made_again_from_the_files() {
    let directory = tempfile::tempdir().unwrap();
    let rotation = Rotation::by_size(40, 3);
    let mut one = sink(directory.path(), &rotation, false);
    for second in 0..9 {
        log(&mut one, START + second);
    }
    fs::remove_dir_all(directory.path().join(".unified_logger")).unwrap();
    log(&mut sink(directory.path(), &rotation, false), START + 9);
    check_catalogue(directory.path());
    let generations = generations(directory.path());
    assert!(generations[0].0 > 1_000_000, "no number is given again: {generations:?}");
    let in_order: Vec<_> = generations.iter().map(|(_, name)| name.clone()).collect();
    let mut expected = names(directory.path());
    expected.reverse();
    assert_eq!(in_order, expected, "the oldest has the lowest");
}

proptest! {
    /// Through restarts, idle days and steps of the clock, by any number of processes: no line is lost, files follow one another in the order of
    /// their records as long as the clock goes forward, and the catalogue knows each.
    #[test]
    fn no_line_is_lost_and_each_is_in_the_file_of_its_day(
        steps in prop::collection::vec((0_usize..3, 0_i64..40 * HOUR, 0_u8..8), 1..40),
        max_bytes in prop::sample::select(vec![0_u64, 35]),
        numbers: bool,
    ) {
        let directory = tempfile::tempdir().unwrap();
        let when = When { max_bytes, ..daily("Europe/Berlin") };
        let names = if numbers { Names::Numbers } else { Names::Dates };
        let rotation = Rotation { names, ..dated(when.clone()) };
        let periods = when.calendar.unwrap().periods();
        let mut sinks: Vec<_> = (0..3).map(|_| sink(directory.path(), &rotation, false)).collect();
        let (mut now, mut written) = (START, BTreeSet::new());
        for (process, idle, other) in steps {
            now += idle + 1;
            match other {
                0 => sinks[process] = sink(directory.path(), &rotation, false),
                1 => push(&mut sinks[process], now),
                _ => log(&mut sinks[process], now),
            }
            if other != 0 {
                written.insert(now);
            }
            // What waits is written before time goes on: it is the order of one lock.
            if other == 1 {
                write(&mut sinks[process]);
            }
        }
        let files = files(directory.path());
        let all: Vec<i64> = files.values().flatten().copied().collect();
        prop_assert_eq!(all.len(), written.len());
        prop_assert_eq!(all.into_iter().collect::<BTreeSet<_>>(), written);
        for (name, lines) in &files {
            let of: BTreeSet<_> = lines.iter().map(|time| periods.at(*time).start).collect();
            prop_assert!(of.len() <= 1, "{} has {} periods", name, of.len());
            if let (Names::Dates, Some(time), true) = (names, lines.first(), name != "app.log") {
                prop_assert!(name.contains(&periods.label(periods.at(*time))), "{}", name);
            }
        }
        if !files.is_empty() {
            check_catalogue(directory.path());
        }
    }
}

#[test]
fn a_clock_that_is_set_back_into_a_longer_day_makes_no_file_also_after_a_restart() {
    // The day before has 25 hours in Berlin.
    const MIDNIGHT: i64 = 1_792_969_200;
    let directory = tempfile::tempdir().unwrap();
    let rotation = dated(daily("Europe/Berlin"));
    for step in [-25 * HOUR - 1, -25 * HOUR, -1, 0, -HOUR, -1, 1, -24 * HOUR, DAY] {
        log(&mut sink(directory.path(), &rotation, false), MIDNIGHT + step);
    }
    assert_eq!(names(directory.path()), ["app-2026-10-24.log", "app-2026-10-25.log", "app-2026-10-26.log", "app.log"]);
    assert_eq!(files(directory.path())["app-2026-10-25.log"], [MIDNIGHT - 25 * HOUR, MIDNIGHT - 1]);
}
