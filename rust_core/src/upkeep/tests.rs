use super::*;
use std::fs;
use std::io::Read;

use crate::archive::{Archive, Kind};
use crate::catalogue::{Change, Closed, Entry, Known, Mark};
use crate::rotation::{Free, Rule};
use crate::sink::Held;

mod brief;
#[cfg(unix)]
mod closed;
mod copies;
mod damage;
mod foreign;
mod shippers;

const NOW: i64 = 1_000_000;

fn set(name: &str, keep: Keep) -> Set {
    Set { output: name.to_owned(), name: name.to_owned(), keep, is_of_errors: name == "errors.log", ..Set::default() }
}

/// What lines of records look like.
fn json() -> Form {
    Form::Json(Keys::default())
}

/// A set whose files have lines of records.
fn json_set(keep: Keep) -> Set {
    Set { form: json(), ..set("app.log", keep) }
}

fn settings(sets: &[Set], all: Keep) -> Settings {
    Settings { sets: sets.to_vec(), all, file_mode: 0o640, ..Settings::default() }
}

fn files(count: u32) -> Keep {
    Keep { files: Some(count), ..Keep::default() }
}

fn entry(generation: Generation, set: &str, age: Option<i64>) -> Entry {
    Entry {
        generation,
        set: set.to_owned(),
        name: if age.is_some() { format!("{set}.{generation}") } else { set.to_owned() },
        mark: Mark::of(0, format!("{set} {generation}").as_bytes()),
        made: 0,
        period: None,
        closed: age.map(|age| Closed { at: NOW - age, bytes: 10, sequence: None }),
    }
}

/// Three rotated files of each of two sets, an hour apart, and the current ones.
fn known() -> Known {
    let mut known = Known::default();
    let ages = [(1, 5), (2, 4), (3, 3), (4, 2), (5, 1), (6, 0)];
    let rotated = ages.map(|(generation, hours)| {
        entry(generation, if generation % 2 == 1 { "app.log" } else { "errors.log" }, Some(3600 * hours))
    });
    let current = [entry(7, "app.log", None), entry(8, "errors.log", None)];
    known.apply(rotated.into_iter().chain(current).map(Change::File));
    known
}

fn goes(settings: &Settings, disk: Option<Disk>) -> Vec<(Generation, Rule)> {
    let going = plan(&known(), settings, NOW, disk, &|_| true, |_| Some(There { bytes: 10, written: None }));
    going.goes.into_iter().map(|going| (going.generation, going.rule)).collect()
}

#[test]
fn each_set_has_its_bounds_and_all_together_have_theirs() {
    let sets = [set("app.log", files(2)), set("errors.log", Keep { age: Some(2 * 3600), ..Keep::default() })];
    assert_eq!(goes(&settings(&sets, Keep::default()), None), [(1, Rule::Files), (2, Rule::Age)]);
    let all = Keep { bytes: Some(25), ..Keep::default() };
    let expected = [(1, Rule::Files), (2, Rule::Age), (3, Rule::Bytes), (4, Rule::Bytes)];
    assert_eq!(goes(&settings(&sets, all), None), expected);
}

#[test]
fn the_age_of_a_file_is_that_of_its_last_record() {
    let keep = Keep { age: Some(2 * 3600), ..Keep::default() };
    let settings = settings(&[set("app.log", keep)], Keep::default());
    let goes_if = |written: Option<i64>| {
        let there = |entry: &Entry| Some(There { bytes: 10, written: written.filter(|_| entry.generation == 5) });
        let plan = plan(&known(), &settings, NOW, None, &|_| true, there);
        plan.goes.iter().any(|going| going.generation == 5)
    };
    // Rotated an hour ago, and quiet long before.
    assert!(!goes_if(None));
    assert!(goes_if(Some(NOW - 3 * 3600)));
    // The clock was wrong when that was written.
    assert!(!goes_if(Some(NOW + 3600)));
}

#[test]
fn room_is_made_by_the_oldest_and_by_files_of_errors_last() {
    let sets = [set("app.log", files(2)), set("errors.log", Keep::default())];
    let all = Keep { disk_free: Some(Free::Bytes(50)), ..Keep::default() };
    let disk = |free| Some(Disk { size: 1_000, free });
    assert_eq!(goes(&settings(&sets, all), disk(40)), [(1, Rule::Files)], "what goes anyway is enough");
    let expected = [(1, Rule::Files), (3, Rule::DiskFree), (5, Rule::DiskFree), (2, Rule::DiskFree)];
    let mut found = goes(&settings(&sets, all), disk(10));
    found.sort_by_key(|(generation, _)| expected.iter().position(|(known, _)| known == generation));
    assert_eq!(found, expected);
}

