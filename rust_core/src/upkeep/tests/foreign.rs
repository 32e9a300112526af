//! Files of other programs under the names of rotated files stay as they are.

use super::*;
use crate::archive;

/// A line of a record, with a message of its own.
fn record(message: &str) -> String {
    format!(
        "{{\"timestamp\":\"2026-02-19T10:30:00Z\",\"level\":\"INFO\",\"logger\":\"shop\",\"message\":\"{message}\"}}\n"
    )
}

#[test]
fn files_of_other_programs_are_never_deleted_packed_or_indexed() {
    let directory = directory();
    let others = [
        ("app.log.3", &b"2026-02-19 10:30:00 INFO of another program\n"[..]),
        ("app.log.4", b"{\"ts\":1}\n"),
        ("app.log.5.gz", b"no gzip at all"),
        ("app.log.6.zst", b"\x28\xb5\x2f\xfd"),
        ("app-2026-02-19.log", b"ustar\0\0\0\0"),
    ];
    for (name, bytes) in others {
        fs::write(directory.path().join(name), bytes).unwrap();
    }
    let method = Method::new(Kind::Gzip, None);
    let settings = settings(&[Set { method, ..json_set(Keep { age: Some(1), ..files(1) }) }], Keep::default());
    let report = round(directory.path(), &settings, NOW + 10, &|| true).unwrap();
    assert_eq!(report.foreign.len(), 5, "each is told of once: {:?}", report.foreign);
    for _ in 0..2 {
        let report = round(directory.path(), &settings, NOW + 10, &|| true).unwrap();
        assert_eq!((report.foreign, report.failed, report.waiting), (vec![], vec![], 0));
    }
    for (name, bytes) in others {
        assert_eq!(fs::read(directory.path().join(name)).unwrap(), bytes, "{name}");
    }
    assert_eq!(names(directory.path()).len(), 6, "those of the set are gone");
    fs::remove_file(directory.path().join("app.log.3")).unwrap();
    assert!(round(directory.path(), &settings, NOW + 10, &|| true).is_some());
    assert_eq!(catalogue_of(directory.path()).known().foreign().count(), 4, "what is gone is forgotten");
}

#[test]
fn files_of_earlier_versions_and_of_other_handlers_count() {
    let directory = directory();
    fs::remove_dir_all(blackbox::home(directory.path())).unwrap();
    for name in ["app.log", "app.log.1", "app.log.2", "app.log.3"] {
        write(directory.path(), name, &record(name));
    }
    write(directory.path(), "app.log.4", "of another program\n");
    let settings = settings(&[json_set(files(2))], Keep::default());
    let report = round(directory.path(), &settings, NOW, &|| true).unwrap();
    assert_eq!((report.gone.len(), report.foreign), (1, vec!["app.log.4".to_owned()]));
    assert_eq!(names(directory.path()).len(), 4);
}

#[test]
fn a_file_in_the_place_of_ours_is_not_taken_for_it() {
    for text in ["of another program\n".to_owned(), record("of another")] {
        let directory = directory();
        fs::remove_file(directory.path().join("app.log.2")).unwrap();
        // The file system may give the number of the file that is gone again.
        write(directory.path(), "app.log.2", &text);
        let is_json = text.starts_with('{');
        let settings =
            settings(&[Set { method: Method::new(Kind::Zstd, None), ..json_set(Keep::default()) }], Keep::default());
        let archived = || round(directory.path(), &settings, NOW, &|| true).unwrap().archived;
        assert_eq!(archived() + archived(), if is_json { 2 } else { 1 });
        assert_eq!(directory.path().join("app.log.2").exists(), !is_json);
        assert!(catalogue_of(directory.path()).known().get(1).is_none());
    }
}

#[test]
fn what_another_program_has_packed_is_known_by_its_lines() {
    let directory = directory();
    let gzip = |text: &str| {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        std::io::Write::write_all(&mut encoder, text.as_bytes()).unwrap();
        encoder.finish().unwrap()
    };
    fs::write(directory.path().join("app.log.3.gz"), gzip(&record("packed"))).unwrap();
    fs::write(directory.path().join("app.log.4.gz"), gzip("something else\n")).unwrap();
    let settings = settings(&[json_set(Keep::default())], Keep::default());
    let report = round(directory.path(), &settings, NOW, &|| true).unwrap();
    assert_eq!((report.foreign, report.failed), (vec!["app.log.4.gz".to_owned()], vec![]));
    assert_eq!((report.archived, report.waiting), (2, 0), "such a file waits for nothing");
    assert_eq!(report.of_sets["app.log"], (2, 0));
    let catalogue = catalogue_of(directory.path());
    let closed = |entry: &Entry| entry.closed.unwrap().sequence;
    let sequences: Vec<_> =
        catalogue.known().of_set("app.log").filter(|entry| entry.closed.is_some()).map(closed).collect();
    assert_eq!(sequences, [Some((0, 1)), Some((1, 2)), Some((2, 3))], "its records are counted all the same");
    assert!(catalogue_of(directory.path()).known().named("app.log", "app.log.3.gz").is_some());
}

