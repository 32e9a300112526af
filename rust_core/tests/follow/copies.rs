//! Readers that follow go on where other programs copy files, or put a copy in the place of a file.

use super::*;

fn text(range: std::ops::Range<u64>) -> String {
    range.map(line).collect()
}

fn append(path: &Path, range: std::ops::Range<u64>) {
    fs::File::options().append(true).create(true).open(path).unwrap().write_all(text(range).as_bytes()).unwrap();
}

fn following(directory: &Path) -> Reader {
    Reader::open(Options { follow: true, ..options(directory) }).unwrap()
}

/// What `copytruncate` of logrotate does.
fn copy_and_truncate(path: &Path, to: &Path) {
    fs::copy(path, to).unwrap();
    fs::File::options().write(true).open(path).unwrap().set_len(0).unwrap();
}

#[test]
fn what_was_written_before_a_copy_is_read_in_the_copy() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("app.log");
    append(&path, 0..5);
    let mut reader = following(directory.path());
    assert_eq!(numbers(&drain(&mut reader)), [0, 1, 2, 3, 4]);
    append(&path, 5..9);
    copy_and_truncate(&path, &directory.path().join("app.log.1"));
    append(&path, 9..12);
    assert_eq!(numbers(&drain(&mut reader)), (5..12).collect::<Vec<_>>());
    // Packed before the reader comes to it.
    append(&path, 12..15);
    let copy = directory.path().join("app.log.2.gz");
    let mut packer = flate2::write::GzEncoder::new(fs::File::create(copy).unwrap(), flate2::Compression::default());
    packer.write_all(&fs::read(&path).unwrap()).unwrap();
    packer.finish().unwrap();
    fs::File::options().write(true).open(&path).unwrap().set_len(0).unwrap();
    append(&path, 15..20);
    assert_eq!(numbers(&drain(&mut reader)), (12..20).collect::<Vec<_>>());
}

#[test]
fn a_copy_is_known_where_the_writer_keeps_a_catalogue() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("app.log");
    let mut sink = sink(directory.path(), &rotation(1 << 20, Names::Numbers));
    let mut reader = following(directory.path());
    let mut seen = Vec::new();
    for round in 0..6 {
        (0..3).for_each(|number| log(&mut sink, round * 5 + number));
        if round % 2 == 0 {
            seen.extend(numbers(&drain(&mut reader)));
        }
        (3..5).for_each(|number| log(&mut sink, round * 5 + number));
        for number in (1..=round).rev() {
            let name = |number| directory.path().join(format!("app.log.{number}"));
            fs::rename(name(number), name(number + 1)).unwrap();
        }
        copy_and_truncate(&path, &directory.path().join("app.log.1"));
    }
    (30..35).for_each(|number| log(&mut sink, number));
    seen.extend(numbers(&drain(&mut reader)));
    assert_eq!(seen, (0..35).collect::<Vec<_>>());
    assert_eq!(reader.remarks(), Vec::<String>::new());
}

#[test]
fn a_copy_of_the_file_in_its_place_is_followed() {
    let directory = tempfile::tempdir().unwrap();
    let (path, copy) = (directory.path().join("app.log"), directory.path().join(".copy"));
    append(&path, 0..20);
    let mut reader = following(directory.path());
    assert_eq!(drain(&mut reader).len(), 20);

    fs::copy(&path, &copy).unwrap();
    fs::rename(&copy, &path).unwrap();
    append(&path, 20..22);
    assert_eq!(numbers(&drain(&mut reader)), [20, 21]);

    // Lines that the writer appended to the old file before it saw the new one.
    let mut old = fs::File::options().append(true).open(&path).unwrap();
    fs::copy(&path, &copy).unwrap();
    old.write_all(text(22..25).as_bytes()).unwrap();
    fs::rename(&copy, &path).unwrap();
    append(&path, 25..29);
    assert_eq!(numbers(&drain(&mut reader)), (22..29).collect::<Vec<_>>());
    let remarks = reader.remarks();
    assert!(remarks.len() == 1 && remarks[0].contains("may come again"), "{remarks:?}");

    // A part of it was taken away, as by `sed -i`.
    let lines = fs::read_to_string(&path).unwrap();
    let lines: Vec<&str> =
        lines.split_inclusive('\n').enumerate().filter(|(at, _)| *at != 17).map(|(_, l)| l).collect();
    fs::write(&copy, lines.concat()).unwrap();
    fs::rename(&copy, &path).unwrap();
    append(&path, 29..31);
    assert_eq!(numbers(&drain(&mut reader)), [29, 30]);

    // All lines from the middle on were changed, so that nothing tells which of them were read.
    let lines = fs::read_to_string(&path).unwrap();
    let (same, changed) = lines.split_at(lines.find("number 21").unwrap());
    fs::write(&copy, same.to_owned() + &changed.replace("number ", "secret ")).unwrap();
    fs::rename(&copy, &path).unwrap();
    append(&path, 31..33);
    let rest = numbers(&drain(&mut reader));
    assert!(rest.ends_with(&[29, 30, 31, 32]), "{rest:?}");
    append(&path, 33..35);
    assert_eq!(numbers(&drain(&mut reader)), [33, 34]);
}

