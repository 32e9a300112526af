//! What a process that died had accepted: written once, in order, by whoever comes first.
#![cfg(unix)]

use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use proptest::prelude::*;
use unified_logger_core::archive::{Job, Keys, Kind, Method, Outcome, pack, packed_name};
use unified_logger_core::blackbox::{self, Home};
use unified_logger_core::catalogue::{Catalogue, Change, Closed, Entry, Mark};
use unified_logger_core::config::Settings;
use unified_logger_core::encoder::{Format, Shape, Text};
use unified_logger_core::engine::Engine;
use unified_logger_core::level;
use unified_logger_core::platform::{self, OwnFile};
use unified_logger_core::queue::Offered;
use unified_logger_core::queue::{self, Overflow};
use unified_logger_core::record::Builder;
use unified_logger_core::recovery::{self, Recovered};
use unified_logger_core::redaction::{Action, HashKey, Rules, Spec};
use unified_logger_core::slab::Buffer;
use unified_logger_core::upkeep;
use unified_logger_core::value::Value;

/// Only one thread of a process recovers at a time.
static ALONE: Mutex<()> = Mutex::new(());

fn alone() -> MutexGuard<'static, ()> {
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn settings(directory: &Path, max_bytes: u64) -> Settings {
    let mut settings = Settings::of_test(directory);
    settings.output.to.outputs.pop();
    for file in settings.output.to.files_mut() {
        (file.max_bytes, file.backup_count) = (max_bytes, 100);
    }
    settings.queue = queue::Settings {
        size: 1_000,
        overflow: Overflow::DropNew,
        overflow_timeout: Duration::ZERO,
        ..settings.queue
    };
    settings.black_box.bytes = 2 << 20;
    settings
}

fn offer(engine: &Engine, level: i32, number: i64) {
    offer_with(engine, level, number, "m", "täxt");
}

fn offer_with(engine: &Engine, level: i32, number: i64, message: &str, text: &str) {
    let mut record = Buffer::alloc();
    Builder { time: number, level, logger: "l", function: "f", message }
        .put(&mut record, &[("n", Value::Integer(number)), ("text", Value::Text(text))]);
    assert!(matches!(engine.offer(record), Offered::Taken));
}

/// Settings that redact e-mail addresses, as hashes.
fn redacting(directory: &Path) -> Settings {
    let spec = Spec {
        patterns: vec!["email".into()],
        action: Action::Hash,
        hash_key: Some(HashKey("a key of hashes".into())),
        ..Spec::default()
    };
    let mut settings = settings(directory, 0);
    settings.output.redaction = Some(Rules::new(spec).unwrap());
    settings
}

/// The black box of the one engine of a directory.
fn box_of(directory: &Path) -> PathBuf {
    let boxes: Vec<_> =
        fs::read_dir(directory.join(".unified_logger")).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(boxes.len(), 1, "{boxes:?}");
    boxes[0].clone()
}

/// A file that was found, to note something in it.
fn to_write(path: &Path) -> OwnFile {
    OwnFile::new(fs::File::options().read(true).write(true).open(path).unwrap()).unwrap()
}

/// The engine dies: its box is left as it is, without an owner.
fn die(engine: Engine, directory: &Path) -> PathBuf {
    let path = box_of(directory);
    let left = path.with_file_name("1-dead.box");
    // A copy has another inode, so that the lock of the one that lives does not count.
    fs::copy(&path, &left).unwrap();
    fs::remove_file(path).unwrap();
    std::mem::forget(engine);
    left
}

fn sweep(directory: &Path) -> Recovered {
    recovery::sweep(&Home::Directory(directory.to_owned())).expect("nobody else is at it")
}