#[test]
fn files_of_sets_that_are_not_written_here_stay() {
    assert_eq!(goes(&settings(&[set("other.log", files(1))], files(1)), None), []);
}

fn write(directory: &Path, name: &str, text: &str) -> u64 {
    let path = directory.join(name);
    fs::write(&path, text).unwrap();
    platform::identity_at(&path).unwrap().inode
}

/// A directory with two rotated files and the current one, all of them in the catalogue.
fn directory() -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    let mut catalogue = Catalogue::of(directory.path());
    catalogue.look();
    for (generation, name) in [(1, "app.log.2"), (2, "app.log.1"), (3, "app.log")] {
        let text = format!("line of {generation}\n");
        let inode = write(directory.path(), name, &text);
        let closed = (generation < 3).then_some(Closed { at: NOW, bytes: 10, sequence: None });
        let mark = Mark::of(inode, text.as_bytes());
        let set = "app.log".to_owned();
        let entry = Entry { generation, set, name: name.to_owned(), mark, made: 0, period: None, closed };
        catalogue.change(vec![Change::File(entry)]);
    }
    directory
}

fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = entries.filter(|name| name.starts_with("app")).collect();
    names.sort();
    names
}

#[test]
fn a_round_deletes_what_goes_and_the_catalogue_knows() {
    let directory = directory();
    let settings = settings(&[set("app.log", files(1))], Keep::default());
    let report = round(directory.path(), &settings, NOW, &|| true).unwrap();
    assert_eq!(report.gone.iter().map(|going| going.name.as_str()).collect::<Vec<_>>(), ["app.log.2"]);
    assert_eq!((names(directory.path()), report.failed), (vec!["app.log".into(), "app.log.1".into()], vec![]));
    let mut catalogue = Catalogue::of(directory.path());
    catalogue.look();
    assert_eq!(catalogue.known().files().map(|entry| entry.generation).collect::<Vec<_>>(), [2, 3]);
    assert!(round(directory.path(), &settings, NOW, &|| true).unwrap().gone.is_empty());
}

#[test]
fn a_file_that_somebody_else_put_there_stays() {
    let directory = directory();
    // Not removed: the other file could get its number.
    fs::rename(directory.path().join("app.log.2"), directory.path().join("other")).unwrap();
    write(directory.path(), "app.log.2", "of somebody else\n");
    let report = round(directory.path(), &settings(&[set("app.log", files(1))], Keep::default()), NOW, &|| true);
    assert_eq!(report.unwrap().gone.len(), 1);
    assert_eq!(fs::read_to_string(directory.path().join("app.log.2")).unwrap(), "of somebody else\n");
}

#[test]
fn one_process_at_a_time_does_it_and_one_that_is_to_end_stops() {
    let directory = directory();
    let settings = settings(&[set("app.log", files(1))], Keep::default());
    assert!(round(directory.path(), &settings, NOW, &|| false).unwrap().gone.is_empty());
    let mut other = DirectoryLock::named(&blackbox::home(directory.path()), LOCK_FILE, 0o640).unwrap();
    other.hold(Duration::ZERO, |held| {
        assert_eq!(held, Held::Yes);
        assert!(round(directory.path(), &settings, NOW, &|| true).is_none());
    });
    assert_eq!(round(directory.path(), &settings, NOW, &|| true).unwrap().gone.len(), 1);
}

#[test]
fn a_lost_catalogue_is_made_again() {
    let directory = directory();
    fs::remove_file(blackbox::home(directory.path()).join("catalogue")).unwrap();
    let settings = settings(&[set("app.log", files(1))], Keep::default());
    let report = round(directory.path(), &settings, NOW, &|| true).unwrap();
    assert_eq!(report.gone.iter().map(|going| going.name.as_str()).collect::<Vec<_>>(), ["app.log.2"]);
    assert_eq!(catalogue_of(directory.path()).known().files().count(), 2);
}

fn packing(name: &str) -> Set {
    Set { method: Method::new(Kind::Zstd, None), ..set(name, Keep::default()) }
}

/// As a process leaves it that died before it noted that a file is packed: the original is beside it.
fn unfinish(directory: &Path, generation: Generation, name: &str, text: &str) {
    let inode = write(directory, name, text);
    let mut catalogue = catalogue_of(directory);
    let entry = catalogue.known().get(generation).unwrap().clone();
    let mark = Mark { inode, ..entry.mark };
    catalogue.change(vec![Change::File(Entry { name: name.to_owned(), mark, ..entry })]);
}

