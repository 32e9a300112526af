//! Damage costs time, and no record that is still there.

use super::*;

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
    fs::create_dir(directory.path().join("folder.log")).unwrap();
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

#[cfg(unix)]
#[test]
fn a_link_in_the_place_of_the_current_file_is_told_and_not_read() {
    let directory = of_three_files();
    let elsewhere = tempfile::NamedTempFile::new().unwrap();
    fs::rename(directory.path().join("app.log"), elsewhere.path()).unwrap();
    let before = all(directory.path());
    std::os::unix::fs::symlink(elsewhere.path(), directory.path().join("app.log")).unwrap();
    let (records, remarks) = read(options(directory.path()));
    assert_eq!(numbers(&records), before);
    assert_eq!(remarks.len(), 1, "{remarks:?}");
    assert!(remarks[0].contains("is a link"), "{remarks:?}");
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
    for text in [&b"damaged\n"[..], &later, b"", &good[..300]] {
        fs::write(&path, text).unwrap();
        let (records, remarks) = read(options(directory.path()));
        assert_eq!(numbers(&records), (0..20).collect::<Vec<_>>());
        assert!(remarks.len() == 1 && remarks[0].contains("the catalogue of "), "{remarks:?}");
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