fn lines(path: &Path) -> Vec<serde_json::Value> {
    fs::read_to_string(path).unwrap_or_default().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Numbers of the records in a file, without what the library says itself.
fn numbers(path: &Path) -> Vec<i64> {
    lines(path).iter().filter_map(|line| line["n"].as_i64()).collect()
}

#[test]
fn what_was_accepted_is_written_marked_and_reported() {
    let _alone = alone();
    let directory = tempfile::tempdir().unwrap();
    let engine = Engine::open(settings(directory.path(), 0), Arc::default()).unwrap();
    (0..50).for_each(|number| offer(&engine, if number % 10 == 9 { level::ERROR } else { level::INFO }, number));
    let dead = die(engine, directory.path());
    let recovered = sweep(directory.path());
    assert_eq!((recovered.boxes, recovered.records, recovered.damaged), (1, 50, 0));
    assert!(!dead.exists());
    let found = lines(&directory.path().join("app.log"));
    assert_eq!(numbers(&directory.path().join("app.log")), (0..50).collect::<Vec<_>>());
    assert!(found[..50].iter().all(|line| line["recovered"] == true && line["text"] == "täxt"));
    let notice = &found[50];
    assert_eq!(
        (&notice["level"], &notice["records"], &notice["pid"]),
        (&"WARNING".into(), &50.into(), &std::process::id().into())
    );
    assert_eq!(notice["last_record"], "1970-01-01T00:00:00.000000+00:00");
    assert_eq!(notice.get("recovered"), None);
    assert_eq!(numbers(&directory.path().join("errors.log")), [9, 19, 29, 39, 49]);
    assert_eq!(sweep(directory.path()), Recovered::default());
}

#[test]
fn a_living_owner_keeps_its_box() {
    let _alone = alone();
    let directory = tempfile::tempdir().unwrap();
    let engine = Engine::open(settings(directory.path(), 0), Arc::default()).unwrap();
    offer(&engine, level::INFO, 1);
    assert_eq!(sweep(directory.path()), Recovered::default());
    assert!(box_of(directory.path()).exists());
}

/// The names of what is beside the logs.
fn in_home(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory.join(".unified_logger")).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn an_orderly_end_leaves_no_box() {
    let _alone = alone();
    let directory = tempfile::tempdir().unwrap();
    let engine = Engine::open(settings(directory.path(), 0), Arc::default()).unwrap();
    engine.start().unwrap();
    (0..500).for_each(|number| offer(&engine, level::INFO, number));
    assert!(engine.shutdown(Duration::from_secs(20)));
    // What it has counted is kept.
    assert_eq!(in_home(directory.path()), ["catalogue", "counts", "counts.lock"]);
    assert_eq!(numbers(&directory.path().join("app.log")).len(), 500);
}

#[test]
fn an_engine_that_goes_with_records_unwritten_leaves_them_in_its_box() {
    let _alone = alone();
    let directory = tempfile::tempdir().unwrap();
    let engine = Engine::open(settings(directory.path(), 0), Arc::default()).unwrap();
    (0..20).for_each(|number| offer(&engine, level::INFO, number));
    drop(engine);
    assert_eq!(sweep(directory.path()).records, 20);
    assert_eq!(numbers(&directory.path().join("app.log")), (0..20).collect::<Vec<_>>());
}

/// The formats in which app.log may be written.
fn formats() -> [Format; 5] {
    let shaped = |shape: serde_json::Value| serde_json::from_value(shape).unwrap();
    [
        Format::json(),
        Format::Logfmt(Shape::default()),
        Format::Text(Text::PLAIN),
        shaped(serde_json::json!({"name": "json", "preset": "ecs"})),
        shaped(
            serde_json::json!({"name": "json", "keys": {"first": ["recovered", "message"], "omit": ["process"], "rename": [["n", "n"]]}}),
        ),
    ]
}

/// Where the first slot of a box is.
const SLOTS: usize = (1 << 20) + unified_logger_core::stats::LENGTH;

/// For each format a box with twenty records: it does not say for which directory it is. They have something to redact, so that a line of before
/// the death is only known again once the record is redacted in the same way.
static TWENTY: LazyLock<[Vec<u8>; 5]> = LazyLock::new(|| {
    formats().map(|format| {
        let directory = tempfile::tempdir().unwrap();
        let mut settings = redacting(directory.path());
        settings.output.to.outputs[0].format = format;
        let engine = Engine::open(settings, Arc::default()).unwrap();
        (0..20).for_each(|number| offer_with(&engine, level::INFO, number, "to alice@example.com", "bob@example.com"));
        fs::read(die(engine, directory.path())).unwrap()
    })
});

/// The same in this directory, as it is when the writer has taken everything and is about to append to app.log.
fn about_to_append(directory: &Path, upto: u64, offset: u64) -> PathBuf {
    about_to_append_in(0, directory, upto, offset)
}

/// The same in the format of this number.
fn about_to_append_in(format: usize, directory: &Path, upto: u64, offset: u64) -> PathBuf {
    let boxes = directory.join(".unified_logger");
    fs::create_dir(&boxes).unwrap();
    fs::set_permissions(&boxes, std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
    let dead = boxes.join("1-dead.box");
    let mut bytes = TWENTY[format].clone();
    // The writer had taken those it was about to append.
    for (slot, taken) in bytes[SLOTS..].chunks_mut(320).zip(1..=upto) {
        slot[8..16].copy_from_slice(&taken.to_le_bytes());
    }
    fs::write(&dead, bytes).unwrap();
    fs::OpenOptions::new().create(true).append(true).open(directory.join("app.log")).unwrap();
    let identity = unified_logger_core::platform::identity_at(&directory.join("app.log")).unwrap();
    let journal = blackbox::Journal::InFile { file: Arc::new(to_write(&dead)), index: 0 };
    journal.intend(identity, offset, upto).unwrap();
    journal.passed(0, 0).unwrap();
    dead
}

/// Lines as the dead process wrote them: those of a recovery, without its mark.
fn written_by_the_dead(directory: &Path) -> String {
    let copy = tempfile::tempdir().unwrap();
    let boxes = copy.path().join(".unified_logger");
    fs::create_dir(&boxes).unwrap();
    fs::set_permissions(&boxes, std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
    fs::copy(directory.join(".unified_logger/1-dead.box"), boxes.join("1-dead.box")).unwrap();
    sweep(copy.path());
    let text = fs::read_to_string(copy.path().join("app.log")).unwrap();
    let own: Vec<&str> = text.split_inclusive('\n').take(20).collect();
    own.concat().replace(r#","recovered":true"#, "").replace(r#""recovered":true,"#, "").replace(" recovered=true", "")
}

/// So many cases, unless the environment asks for more. What fails becomes a test of its own.
fn cases(least: u32) -> ProptestConfig {
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(least);
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(cases(40))]
    /// Wherever the last write was cut short, every record is there once and no line is torn.
    #[test]
    fn a_write_cut_short_anywhere_is_gone_on_with(cut: prop::sample::Index, others in 0_usize..3, before in 0_usize..2) {
        let _alone = alone();
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("app.log");
        let earlier = "{\"earlier\":1}\n".repeat(before);
        fs::write(&path, &earlier).unwrap();
        let dead = about_to_append(directory.path(), 20, earlier.len() as u64);
        let text = written_by_the_dead(directory.path());
        let cut = cut.index(text.len() + 1);
        // Others write on after it only where it ends with a whole line, or close the torn one.
        let torn = cut > 0 && text.as_bytes()[cut - 1] != b'\n';
        let closing = if torn && others > 0 { "\n" } else { "" };
        let mut bytes = earlier.clone().into_bytes();
        bytes.extend_from_slice(&text.as_bytes()[..cut]);
        bytes.extend_from_slice(closing.as_bytes());
        bytes.extend_from_slice("{\"other\":1}\n".repeat(others).as_bytes());
        fs::write(&path, &bytes).unwrap();
        // A line that lacked only its end got it from those others.
        let ended = closing.len() * usize::from(text.as_bytes().get(cut) == Some(&b'\n'));
        let whole = (text.as_bytes()[..cut].iter().filter(|byte| **byte == b'\n').count() + ended) as u64;
        let recovered = sweep(directory.path());
        prop_assert!(recovered.failed.is_empty(), "{:?}", recovered);
        prop_assert_eq!(recovered.records, 20 - whole);
        prop_assert!(!dead.exists());
        let after = fs::read(&path).unwrap();
        let mut found: Vec<i64> = Vec::new();
        let mut broken = 0;
        for line in after.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            match serde_json::from_slice::<serde_json::Value>(line) {
                Ok(line) => found.extend(line["n"].as_i64()),
                Err(_) => broken += 1,
            }
        }
        prop_assert_eq!(found, (0..20).collect::<Vec<_>>());
        prop_assert_eq!(broken, closing.len() - ended);
    }
}

proptest! {
    #![proptest_config(cases(40))]
    /// The same in the other formats. What others closed is no whole line, and each record has one.
    #[test]
    fn a_write_cut_short_is_gone_on_with_in_any_format(cut: prop::sample::Index, others in 0_usize..3, format in 1_usize..5) {
        let _alone = alone();
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("app.log");
        let dead = about_to_append_in(format, directory.path(), 20, 0);
        let text = written_by_the_dead(directory.path());
        let cut = cut.index(text.len() + 1);
        let torn = cut > 0 && text.as_bytes()[cut - 1] != b'\n';
        let closing = if torn && others > 0 { "\n" } else { "" };
        let rest = [closing, &"another\n".repeat(others)].concat();
        fs::write(&path, [&text.as_bytes()[..cut], rest.as_bytes()].concat()).unwrap();
        let recovered = sweep(directory.path());
        prop_assert!(recovered.failed.is_empty(), "{:?}", recovered);
        prop_assert!(!dead.exists());
        let after = String::from_utf8_lossy(&fs::read(&path).unwrap()).into_owned();
        let number = |line: &str| match serde_json::from_str::<serde_json::Value>(line) {
            Ok(line) => line["n"].as_i64(),
            Err(_) if line.ends_with(']') => line.split_once(" n=")?.1.split(' ').next()?.parse().ok(),
            Err(_) => None,
        };
        let mut found: Vec<i64> = after.lines().filter_map(number).collect();
        found.sort_unstable();
        prop_assert_eq!(found, (0..20).collect::<Vec<_>>(), "{}", after);
    }
}

/// A file of the generation 5 in which the dead process wrote twelve of twenty lines, and which was rotated since.
fn rotated_under_way(directory: &Path, is_generation_noted: bool) -> Catalogue {
    let dead = about_to_append(directory, 20, 0);
    let (path, text) = (directory.join("app.log"), written_by_the_dead(directory));
    fs::write(&path, text.split_inclusive('\n').take(12).collect::<String>()).unwrap();
    let identity = platform::identity_at(&path).unwrap();
    let generation = if is_generation_noted { 5 } else { 0 };
    let journal = blackbox::Journal::InFile { file: Arc::new(to_write(&dead)), index: 0 };
    journal.intend_in(identity, generation, 0, 20, 0).unwrap();
    let closed = Closed { at: 1, bytes: fs::metadata(&path).unwrap().len(), sequence: None };
    fs::rename(&path, directory.join("app.log.1")).unwrap();
    let mut catalogue = Catalogue::of(directory);
    catalogue.look();
    catalogue.change(vec![Change::File(Entry {
        generation: 5,
        set: "app.log".into(),
        name: "app.log.1".into(),
        mark: Mark::of(identity.inode, text.as_bytes()),
        made: 0,
        period: None,
        closed: Some(closed),
    })]);
    catalogue
}

fn packing() -> upkeep::Settings {
    let method = Method::new(Kind::Zstd, None);
    let set = upkeep::Set { name: "app.log".into(), output: "app".into(), method, ..upkeep::Set::default() };
    upkeep::Settings { sets: vec![set], file_mode: 0o640, ..upkeep::Settings::default() }
}

#[test]
fn a_file_that_was_rotated_before_the_recovery_is_packed_after_it() {
    let _alone = alone();
    let directory = tempfile::tempdir().unwrap();
    rotated_under_way(directory.path(), true);
    let round = || upkeep::round(directory.path(), &packing(), 1, &|| true).unwrap();
    assert_eq!((round().archived, round().waiting), (0, 1));
    assert!(directory.path().join("app.log.1").exists());
    assert_eq!(sweep(directory.path()).records, 8);
    assert_eq!(round().archived, 1);
    assert!(directory.path().join("app.log.1.zst").exists());
}

#[test]
fn a_file_that_was_packed_before_the_recovery_is_known_by_its_generation() {
    let _alone = alone();
    for is_generation_noted in [true, false] {
        let directory = tempfile::tempdir().unwrap();
        let mut catalogue = rotated_under_way(directory.path(), is_generation_noted);
        // As a process does that does not see the box.
        let source = directory.path().join("app.log.1");
        let target = packed_name(&source, Kind::Zstd);
        let method = Method::new(Kind::Zstd, None).unwrap();
        let (keys, first_sequence) = (Keys::default(), None);
        let job =
            Job { source: &source, target: &target, method, generation: 5, first_sequence, keys: &keys, names: None };
        assert!(matches!(pack(&job, &mut |_| ControlFlow::Continue(())).unwrap(), Outcome::Packed(_)));
        catalogue.change(vec![Change::Moved(vec![(5, "app.log.1.zst".into())])]);
        // A box of an earlier version says nothing of it: then nothing is lost, and some is there twice.
        assert_eq!(sweep(directory.path()).records, if is_generation_noted { 8 } else { 20 });
    }
}

#[test]
fn a_recovery_that_dies_is_gone_on_with() {
    let _alone = alone();
    let directory = tempfile::tempdir().unwrap();
    let engine = Engine::open(settings(directory.path(), 0), Arc::default()).unwrap();
    (0..100).for_each(|number| offer(&engine, level::ERROR, number));
    let dead = die(engine, directory.path());
    let kept = fs::read(&dead).unwrap();
    // errors.log cannot be written: the first recovery comes only as far as app.log.
    fs::remove_file(directory.path().join("errors.log")).unwrap();
    fs::create_dir(directory.path().join("errors.log")).unwrap();
    assert_eq!(sweep(directory.path()).failed.len(), 1);
    fs::remove_dir(directory.path().join("errors.log")).unwrap();
    assert!(fs::read(&dead).unwrap().len() == kept.len());
    assert_eq!(sweep(directory.path()).records, 100);
    for name in ["app.log", "errors.log"] {
        assert_eq!(numbers(&directory.path().join(name)), (0..100).collect::<Vec<_>>(), "{name}");
    }
    let notices = lines(&directory.path().join("app.log")).iter().filter(|line| line.get("records").is_some()).count();
    assert_eq!(notices, 1);
}

#[test]
fn a_box_in_which_files_are_passed_is_not_written_again() {
    let _alone = alone();
    let directory = tempfile::tempdir().unwrap();
    let dead = about_to_append(directory.path(), 0, 0);
    let text = written_by_the_dead(directory.path());
    fs::write(directory.path().join("app.log"), text).unwrap();
    let journal = blackbox::Journal::InFile { file: Arc::new(to_write(&dead)), index: 0 };
    // As if a recovery had written the first twelve and noted it.
    blackbox::RecoveryNote { count: 20, time: 0, last_position: 0 }.write(&to_write(&dead)).unwrap();
    journal.passed(12, 0).unwrap();
    sweep(directory.path());
    let found = numbers(&directory.path().join("app.log"));
    assert_eq!(found, (0..20).chain(12..20).collect::<Vec<_>>());
}

#[test]
fn recovered_records_keep_to_the_bound_of_their_files() {
    let _alone = alone();
    let directory = tempfile::tempdir().unwrap();
    let engine = Engine::open(settings(directory.path(), 2_000), Arc::default()).unwrap();
    (0..200).for_each(|number| offer(&engine, level::INFO, number));
    die(engine, directory.path());
    assert_eq!(sweep(directory.path()).records, 200);
    let files: Vec<_> = fs::read_dir(directory.path())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_file())
        .collect();
    assert!(files.len() > 10);
    assert!(files.iter().all(|path| fs::metadata(path).unwrap().len() <= 2_000));
    let mut found: Vec<i64> = files.iter().flat_map(|path| numbers(path)).collect();
    found.sort_unstable();
    assert_eq!(found, (0..200).collect::<Vec<_>>());
}

#[test]
fn other_formats_are_set_aside_and_links_are_left_alone() {
    let _alone = alone();
    let directory = tempfile::tempdir().unwrap();
    let dead = about_to_append(directory.path(), 0, 0);
    let boxes = dead.parent().unwrap();
    let mut newer = fs::read(&dead).unwrap();
    newer[8] = 99;
    fs::write(boxes.join("2-newer.box"), newer).unwrap();
    fs::write(boxes.join("3-foreign.box"), "something else").unwrap();
    fs::write(boxes.join("4-empty.box"), "").unwrap();
    std::os::unix::fs::symlink(directory.path().join("target"), boxes.join("5-link.box")).unwrap();
    fs::create_dir(boxes.join("6-directory.box")).unwrap();
    let recovered = sweep(directory.path());
    assert_eq!((recovered.records, recovered.aside.len(), recovered.failed.len()), (20, 3, 0));
    let left = in_home(directory.path());
    let expected = ["2-newer.aside", "3-foreign.aside", "4-empty.aside", "5-link.box", "6-directory.box", "catalogue"];
    assert_eq!(left, expected);
    assert!(!directory.path().join("target").exists());
}

proptest! {
    #![proptest_config(cases(60))]
    /// Whatever was changed in a box, reading it neither panics nor reaches outside it, and what is found is whole.
    #[test]
    fn a_damaged_box_harms_nobody(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..200), cut in prop::option::of(any::<prop::sample::Index>())) {
        let _alone = alone();
        let directory = tempfile::tempdir().unwrap();
        let dead = about_to_append(directory.path(), 0, 0);
        let mut bytes = fs::read(&dead).unwrap();
        let used = [0..4_096, 4_096..5_000, 32_768..33_000, SLOTS..SLOTS + 20 * 320];
        let used: Vec<usize> = used.into_iter().flatten().collect();
        for (index, byte) in changes {
            bytes[used[index.index(used.len())]] = byte;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        fs::write(&dead, &bytes).unwrap();
        let recovered = sweep(directory.path());
        prop_assert!(recovered.records <= 20);
        let found = numbers(&directory.path().join("app.log"));
        let mut distinct = found.clone();
        distinct.dedup();
        prop_assert_eq!(found, distinct);
    }
}

/// The next box would wait as long again, and the writer with it.
#[test]
fn a_lock_that_is_not_to_be_had_is_waited_for_once() {
    let _alone = alone();
    let directory = tempfile::tempdir().unwrap();
    let dead = about_to_append(directory.path(), 0, 0);
    fs::copy(&dead, dead.with_file_name("2-dead.box")).unwrap();
    let lock = fs::File::create(directory.path().join(".unified_logger.lock")).unwrap();
    assert_eq!(platform::lock(&lock, Duration::ZERO), platform::Lock::Held);
    let recovered = sweep(directory.path());
    assert_eq!((recovered.boxes, recovered.failed.len()), (0, 1), "{recovered:?}");
    platform::unlock(&lock);
    assert_eq!(sweep(directory.path()).boxes, 2);
}

#[test]
fn what_is_recovered_is_redacted_as_its_process_would_have() {
    let _alone = alone();
    let directory = tempfile::tempdir().unwrap();
    about_to_append(directory.path(), 0, 0);
    assert_eq!(sweep(directory.path()).records, 20);
    let text = fs::read_to_string(directory.path().join("app.log")).unwrap();
    assert!(!text.contains("example.com"), "{text}");
    assert!(text.matches("[HASH:").count() == 40, "{text}");
}

/// Rules that a newer version may know: nothing of such a box is written, and nothing of it is lost.
#[test]
fn a_box_whose_rules_cannot_be_followed_is_set_aside() {
    let _alone = alone();
    let directory = tempfile::tempdir().unwrap();
    let dead = about_to_append(directory.path(), 0, 0);
    let mut bytes = fs::read(&dead).unwrap();
    let kept = 4_096 + 16..32_768;
    let at = |bytes: &[u8], text: &[u8]| {
        bytes[kept.clone()].windows(text.len()).position(|part| part == text).unwrap() + kept.start
    };
    let start = at(&bytes, b"\"email\"");
    bytes[start..start + 7].copy_from_slice(b"\"liame\"");
    let length = u64::from_le_bytes(bytes[4_096..4_104].try_into().unwrap()) as usize;
    let check = unified_logger_core::checksum::of(&bytes[4_112..4_112 + length]);
    bytes[4_104..4_112].copy_from_slice(&check.to_le_bytes());
    fs::write(&dead, bytes).unwrap();
    let recovered = sweep(directory.path());
    assert_eq!((recovered.records, recovered.aside.len()), (0, 1));
    assert!(recovered.aside[0].1.contains("liame"), "{recovered:?}");
    assert!(lines(&directory.path().join("app.log")).is_empty());
}
