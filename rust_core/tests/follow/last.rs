//! The last records of a directory are those with which everything ends, whatever its files are, and following goes on behind them.

use super::*;

/// Rotated files, packed and not, a current one, and the errors once more in a set of their own.
fn filled(directory: &Path, kind: Kind, count: u64) {
    let rotation = rotation(4_000, Names::Numbers);
    let mut sink = sink(directory, &rotation);
    let mut errors = named(directory, "errors.log", &self::rotation(2_500, Names::Numbers));
    for number in 0..count {
        log(&mut sink, number);
        if number % 4 == 3 {
            log(&mut errors, number);
        }
        if number == count / 2 {
            keep_up(directory, kind, Keep { files: None, ..Keep::default() });
        }
    }
}

fn filters() -> Vec<Filter> {
    vec![
        Filter::default(),
        Filter { level: Some(30), ..Filter::default() },
        Filter { loggers: vec!["shop.l1".into()], ..Filter::default() },
        Filter { trace: Some("t00000007".into()), ..Filter::default() },
        Filter { from: Some(START + 33 * SECOND), until: Some(START + 71 * SECOND), ..Filter::default() },
        Filter { text: Some("number 1".into()), ..Filter::default() },
        Filter { trace: Some("nothing".into()), ..Filter::default() },
    ]
}

#[test]
fn the_last_records_are_those_with_which_all_of_them_end() {
    for kind in [Kind::Plain, Kind::Zstd, Kind::Gzip] {
        let directory = tempfile::tempdir().unwrap();
        filled(directory.path(), kind, 120);
        for unique in [false, true] {
            for filter in filters() {
                let of = |last, reverse| {
                    let (records, remarks) =
                        read(Options { filter: filter.clone(), last, reverse, unique, ..options(directory.path()) });
                    // Files that nobody has looked after have none.
                    let others = remarks.iter().filter(|remark| !remark.contains("its index is not there"));
                    assert_eq!(others.count(), 0, "{remarks:?}");
                    records
                };
                let all = numbers(&of(None, false));
                for last in [0, 1, 2, 7, 50, 1_000] {
                    let expected = &all[all.len().saturating_sub(last)..];
                    assert_eq!(numbers(&of(Some(last), false)), expected, "{kind:?} {filter:?} {unique} {last}");
                    let mut newest = numbers(&of(Some(last), true));
                    newest.reverse();
                    assert_eq!(newest, expected, "{kind:?} {filter:?} {unique} {last}");
                }
                let mut newest = numbers(&of(None, true));
                newest.reverse();
                assert_eq!(newest, all);
                let mut once = all.clone();
                once.dedup();
                assert_eq!(once.len() == all.len(), unique || all.iter().all(|number| number % 4 != 3));
            }
        }
    }
}

#[test]
fn following_goes_on_behind_the_last_records() {
    for kind in [Kind::Plain, Kind::Zstd] {
        for last in [0, 1, 10, 500] {
            let directory = tempfile::tempdir().unwrap();
            filled(directory.path(), kind, 100);
            let mut reader =
                Reader::open(Options { last: Some(last), follow: true, unique: true, ..options(directory.path()) })
                    .unwrap();
            let mut seen = Vec::new();
            let mut take = |seen: &mut Vec<u64>| loop {
                let batch = reader.batch(1_000, 1 << 20, Duration::ZERO).unwrap();
                seen.extend(numbers(&batch.records));
                if batch.records.is_empty() && !batch.is_searching {
                    break;
                }
            };
            take(&mut seen);
            assert_eq!(seen, (100 - last.min(100) as u64..100).collect::<Vec<u64>>());
            let mut sink = sink(directory.path(), &rotation(4_000, Names::Numbers));
            for number in 100..200 {
                log(&mut sink, number);
                if number % 30 == 0 {
                    take(&mut seen);
                    keep_up(directory.path(), kind, Keep { files: None, ..Keep::default() });
                }
            }
            take(&mut seen);
            assert_eq!(seen, (100 - last.min(100) as u64..200).collect::<Vec<u64>>());
        }
    }
}

