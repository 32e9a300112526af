//! A search lets its caller look after something else, and gives records in their order all the same.

use super::*;

/// A set of so many lines of which the last alone is wanted, later than everything in the other.
fn with_a_rare_text(directory: &Path, lines: u64) {
    let mut text: String = (0..lines).map(line).collect();
    text.push_str(&line(lines).replace("number ", "rare number "));
    fs::write(directory.join("slow.log"), text.as_bytes()).unwrap();
}

#[test]
fn a_long_search_is_left_and_gone_on_with() {
    let directory = tempfile::tempdir().unwrap();
    with_a_rare_text(directory.path(), 10_000);
    let mut zeros = fs::File::create(directory.path().join("slow.log.1")).unwrap();
    // Longer than a line may be, such as zeros that a loss of power leaves.
    zeros.set_len(160 << 20).unwrap();
    zeros.seek(std::io::SeekFrom::End(0)).unwrap();
    zeros.write_all(b"\n").unwrap();
    let filter = Filter { text: Some("rare".into()), ..Filter::default() };
    for follow in [false, true] {
        let mut reader = Reader::open(Options { filter: filter.clone(), follow, ..options(directory.path()) }).unwrap();
        reader.search_at_most(Duration::ZERO);
        let mut calls = 0;
        let records = loop {
            let batch = reader.batch(100, 1 << 20, Duration::from_secs(60)).unwrap();
            calls += 1;
            if !batch.records.is_empty() {
                break batch.records;
            }
            assert!(batch.is_searching && !batch.is_last);
        };
        assert_eq!(numbers(&records), [10_000]);
        assert!(calls > 10, "{calls}");
    }
}

#[test]
fn records_are_given_in_their_order_after_a_search_was_left() {
    let directory = tempfile::tempdir().unwrap();
    // In the order in which they are asked, the slow set is neither the first nor the last.
    with_a_rare_text(directory.path(), 10_000);
    for (name, number) in [("a.log", 20_000), ("z.log", 20_001)] {
        fs::write(directory.path().join(name), line(number).replace("number ", "rare number ")).unwrap();
    }
    let filter = Filter { text: Some("rare".into()), ..Filter::default() };
    let mut reader = Reader::open(Options { filter, ..options(directory.path()) }).unwrap();
    reader.search_at_most(Duration::ZERO);
    let mut seen = Vec::new();
    loop {
        let batch = reader.batch(1, 1 << 20, Duration::ZERO).unwrap();
        seen.extend(numbers(&batch.records));
        if batch.is_last {
            break;
        }
    }
    assert_eq!(seen, [10_000, 20_000, 20_001]);
}

#[test]
fn a_set_in_which_nothing_was_is_asked_beside_one_that_is_never_read_to_its_end() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name| directory.path().join(name);
    for (name, rest) in [("busy.log", 0), ("as_busy.log", 1)] {
        let lines = (10..1_000).filter(|number| number % 2 == rest).map(line);
        fs::write(path(name), lines.collect::<String>()).unwrap();
    }
    fs::write(path("quiet.log"), line(0)).unwrap();
    let mut reader = Reader::open(Options { follow: true, ..options(directory.path()) }).unwrap();
    let mut take = |count| numbers(&reader.batch(count, 1 << 20, Duration::ZERO).unwrap().records);
    assert_eq!(take(3), [0, 10, 11]);
    let mut quiet = fs::File::options().append(true).open(path("quiet.log")).unwrap();
    quiet.write_all(line(1).as_bytes()).unwrap();
    assert_eq!(take(2), [1, 12]);
}

#[test]
fn a_position_that_is_of_no_set_is_told() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("app.log"), line(0)).unwrap();
    let (records, remarks) = read(options(directory.path()));
    assert_eq!(remarks, Vec::<String>::new());
    let after = vec![Position { set: "other.log".into(), ..records[0].position.clone() }];
    let (records, remarks) = read(Options { after, ..options(directory.path()) });
    assert_eq!((records.len(), remarks.len()), (1, 1), "{remarks:?}");
    assert!(remarks[0].contains("other.log"), "{remarks:?}");
}

#[test]
fn zeros_and_marks_of_utf8_before_a_line_are_passed_over() {
    let directory = tempfile::tempdir().unwrap();
    let zeros = "\0".repeat(4_096);
    let text = format!("\u{feff}{}{zeros}{}{}", line(0), line(3), line(4));
    fs::write(directory.path().join("app.log"), text).unwrap();
    assert_eq!(all(directory.path()), [0, 3, 4]);
    let filter = Filter { level: Some(40), ..Filter::default() };
    assert_eq!(numbers(&read(Options { filter, ..options(directory.path()) }).0), [3]);
}

#[test]
fn a_search_in_what_is_being_written_ends_where_nothing_more_is_there() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("app.log");
    fs::write(&path, line(0)).unwrap();
    let filter = Filter { text: Some("rare".into()), ..Filter::default() };
    let mut reader = Reader::open(Options { filter, follow: true, ..options(directory.path()) }).unwrap();
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut file = fs::File::options().append(true).open(&path).unwrap();
            while !is_over.load(Ordering::Relaxed) {
                file.write_all(line(1).as_bytes()).unwrap();
                std::thread::sleep(Duration::from_millis(1));
            }
        });
        for _ in 0..5 {
            let batch = reader.batch(100, 1 << 20, Duration::from_millis(150)).unwrap();
            assert!(!batch.is_searching && batch.records.is_empty());
        }
        is_over.store(true, Ordering::Relaxed);
    });
}

#[test]
fn a_set_that_is_new_is_found_beside_one_that_is_never_read_to_its_end() {
    let directory = tempfile::tempdir().unwrap();
    let write =
        |name: &str, from: u64| fs::write(directory.path().join(name), (from..from + 9).map(line).collect::<String>());
    write("busy.log", 10).unwrap();
    let mut reader = Reader::open(Options { follow: true, ..options(directory.path()) }).unwrap();
    let mut take = || numbers(&reader.batch(1, 1 << 20, Duration::ZERO).unwrap().records);
    assert_eq!(take(), [10]);
    write("new.log", 0).unwrap();
    std::thread::sleep(Duration::from_millis(1_100));
    assert_eq!(take(), [0]);
}

#[test]
fn a_single_file_is_read_where_it_was_packed_since_and_told_where_it_is_gone() {
    for kind in [Kind::Zstd, Kind::Gzip] {
        let directory = tempfile::tempdir().unwrap();
        let mut sink = sink(directory.path(), &rotation(700, Names::Numbers));
        (0..30).for_each(|number| log(&mut sink, number));
        let open = || Reader::open(Options { files: vec!["app.log.2".into()], ..options(directory.path()) }).unwrap();
        let expected = numbers(&drain(&mut open()));
        assert!(!expected.is_empty());
        let (mut packed, mut gone) = (open(), open());
        keep_up(directory.path(), kind, Keep::default());
        assert!(!directory.path().join("app.log.2").exists());
        assert_eq!((numbers(&drain(&mut packed)), packed.remarks()), (expected, Vec::new()));
        for name in ["app.log.2.zst", "app.log.2.gz"] {
            let _ = fs::remove_file(directory.path().join(name));
        }
        assert_eq!(numbers(&drain(&mut gone)), [0; 0]);
        let remarks = gone.remarks();
        assert!(remarks.iter().any(|remark| remark.contains("app.log.2")), "{remarks:?}");
    }
}