#[test]
fn lines_far_behind_a_change_are_not_read_again() {
    let directory = tempfile::tempdir().unwrap();
    let (path, copy) = (directory.path().join("app.log"), directory.path().join(".copy"));
    append(&path, 0..20_000);
    assert!(fs::metadata(&path).unwrap().len() > 2 << 20);
    let mut reader = following(directory.path());
    assert_eq!(drain(&mut reader).len(), 20_000);
    let all = fs::read_to_string(&path).unwrap();
    let changed: String = all.split_inclusive('\n').enumerate().filter(|(at, _)| *at != 30).map(|(_, l)| l).collect();
    fs::write(&copy, changed).unwrap();
    append(&copy, 20_000..20_003);
    fs::rename(&copy, &path).unwrap();
    assert_eq!(numbers(&drain(&mut reader)), [20_000, 20_001, 20_002]);
}

/// Where the system cannot rename without replacing, a file has both names for a moment; in a directory of several users that is refused.
#[cfg(unix)]
#[test]
fn a_file_that_has_two_names_for_a_moment_is_waited_for() {
    use std::os::unix::fs::PermissionsExt;

    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    fs::set_permissions(path, fs::Permissions::from_mode(0o777)).unwrap();
    append(&path.join("app.log.1"), 0..4);
    append(&path.join("app.log"), 4..6);
    fs::hard_link(path.join("app.log.1"), path.join("app.log.2")).unwrap();
    let mut reader = following(path);
    let records = std::thread::scope(|scope| {
        scope.spawn(|| {
            std::thread::sleep(Duration::from_millis(8));
            fs::remove_file(path.join("app.log.1")).unwrap();
        });
        let mut records = Vec::new();
        let started = Instant::now();
        while records.len() < 6 && started.elapsed() < Duration::from_secs(10) {
            records.extend(reader.batch(100, 1 << 20, Duration::from_millis(10)).unwrap().records);
        }
        records
    });
    assert_eq!(numbers(&records), (0..6).collect::<Vec<_>>(), "{:?}", reader.remarks());
}

#[test]
fn a_file_that_begins_as_the_one_before_is_no_copy() {
    let directory = tempfile::tempdir().unwrap();
    let (path, old) = (directory.path().join("app.log"), directory.path().join("app.log.1"));
    let same = |count| line(7).repeat(count);
    fs::write(&path, same(20)).unwrap();
    let mut reader = following(directory.path());
    assert_eq!(drain(&mut reader).len(), 20);
    fs::rename(&path, &old).unwrap();
    fs::write(&path, same(30)).unwrap();
    assert_eq!(drain(&mut reader).len(), 30);
    // A position knows them apart, too.
    let (records, _) = read(options(directory.path()));
    let after = vec![records[4].position.clone()];
    assert_eq!(read(Options { after, ..options(directory.path()) }).0.len(), 45);
}

#[test]
fn a_file_that_was_cut_and_is_longer_by_now_gives_whole_lines() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("app.log");
    append(&path, 0..20);
    let mut reader = following(directory.path());
    assert_eq!(drain(&mut reader).len(), 20);
    let length = fs::metadata(&path).unwrap().len();
    fs::File::options().write(true).open(&path).unwrap().set_len(length / 2).unwrap();
    append(&path, 1_000..1_100);
    let seen = numbers(&drain(&mut reader));
    assert!(seen.ends_with(&[1_098, 1_099]) && seen.len() > 80, "{seen:?}");
    assert_eq!(reader.remarks().len(), 1);
}

#[test]
fn files_that_were_all_removed_are_other_ones() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    let empty = || {
        for entry in fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()) {
            if entry.is_dir() { fs::remove_dir_all(entry).unwrap() } else { fs::remove_file(entry).unwrap() }
        }
    };
    let files = vec!["app.log".into()];
    let mut reader = Reader::open(Options { files, follow: true, ..options(path) }).unwrap();
    let mut position = None;
    for round in 0..4 {
        let mut sink = sink(path, &rotation(400, if round < 2 { Names::Numbers } else { Names::Dates }));
        let numbers_of = round * 100..round * 100 + 12 - round;
        numbers_of.clone().for_each(|number| log(&mut sink, number));
        let records = drain(&mut reader);
        assert_eq!(numbers(&records), numbers_of.clone().collect::<Vec<_>>(), "{round}");
        let (records, _) = read(Options { after: position.into_iter().collect(), ..options(path) });
        assert_eq!(numbers(&records), numbers_of.collect::<Vec<_>>(), "{round}");
        position = records.last().map(|record| record.position.clone());
        drop(sink);
        empty();
    }
}