/// What a file of the directory holds, unpacked.
fn lines(directory: &Path, name: &str) -> String {
    let mut archive = Archive::open(&directory.join(name), None).unwrap();
    let mut text = String::new();
    archive.stream(0).unwrap().read_to_string(&mut text).unwrap();
    text
}

fn catalogue_of(directory: &Path) -> Catalogue {
    let mut catalogue = Catalogue::of(directory);
    catalogue.look();
    catalogue
}

fn indices(directory: &Path) -> Vec<Generation> {
    (1..9).filter(|generation| index_path(directory, *generation).exists()).collect()
}

#[test]
fn rotated_files_are_packed_indexed_and_counted() {
    let directory = directory();
    let settings = settings(&[packing("app.log")], Keep::default());
    let report = round(directory.path(), &settings, NOW, &|| true).unwrap();
    assert_eq!((report.archived, report.waiting, report.failed), (2, 0, vec![]));
    assert_eq!(names(directory.path()), ["app.log", "app.log.1.zst", "app.log.2.zst"]);
    assert_eq!(lines(directory.path(), "app.log.2.zst"), "line of 1\n");
    assert_eq!(lines(directory.path(), "app.log.1.zst"), "line of 2\n");
    assert_eq!(indices(directory.path()), [1, 2]);
    let known = catalogue_of(directory.path());
    let sequence = |generation| known.known().get(generation).unwrap().closed.unwrap().sequence;
    assert_eq!((sequence(1), sequence(2), known.known().counted("app.log")), (Some((0, 1)), Some((1, 2)), 2));
    let found = catalogue::find(directory.path(), "app.log").unwrap();
    assert_eq!(known.known().reconcile("app.log", &found, NOW), []);
    assert_eq!(round(directory.path(), &settings, NOW, &|| true).unwrap().archived, 0);
}

#[test]
fn files_that_are_not_packed_have_an_index_too_and_a_lost_one_is_made_again() {
    let directory = directory();
    let settings = settings(&[set("app.log", Keep::default())], Keep::default());
    assert_eq!(round(directory.path(), &settings, NOW, &|| true).unwrap().archived, 2);
    fs::remove_file(index_path(directory.path(), 1)).unwrap();
    fs::write(index_path(directory.path(), 7), "of a file that is gone").unwrap();
    let report = round(directory.path(), &settings, NOW, &|| true).unwrap();
    assert_eq!((report.archived, report.indexed, report.waiting), (0, 1, 0));
    assert_eq!(indices(directory.path()), [1, 2]);
    assert_eq!(catalogue_of(directory.path()).known().counted("app.log"), 2, "nothing is counted twice");
}

#[test]
fn a_file_that_is_renamed_while_it_is_packed_is_packed_under_its_new_name() {
    let directory = directory();
    let settings = settings(&[packing("app.log")], Keep::default());
    let asked = std::sync::atomic::AtomicU32::new(0);
    let rename = || {
        // The first file is under way then.
        if asked.fetch_add(1, std::sync::atomic::Ordering::Relaxed) == 1 {
            for (generation, from, to) in [(1, "app.log.2", "app.log.3"), (2, "app.log.1", "app.log.2")] {
                fs::rename(directory.path().join(from), directory.path().join(to)).unwrap();
                catalogue_of(directory.path()).change(vec![Change::Moved(vec![(generation, to.to_owned())])]);
            }
        }
        true
    };
    let report = round(directory.path(), &settings, NOW, &rename).unwrap();
    assert_eq!((report.archived, report.failed), (2, vec![]));
    assert_eq!(names(directory.path()), ["app.log", "app.log.2.zst", "app.log.3.zst"]);
    assert_eq!(lines(directory.path(), "app.log.3.zst"), "line of 1\n");
}

#[test]
fn packed_files_keep_their_generations_when_the_catalogue_is_lost() {
    let directory = directory();
    let settings = settings(&[packing("app.log")], Keep::default());
    assert_eq!(round(directory.path(), &settings, NOW, &|| true).unwrap().archived, 2);
    fs::remove_file(blackbox::home(directory.path()).join("catalogue")).unwrap();
    let mut catalogue = Catalogue::of(directory.path());
    catalogue.look();
    let found = catalogue::find(directory.path(), "app.log").unwrap();
    catalogue.change(catalogue.known().reconcile("app.log", &found, NOW));
    let named: Vec<_> = catalogue.known().files().map(|entry| (entry.generation, entry.name.as_str())).collect();
    assert_eq!(named[..2], [(1, "app.log.2.zst"), (2, "app.log.1.zst")]);
}