#[test]
fn nothing_but_the_end_is_read() {
    let directory = tempfile::tempdir().unwrap();
    // What stands before is a hole of zeros, which would take long to be read.
    let mut file = fs::File::create(directory.path().join("app.log")).unwrap();
    file.seek(std::io::SeekFrom::Start(1 << 40)).unwrap();
    let lines: String = (0..5_000).map(line).collect();
    file.write_all(format!("\n{lines}").as_bytes()).unwrap();
    let started = Instant::now();
    let (records, _) = read(Options { last: Some(2_000), ..options(directory.path()) });
    assert_eq!(numbers(&records), (3_000..5_000).collect::<Vec<u64>>());
    assert!(started.elapsed() < Duration::from_secs(20));
}

#[test]
fn lines_of_text_keep_with_the_line_that_begins_them() {
    let directory = tempfile::tempdir().unwrap();
    let mut text = String::new();
    for number in 0..9_000 {
        let level = if number % 100 == 99 { "ERROR" } else { "INFO" };
        text.push_str(&format!("2026-02-19 10:30:{:02} {level} number {number}\n  goes on\n    and on\n", number % 60));
    }
    fs::write(directory.path().join("app.log"), text).unwrap();
    let filter = Filter { level: Some(40), ..Filter::default() };
    let of = |last| {
        let (records, _) = read(Options { filter: filter.clone(), last, ..options(directory.path()) });
        records.into_iter().map(|record| record.raw).collect::<Vec<_>>()
    };
    let all = of(None);
    assert_eq!(all.len(), 270);
    for last in [1_usize, 2, 3, 31, 269] {
        // With the line to which the first of them belongs.
        let whole = last.div_ceil(3) * 3;
        assert_eq!(of(Some(last)), all[all.len() - whole..]);
    }
}

#[test]
fn files_that_others_have_packed_are_read_back_too() {
    let directory = tempfile::tempdir().unwrap();
    let lines: String = (0..60_000).map(line).collect();
    let file = fs::File::create(directory.path().join("app.log.1.gz")).unwrap();
    let mut packer = flate2::write::GzEncoder::new(file, flate2::Compression::fast());
    packer.write_all(lines.as_bytes()).unwrap();
    packer.finish().unwrap();
    let (records, _) = read(Options { last: Some(5), ..options(directory.path()) });
    assert_eq!(numbers(&records), (59_995..60_000).collect::<Vec<u64>>());
    // More of them than are kept at once.
    let (records, _) = read(Options { reverse: true, ..options(directory.path()) });
    assert_eq!(numbers(&records), (0..60_000).rev().collect::<Vec<u64>>());
}

#[test]
fn a_line_that_is_too_long_is_cut_and_told_of() {
    let directory = tempfile::tempdir().unwrap();
    let long = line(1).replace("number 1\"", &format!("number 1 {}\"", "x".repeat(3 << 20)));
    fs::write(directory.path().join("app.log"), [&line(0), &*long, &line(2)].concat()).unwrap();
    for (last, reverse) in [(None, false), (Some(3), false), (Some(2), false), (None, true)] {
        let (records, remarks) = read(Options { last, reverse, longest: Some(1 << 20), ..options(directory.path()) });
        let is_cut = |record: &Record| {
            serde_json::from_slice::<serde_json::Value>(&record.raw).unwrap()["message"]
                .as_str()
                .is_some_and(|message| message.ends_with("x…"))
        };
        assert_eq!(records.iter().filter(|record| is_cut(record)).count(), 1, "{last:?}");
        assert_eq!(records.len(), last.unwrap_or(3));
        assert!(records.iter().all(|record| record.raw.len() <= (1 << 20) + 10));
        let told = format!("has {} bytes: its first 1048576 are shown", long.trim_end().len());
        assert!(remarks.iter().any(|remark| remark.contains(&told)), "{remarks:?}");
    }
}

#[test]
fn a_last_line_without_its_newline_counts_where_no_more_is_written() {
    let directory = tempfile::tempdir().unwrap();
    let text: String = (0..3).map(line).collect();
    fs::write(directory.path().join("app.log.1"), text.trim_end()).unwrap();
    fs::write(directory.path().join("app.log"), line(3) + r#"{"torn":"#).unwrap();
    for reverse in [false, true] {
        let (records, _) = read(Options { last: Some(3), reverse, ..options(directory.path()) });
        let mut seen = numbers(&records);
        seen.sort_unstable();
        assert_eq!(seen, [1, 2, 3]);
    }
}
