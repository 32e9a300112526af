//! What a reader does not give of what was there is told.

use super::*;

fn of_many_files(kind: Kind) -> (tempfile::TempDir, FileSink) {
    let directory = tempfile::tempdir().unwrap();
    let mut sink = sink(directory.path(), &rotation(800, Names::Numbers));
    (0..40).for_each(|number| log(&mut sink, number));
    keep_up(directory.path(), kind, Keep::default());
    (directory, sink)
}

/// As a start of the library does it.
fn look_for_files(directory: &Path) {
    let form = Form::Json(Keys::default());
    let mut catalogue = Catalogue::of(directory).with_forms([("app.log".to_owned(), form)].into());
    catalogue.look();
    catalogue.reconcile(directory, "app.log", START / SECOND).unwrap();
}

fn remarks_of(directory: &Path, filter: Filter) -> Vec<String> {
    read(Options { filter, ..options(directory) }).1
}

#[test]
fn a_damaged_file_is_told_each_time_whatever_the_catalogue_says_of_it() {
    type Damage = fn(&mut Vec<u8>);
    let damages: [Damage; 3] =
        [|bytes| bytes.truncate(bytes.len() - 100), |bytes| bytes[..4].fill(b'x'), |bytes| bytes.clear()];
    for (kind, end) in [(Kind::Zstd, "zst"), (Kind::Gzip, "gz")] {
        for (number, damage) in damages.iter().enumerate() {
            let (directory, _sink) = of_many_files(kind);
            assert_eq!(remarks_of(directory.path(), Filter::default()), [""; 0]);
            let name = format!("app.log.3.{end}");
            let path = directory.path().join(&name);
            let mut bytes = fs::read(&path).unwrap();
            damage(&mut bytes);
            fs::write(&path, bytes).unwrap();
            for round in 0..3 {
                for filter in [
                    Filter::default(),
                    Filter { level: Some(40), ..Filter::default() },
                    Filter { text: Some("number".into()), ..Filter::default() },
                ] {
                    let remarks = remarks_of(directory.path(), filter);
                    assert!(remarks.iter().any(|remark| remark.contains(&name)), "{number} {round} {remarks:?}");
                }
                look_for_files(directory.path());
            }
        }
    }
}

#[test]
fn files_of_other_programs_and_links_are_told() {
    let (directory, _sink) = of_many_files(Kind::Plain);
    fs::write(directory.path().join("app.log.70"), "of another program\n").unwrap();
    #[cfg(unix)]
    std::os::unix::fs::symlink("/etc/passwd", directory.path().join("app.log.71")).unwrap();
    look_for_files(directory.path());
    let remarks = remarks_of(directory.path(), Filter::default());
    for name in ["app.log.70", "app.log.71"].iter().take(if cfg!(unix) { 2 } else { 1 }) {
        assert_eq!(remarks.iter().filter(|remark| remark.contains(name)).count(), 1, "{remarks:?}");
    }
    // Another program is packing this one.
    fs::write(directory.path().join("app.log.2.gz"), [0x1F, 0x8B, 8]).unwrap();
    assert_eq!(remarks_of(directory.path(), Filter::default()), remarks);
    // Where one file is asked for, others do not matter.
    let (records, remarks) = read(Options { files: vec!["app.log.2".into()], ..options(directory.path()) });
    assert!(!records.is_empty());
    assert_eq!(remarks, [""; 0]);
}

#[test]
fn a_directory_that_has_no_catalogue_and_no_rotated_files_is_as_it_should_be() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("app.log"), line(1)).unwrap();
    assert_eq!(remarks_of(directory.path(), Filter::default()), [""; 0]);
    fs::write(directory.path().join("app.log.1"), line(0)).unwrap();
    let remarks = remarks_of(directory.path(), Filter::default());
    assert!(remarks.len() == 1 && remarks[0].contains("the catalogue of "), "{remarks:?}");
}

#[test]
fn a_follower_tells_what_was_deleted_before_it_was_read() {
    for kind in [Kind::Plain, Kind::Zstd] {
        let directory = tempfile::tempdir().unwrap();
        let mut sink = sink(directory.path(), &rotation(1_000, Names::Numbers));
        let mut reader = Reader::open(Options { follow: true, ..options(directory.path()) }).unwrap();
        (0..3).for_each(|number| log(&mut sink, number));
        assert_eq!(numbers(&drain(&mut reader)), [0, 1, 2]);
        for first in (3..1_000).step_by(100) {
            (first..first + 100).for_each(|number| log(&mut sink, number));
            keep_up(directory.path(), kind, Keep { files: None, ..Keep::default() });
            keep_up(directory.path(), kind, Keep { files: Some(2), ..Keep::default() });
        }
        let found = numbers(&drain(&mut reader));
        let missing = (3..1_003).filter(|number| !found.contains(number)).count();
        assert!(missing > 900, "{missing}");
        let remarks = reader.remarks();
        assert_eq!(remarks.len(), 1, "{remarks:?}");
        assert!(remarks[0].contains("were deleted before they were read"), "{remarks:?}");
        // As far as the files were counted before they went.
        let is_told = remarks[0].contains(&format!(" {missing} records are missing"));
        assert!(is_told || kind == Kind::Zstd && remarks[0].contains("records are missing"), "{missing} {remarks:?}");
        assert!(reader.remarks().is_empty());
    }
}

#[test]
fn a_reader_tells_of_files_that_go_while_it_reads() {
    let (directory, _sink) = of_many_files(Kind::Plain);
    let mut reader = Reader::open(options(directory.path())).unwrap();
    let first = reader.read().unwrap().unwrap();
    keep_up(directory.path(), Kind::Plain, Keep { files: Some(2), ..Keep::default() });
    let found = 1 + drain(&mut reader).len();
    assert_eq!(number(&first.raw), 0);
    let remarks = reader.remarks();
    assert!(remarks.len() == 1 && remarks[0].ends_with(&format!(" {} records are missing", 40 - found)), "{remarks:?}");
}

#[test]
fn nothing_is_missing_of_what_a_position_was_behind() {
    let (directory, mut sink) = of_many_files(Kind::Zstd);
    let after = vec![read(options(directory.path())).0[30].position.clone()];
    let mut reader = Reader::open(Options { after, follow: true, ..options(directory.path()) }).unwrap();
    assert_eq!(numbers(&drain(&mut reader)), (31..40).collect::<Vec<_>>());
    (40..50).for_each(|number| log(&mut sink, number));
    keep_up(directory.path(), Kind::Zstd, Keep { files: Some(5), ..Keep::default() });
    assert_eq!(numbers(&drain(&mut reader)), (40..50).collect::<Vec<_>>());
    assert_eq!(reader.remarks(), [""; 0]);
}

#[test]
fn a_rotated_file_is_found_by_the_name_that_it_had_before_packing() {
    for (kind, end) in [(Kind::Zstd, "zst"), (Kind::Gzip, "gz")] {
        let (directory, _sink) = of_many_files(kind);
        let of = |name: String| numbers(&read(Options { files: vec![name.into()], ..options(directory.path()) }).0);
        let expected = of(format!("app.log.3.{end}"));
        assert!(!expected.is_empty());
        assert_eq!(of("app.log.3".into()), expected);
        assert!(Reader::open(Options { files: vec!["app.log.77".into()], ..options(directory.path()) }).is_err());
    }
}