#[test]
fn packed_files_go_when_nothing_keeps_them_and_so_do_their_indices() {
    let directory = directory();
    assert_eq!(
        round(directory.path(), &settings(&[packing("app.log")], Keep::default()), NOW, &|| true).unwrap().archived,
        2
    );
    let settings = settings(&[packing("app.log")], files(1));
    assert_eq!(round(directory.path(), &settings, NOW, &|| true).unwrap().gone.len(), 1);
    assert_eq!(names(directory.path()), ["app.log", "app.log.1.zst"]);
    assert_eq!(indices(directory.path()), [2]);
}

#[test]
fn what_a_process_had_packed_that_died_is_in_one_place() {
    let directory = directory();
    let settings = settings(&[packing("app.log")], Keep::default());
    round(directory.path(), &settings, NOW, &|| true).unwrap();
    let before = catalogue_of(directory.path()).known().clone();
    // The original was still there.
    unfinish(directory.path(), 1, "app.log.2", "line of 1\n");
    let report = round(directory.path(), &settings, NOW, &|| true).unwrap();
    assert_eq!((report.archived, report.failed), (0, vec![]));
    assert_eq!(names(directory.path()), ["app.log", "app.log.1.zst", "app.log.2.zst"]);
    assert_eq!(*catalogue_of(directory.path()).known(), before);
    // A line was appended to the original after it was packed: that is the whole file.
    unfinish(directory.path(), 1, "app.log.2", "line of 1\nand one more\n");
    assert_eq!(round(directory.path(), &settings, NOW, &|| true).unwrap().failed, vec![]);
    assert_eq!(names(directory.path()), ["app.log", "app.log.1.zst", "app.log.2.zst"]);
    assert_eq!(lines(directory.path(), "app.log.2.zst"), "line of 1\nand one more\n");
}

#[test]
fn a_file_that_an_operator_has_unpacked_beside_it_stays() {
    let directory = directory();
    let settings = settings(&[packing("app.log")], Keep::default());
    assert_eq!(round(directory.path(), &settings, NOW, &|| true).unwrap().archived, 2);
    let before = catalogue_of(directory.path()).known().clone();
    write(directory.path(), "app.log.2", "line of 1\n");
    for _ in 0..2 {
        let report = round(directory.path(), &settings, NOW, &|| true).unwrap();
        assert_eq!((report.archived, report.failed, report.foreign), (0, vec![], vec![]));
        assert_eq!(names(directory.path()), ["app.log", "app.log.1.zst", "app.log.2", "app.log.2.zst"]);
        assert_eq!(*catalogue_of(directory.path()).known(), before, "its records are not there twice");
    }
}

#[test]
fn what_a_dead_process_left_between_two_steps_is_cleared_away() {
    let directory = directory();
    let settings = settings(&[packing("app.log")], Keep::default());
    assert_eq!(round(directory.path(), &settings, NOW, &|| true).unwrap().archived, 2);
    // As before the original was removed.
    unfinish(directory.path(), 1, "app.log.2", "line of 1\n");
    // Another file of that name, which nobody has packed so.
    write(directory.path(), "app.log.1", "something else\n");
    let home = blackbox::home(directory.path());
    for name in ["2.tmp", "catalogue.tmp"] {
        fs::write(home.join(name), "half").unwrap();
    }
    let report = round(directory.path(), &settings, NOW, &|| true).unwrap();
    // The name that it would have is taken.
    assert_eq!(report.failed.iter().map(|failure| failure.action).collect::<Vec<_>>(), ["pack a log file"]);
    assert_eq!(names(directory.path()), ["app.log", "app.log.1", "app.log.1.zst", "app.log.2.zst"]);
    assert!(["2.tmp", "catalogue.tmp"].iter().all(|name| !home.join(name).exists()));
}

#[test]
fn a_packed_file_that_the_catalogue_knows_by_another_number_is_indexed() {
    let directory = directory();
    let settings = settings(&[packing("app.log")], Keep::default());
    assert_eq!(round(directory.path(), &settings, NOW, &|| true).unwrap().archived, 2);
    let mut catalogue = catalogue_of(directory.path());
    let entry = catalogue.known().get(1).unwrap().clone();
    catalogue.change(vec![Change::Gone(1), Change::File(Entry { generation: 9, ..entry })]);
    let report = round(directory.path(), &settings, NOW, &|| true).unwrap();
    assert_eq!((report.archived, report.indexed, report.waiting), (0, 1, 0));
    assert_eq!(indices(directory.path()), [2]);
    assert!(index_path(directory.path(), 9).exists());
}
