//! Copies of rotated files stay as they are, and their originals are the files of the set.

use super::*;

const COPIED: &str = "is a copy";

fn known_names(directory: &Path) -> Vec<String> {
    catalogue_of(directory).known().of_set("app.log").map(|entry| entry.name.clone()).collect()
}

fn noted_copies(directory: &Path) -> Vec<String> {
    let catalogue = catalogue_of(directory);
    let copies = catalogue.known().foreign().filter(|(_, foreign)| foreign.is_copy);
    copies.map(|(name, _)| name.to_owned()).collect()
}

fn copy(directory: &Path, from: &str, to: &str) {
    fs::copy(directory.join(from), directory.join(to)).unwrap();
}

#[test]
fn a_copy_is_never_deleted_nor_counted_and_is_told_of_once() {
    let directory = directory();
    copy(directory.path(), "app.log.2", "app.log.40");
    fs::hard_link(directory.path().join("app.log.1"), directory.path().join("app.log.50")).unwrap();
    let settings = settings(&[set("app.log", files(2))], Keep::default());
    for told in [2, 0, 0] {
        let report = round(directory.path(), &settings, NOW, &|| true).unwrap();
        assert_eq!((report.foreign.len(), report.gone, report.failed), (told, vec![], vec![]), "{COPIED}");
        assert_eq!(known_names(directory.path()), ["app.log.2", "app.log.1", "app.log"]);
        assert_eq!(noted_copies(directory.path()), ["app.log.40", "app.log.50"]);
    }
    // It stays a copy when its original goes.
    let settings = super::settings(&[set("app.log", files(1))], Keep::default());
    for gone in [1, 0] {
        let report = round(directory.path(), &settings, NOW, &|| true).unwrap();
        assert_eq!((report.gone.len(), report.foreign), (gone, vec![]));
        assert_eq!(known_names(directory.path()), ["app.log.1", "app.log"]);
    }
    assert_eq!(names(directory.path()), ["app.log", "app.log.1", "app.log.40", "app.log.50"]);
    fs::remove_file(directory.path().join("app.log.40")).unwrap();
    assert!(round(directory.path(), &settings, NOW, &|| true).is_some());
    assert_eq!(noted_copies(directory.path()), ["app.log.50"]);
}

#[test]
fn a_copy_of_a_packed_file_is_one_packed_or_not() {
    let directory = directory();
    let settings = settings(&[packing("app.log")], Keep::default());
    assert_eq!(round(directory.path(), &settings, NOW, &|| true).unwrap().archived, 2);
    copy(directory.path(), "app.log.2.zst", "app.log.20.zst");
    write(directory.path(), "app.log.30", "line of 1\n");
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut encoder, b"line of 2\n").unwrap();
    fs::write(directory.path().join("app.log.31.gz"), encoder.finish().unwrap()).unwrap();
    let copies = ["app.log.20.zst", "app.log.30", "app.log.31.gz"];
    for told in [3, 0] {
        let report = round(directory.path(), &settings, NOW, &|| true).unwrap();
        assert_eq!((report.foreign.len(), report.archived, report.failed), (told, 0, vec![]));
        assert_eq!(known_names(directory.path()), ["app.log.2.zst", "app.log.1.zst", "app.log"]);
        assert_eq!(noted_copies(directory.path()), copies);
    }
    // Also where nothing is known of the original, as after a loss.
    fs::remove_file(blackbox::home(directory.path()).join("catalogue")).unwrap();
    assert!(round(directory.path(), &settings, NOW, &|| true).is_some());
    assert_eq!(known_names(directory.path()), ["app.log.2.zst", "app.log.1.zst", "app.log"]);
    assert_eq!(noted_copies(directory.path()), copies);
}

#[test]
fn where_nothing_is_known_the_file_that_was_made_first_is_the_original() {
    let directory = directory();
    // The original may have a higher number by now.
    fs::rename(directory.path().join("app.log.2"), directory.path().join("app.log.41")).unwrap();
    std::thread::sleep(Duration::from_millis(20));
    copy(directory.path(), "app.log.41", "app.log.40");
    fs::remove_file(blackbox::home(directory.path()).join("catalogue")).unwrap();
    let settings = settings(&[set("app.log", Keep::default())], Keep::default());
    assert!(round(directory.path(), &settings, NOW, &|| true).is_some());
    let tells_age = fs::metadata(directory.path()).unwrap().created().is_ok();
    assert_eq!(noted_copies(directory.path()), [if tells_age { "app.log.40" } else { "app.log.41" }]);
}

#[test]
fn files_that_begin_alike_or_are_as_long_are_no_copies() {
    let directory = directory();
    let banner = "=".repeat(300);
    let files = [
        ("app.log.3", format!("{banner}\nline of 3\n")),
        ("app.log.4", format!("{banner}\nline of 4\n")),
        ("app.log.5", format!("{banner}\nline of 3\nand more\n")),
        ("app.log.6", "\nline of 6\n".to_owned()),
        ("app.log.7", "\nline of 7\n".to_owned()),
    ];
    for (name, text) in &files {
        write(directory.path(), name, text);
    }
    // Alike at both ends, and longer than what is compared at once.
    for (name, middle) in [("app.log.8", "one"), ("app.log.9", "two")] {
        write(directory.path(), name, &format!("{banner}\n{}{middle}{}", "-".repeat(100_000), "-".repeat(100_000)));
    }
    let settings = settings(&[set("app.log", Keep::default())], Keep::default());
    let report = round(directory.path(), &settings, NOW, &|| true).unwrap();
    assert_eq!((report.foreign, report.failed), (vec![], vec![]));
    assert_eq!(known_names(directory.path()).len(), 10);
}

#[test]
fn a_copy_that_takes_the_place_of_its_original_is_the_file() {
    let directory = directory();
    copy(directory.path(), "app.log.2", "app.log.40");
    let settings = settings(&[set("app.log", Keep::default())], Keep::default());
    assert!(round(directory.path(), &settings, NOW, &|| true).is_some());
    fs::remove_file(directory.path().join("app.log.2")).unwrap();
    fs::rename(directory.path().join("app.log.40"), directory.path().join("app.log.2")).unwrap();
    assert!(round(directory.path(), &settings, NOW, &|| true).is_some());
    assert_eq!(known_names(directory.path()), ["app.log.2", "app.log.1", "app.log"]);
    assert_eq!(noted_copies(directory.path()), [""; 0]);
}

#[test]
fn what_copytruncate_makes_of_the_current_file_is_a_rotated_one() {
    let directory = directory();
    copy(directory.path(), "app.log", "app.log.3");
    let settings = settings(&[set("app.log", Keep::default())], Keep::default());
    assert!(round(directory.path(), &settings, NOW, &|| true).is_some());
    assert_eq!(noted_copies(directory.path()), [""; 0]);
    assert!(known_names(directory.path()).contains(&"app.log.3".to_owned()));
}