#[test]
fn what_an_operator_has_packed_beside_its_original_is_there_once() {
    let directory = directory();
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut encoder, record("kept").as_bytes()).unwrap();
    write(directory.path(), "app.log.3", &record("kept"));
    fs::write(directory.path().join("app.log.3.gz"), encoder.finish().unwrap()).unwrap();
    let settings = settings(&[json_set(Keep::default())], Keep::default());
    for _ in 0..2 {
        let report = round(directory.path(), &settings, NOW, &|| true).unwrap();
        assert_eq!((report.foreign, report.failed), (vec![], vec![]));
        let catalogue = catalogue_of(directory.path());
        assert!(catalogue.known().named("app.log", "app.log.3").is_some());
        assert!(catalogue.known().named("app.log", "app.log.3.gz").is_none());
    }
    fs::remove_file(directory.path().join("app.log.3")).unwrap();
    assert!(round(directory.path(), &settings, NOW, &|| true).is_some());
    assert!(catalogue_of(directory.path()).known().named("app.log", "app.log.3.gz").is_some());
}

#[test]
fn such_a_copy_is_there_once_also_when_its_original_is_packed() {
    let directory = directory();
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut encoder, b"line of 1\n").unwrap();
    let copy = encoder.finish().unwrap();
    fs::write(directory.path().join("app.log.2.gz"), &copy).unwrap();
    let settings = settings(&[packing("app.log")], Keep::default());
    let mut remembered = Remembered::default();
    for archived in [2, 0] {
        let report = round_with(directory.path(), &settings, NOW, &|| true, Work::All, &mut remembered).unwrap();
        assert_eq!((report.archived, report.foreign, report.failed), (archived, vec![], vec![]));
        assert_eq!(catalogue_of(directory.path()).known().files().count(), 3);
    }
    assert_eq!(names(directory.path()), ["app.log", "app.log.1.zst", "app.log.2.gz", "app.log.2.zst"]);
    assert_eq!(fs::read(directory.path().join("app.log.2.gz")).unwrap(), copy);
    let there = catalogue::find(directory.path(), "app.log").unwrap();
    assert_eq!(
        there.iter().map(|found| &*found.name).collect::<Vec<_>>(),
        ["app.log.2.zst", "app.log.1.zst", "app.log"]
    );
    // All files are opened once for it, and not at each round.
    let names = catalogue::names(directory.path(), "app.log").unwrap();
    let mut expected = names.clone();
    expected.remove("app.log.2.gz");
    assert!(remembered.has_looked("app.log", &names, &expected));
}

#[test]
fn where_the_name_of_a_packed_file_is_taken_the_original_stays_and_is_tried_again() {
    let directory = directory();
    write(directory.path(), "app.log.2.zst", "of another program\n");
    let settings = settings(&[Set { form: json(), ..packing("app.log") }], Keep::default());
    let mut remembered = Remembered::default();
    let mut again = || round_with(directory.path(), &settings, NOW, &|| true, Work::All, &mut remembered).unwrap();
    let report = again();
    assert_eq!((report.archived, report.waiting, report.failed.len()), (1, 1, 1));
    assert_eq!((report.failed[0].action, report.failed[0].set.as_deref()), ("pack a log file", Some("app.log")));
    assert_eq!(indices(directory.path()), [1, 2], "it is searched as it is");
    assert_eq!((again().failed.len(), again().waiting), (0, 1), "not at once");
    fs::remove_file(directory.path().join("app.log.2.zst")).unwrap();
    remembered.pass();
    let report = round_with(directory.path(), &settings, NOW, &|| true, Work::All, &mut remembered).unwrap();
    assert_eq!((report.archived, report.waiting), (1, 0));
    assert_eq!(lines(directory.path(), "app.log.2.zst"), "line of 1\n");
}

#[test]
fn a_packed_file_of_another_directory_counts_and_is_taken_for_none_of_ours() {
    let (directory, other) = (directory(), directory());
    fs::write(other.path().join("app.log.2"), record("of another directory")).unwrap();
    fs::remove_file(blackbox::home(other.path()).join("catalogue")).unwrap();
    let keep_all = settings(&[packing("app.log")], Keep::default());
    let round_in = |place: &Path, settings: &Settings| round(place, settings, NOW + 10, &|| true).unwrap();
    assert_eq!(round_in(directory.path(), &keep_all).archived, 2);
    let method = Method::new(Kind::Zstd, None).unwrap();
    let (keys, source, target) =
        (Keys::default(), other.path().join("app.log.2"), directory.path().join("app.log.5.zst"));
    let packed = other.path().join("app.log.2.zst");
    let job = archive::Job {
        source: &source,
        target: &packed,
        method,
        // Ours has this number, too.
        generation: 1,
        first_sequence: None,
        keys: &keys,
        names: None,
    };
    archive::pack(&job, &mut |_| std::ops::ControlFlow::Continue(())).unwrap();
    fs::copy(packed, &target).unwrap();
    let known = || -> Vec<_> {
        let catalogue = catalogue_of(directory.path());
        catalogue.known().files().map(|entry| (entry.generation, entry.name.clone())).collect()
    };
    for _ in 0..2 {
        assert!(round_in(directory.path(), &keep_all).foreign.is_empty());
        let expected = [(1, "app.log.2.zst"), (2, "app.log.1.zst"), (3, "app.log"), (4, "app.log.5.zst")];
        assert_eq!(known(), expected.map(|(generation, name)| (generation, name.to_owned())));
    }
    // A file of that number in the place of ours is not deleted for it.
    fs::rename(&target, directory.path().join("app.log.2.zst")).unwrap();
    let old = Keep { age: Some(1), ..Keep::default() };
    let report = round_in(directory.path(), &settings(&[Set { keep: old, ..packing("app.log") }], Keep::default()));
    assert_eq!(
        report.gone.iter().map(|going| going.generation).collect::<Vec<_>>(),
        [2],
        "ours alone was closed long ago"
    );
    assert_eq!(lines(directory.path(), "app.log.2.zst"), record("of another directory"));
}
