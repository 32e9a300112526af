use std::ops::ControlFlow;
use std::path::Path;

use proptest::prelude::*;

use super::format::{self, VERSION};
use super::*;
use crate::archive::sample::{START, STEP, lines};
use crate::archive::{Keys, PART, Scanner, parse_time};
use crate::level;
use crate::platform::{Identity, identity_at};

/// An index of parts of plain lines.
fn built(parts: &[&[u8]]) -> Index {
    Index::read(&bytes_of(parts)).unwrap()
}

fn bytes_of(parts: &[&[u8]]) -> Vec<u8> {
    let mut builder = Builder::new(Kind::Plain, 7, Some(1_000), &Keys::default());
    let mut at = 0;
    for part in parts {
        builder.add(part, at, part.len() as u32);
        at += part.len() as u64;
    }
    builder.finish(at)
}

fn line(time: i64, level: &str, logger: &str, trace: &str) -> String {
    let time = jiff::Timestamp::from_nanosecond(time.into()).unwrap();
    format!("{{\"timestamp\":\"{time}\",\"level\":\"{level}\",\"logger\":\"{logger}\",\"trace_id\":\"{trace}\"}}\n")
}

#[test]
fn an_index_says_what_a_file_holds() {
    let one = [line(START + 2, "INFO", "shop.a", "t1"), line(START, "ERROR", "shop.b", "t2")].concat();
    let two = [line(START + 9, "INFO", "shop.b", "t2"), line(START + 5, "AUDIT", "shop.c", "t3")].concat();
    let index = built(&[one.as_bytes(), two.as_bytes()]);
    let header = index.header();
    assert_eq!((header.kind, header.generation, header.lines), (Kind::Plain, 7, 4));
    assert_eq!((header.first_sequence, header.last_sequence()), (Some(1_000), Some(1_003)));
    assert_eq!((header.length, header.packed_length), ((one.len() + two.len()) as u64, (one.len() + two.len()) as u64));
    assert_eq!(header.keys, Keys::default().fingerprint());
    assert_eq!(index.times(), Some((START, START + 9)));
    assert_eq!(index.levels(), [("INFO".into(), Some(20)), ("ERROR".into(), Some(40)), ("AUDIT".into(), None)]);
    assert_eq!(index.loggers(), ["shop.a", "shop.b", "shop.c"]);
    let [first, second] = index.parts() else { panic!("{:?}", index.parts()) };
    assert_eq!((first.times, second.times), (Some((START, START + 2)), Some((START + 5, START + 9))));
    assert_eq!((second.extent.at, second.extent.packed_at, second.lines), (one.len() as u64, one.len() as u64, 2));
    assert_eq!(index.level_counts(first).collect::<Vec<_>>(), [(0, 1), (1, 1)]);
    assert_eq!(index.level_counts(second).collect::<Vec<_>>(), [(0, 1), (2, 1)]);
    assert_eq!(index.logger_counts(second).collect::<Vec<_>>(), [(1, 1), (2, 1)]);
    assert_eq!(first.unknown, Unknown::default());
}

#[test]
fn a_search_finds_the_parts_that_hold_what_it_looks_for() {
    let one = [line(START + 2, "INFO", "shop.a", "t1"), line(START, "ERROR", "shop.b", "t2")].concat();
    let two = [line(START + 9, "INFO", "shop.b", "t2"), line(START + 5, "AUDIT", "shop.c", "t3")].concat();
    let three = [line(START + 9, "INFO", "shop.b", "t4"), line(START + 5, "DEBUG", "shop.c", "")].concat();
    let index = built(&[one.as_bytes(), two.as_bytes(), three.as_bytes()]);
    let find = |query| index.find(&query);
    let none = Query::default;
    assert_eq!(find(none()), [0, 1, 2]);
    assert_eq!(find(Query { from: Some(START + 3), ..none() }), [1, 2]);
    assert_eq!(find(Query { from: Some(START + 2), until: Some(START + 5), ..none() }), [0]);
    assert_eq!(find(Query { until: Some(START), ..none() }), [0; 0]);
    // Nobody knows the number of AUDIT.
    assert_eq!(find(Query { level: Some(level::WARNING), ..none() }), [0, 1]);
    assert_eq!(find(Query { level: Some(level::INFO), ..none() }), [0, 1, 2]);
    assert_eq!(find(Query { logger: Some(&|name| name == "shop.c"), ..none() }), [1, 2]);
    assert_eq!(find(Query { trace: Some("t1"), ..none() }), [0]);
    assert_eq!(find(Query { trace: Some("t2"), ..none() }), [0, 1]);
    assert_eq!(find(Query { trace: Some("t2"), from: Some(START + 3), ..none() }), [1]);
    assert_eq!(find(Query { trace: Some("t4"), level: Some(level::WARNING), ..none() }), [0; 0]);
}

#[test]
fn a_part_with_a_line_that_is_not_understood_is_never_passed_over() {
    let known = line(START, "INFO", "shop", "t1");
    for odd in [
        "Traceback (most recent call last):",
        r#"{"timestamp":"2026-02-19T10:30:00","level":["x"],"logger":7.5e1,"logger":1,"trace_id":{}}"#,
        r#"{"torn"#,
        "level=ERROR trace_id=t9",
        "",
        "\u{0}\u{7f}",
    ] {
        let index = built(&[known.as_bytes(), format!("{known}{odd}\n").as_bytes()]);
        for query in [
            Query { from: Some(START + 1), ..Query::default() },
            Query { until: Some(START), ..Query::default() },
            Query { level: Some(level::CRITICAL), ..Query::default() },
            Query { logger: Some(&|name| name == "other"), ..Query::default() },
            Query { trace: Some("t9"), ..Query::default() },
        ] {
            assert_eq!(index.find(&query), [1], "{odd} {query:?}");
        }
        assert_eq!(index.header().lines, 3);
    }
}

#[test]
fn every_part_of_a_line_longer_than_a_part_is_found() {
    let known = line(START, "INFO", "shop", "t1");
    let long = line(START, "INFO", "shop", &"x".repeat(3_000));
    let (one, rest) = long.as_bytes().split_at(1_000);
    let (two, three) = rest.split_at(1_000);
    let last = [three, known.as_bytes()].concat();
    let index = built(&[known.as_bytes(), one, two, &last, known.as_bytes()]);
    let lines: Vec<u32> = index.parts().iter().map(|part| part.lines).collect();
    assert_eq!(lines, [1, 1, 0, 1, 1]);
    assert_eq!(index.find(&Query { trace: Some("t9"), ..Query::default() }), [1, 2, 3]);
    assert_eq!(index.find(&Query { from: Some(START + 1), ..Query::default() }), [1, 2, 3]);
}

#[test]
fn more_loggers_than_there_is_room_for_are_never_passed_over() {
    let lines: String = (0..5_000).map(|number| line(START, "INFO", &format!("l{number}"), "t")).collect();
    let index = built(&[
        lines.as_bytes(),
        line(START, "INFO", "l4999", "t").as_bytes(),
        line(START, "INFO", "l7", "t").as_bytes(),
    ]);
    assert_eq!(index.loggers().len(), 4_096);
    assert_eq!(index.find(&Query { logger: Some(&|name| name == "l4999"), ..Query::default() }), [0, 1]);
    assert_eq!(
        index.find(&Query { logger: Some(&|name| name == "l7"), ..Query::default() }),
        [0, 1, 2][..1].iter().copied().chain([1, 2]).collect::<Vec<_>>()
    );
}

#[test]
fn groups_end_where_there_are_many_traces() {
    let parts: Vec<String> = (0..5)
        .map(|part| {
            (0..30_000).map(|number| line(START, "INFO", "l", &format!("{:0>150}/{part}-{number}", 0))).collect()
        })
        .collect();
    let index = built(&parts.iter().map(String::as_bytes).collect::<Vec<_>>());
    assert_eq!(index.groups.iter().map(|group| group.parts.clone()).collect::<Vec<_>>(), [0..3, 3..5]);
    for part in 0..5 {
        for number in [0, 17_000, 29_999] {
            assert!(
                index.find(&Query { trace: Some(&format!("{part}-{number}")), ..Query::default() }).contains(&part)
            );
        }
    }
    let found: usize =
        (0..2_000).map(|n| index.find(&Query { trace: Some(&format!("x{n}")), ..Query::default() }).len()).sum();
    assert!(found < 20, "{found} of 10,000 parts");
}

#[test]
fn an_index_takes_a_fiftieth_of_the_packed_bytes_and_tells_the_part_of_a_trace() {
    // Records of a trace, and parts of 20,000 that a search unpacks for nothing.
    for (records, most) in [(2, 300), (5, 5)] {
        let mut builder = Builder::new(Kind::Zstd, 7, None, &Keys::default());
        for part in 0..10 {
            let lines: Vec<String> =
                (0..4_000).map(|number| line(START, "INFO", "l", &format!("{part}-{}", number / records))).collect();
            builder.add(lines.concat().as_bytes(), part * 100_000, 100_000);
        }
        let bytes = builder.finish(1_000_000);
        assert!((18_000..=20_000).contains(&bytes.len()), "{}", bytes.len());
        let index = Index::read(&bytes).unwrap();
        let find = |trace: String| index.find(&Query { trace: Some(&trace), ..Query::default() });
        let found: usize = (0..2_000).map(|number| find(format!("x{number}")).len()).sum();
        assert!(found <= most, "{found}");
        assert!((0..10).all(|part| find(format!("{part}-7")).contains(&part)));
    }
}

#[test]
fn damage_is_told_from_an_end_that_is_missing_and_from_what_is_newer() {
    let bytes = bytes_of(&[line(START, "INFO", "shop", "t1").as_bytes()]);
    let read = |bytes: &[u8]| Index::read(bytes).map(|_| ()).unwrap_err();
    assert_eq!(read(b"{\"a\":1}"), Unreadable::Foreign);
    for length in 0..bytes.len() {
        assert_eq!(read(&bytes[..length]), Unreadable::Truncated, "{length}");
    }
    let mut newer = bytes.clone();
    newer[8] = 2;
    assert_eq!(read(&newer), Unreadable::Newer(VERSION + 1));
    assert_eq!(read(&[&bytes[..], b"x"].concat()), Unreadable::Corrupt);
    for at in 24..bytes.len() {
        let mut damaged = bytes.clone();
        damaged[at] ^= 4;
        assert_eq!(read(&damaged), Unreadable::Corrupt, "{at}");
    }
}

#[test]
fn an_index_is_small_and_made_of_any_part_of_a_service() {
    let (text, ids) = lines(3 << 20, 1);
    let mut cut = crate::archive::cut::Cut::new(&text[..]);
    let mut parts = Vec::new();
    while let Some(part) = cut.next().unwrap() {
        parts.push(part.to_vec());
    }
    let index = built(&parts.iter().map(|part| &part[..]).collect::<Vec<_>>());
    let mut scanner = Scanner::new(&Keys::default());
    let all = text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).count();
    assert_eq!(index.header().lines, all as u64);
    assert_eq!(index.times(), Some((START + STEP, START + STEP * i64::try_from(all).unwrap())));
    assert!(parts.iter().all(|part| part.len() <= PART));
    for id in ids.iter().step_by(50) {
        let found = index.find(&Query { trace: Some(id), ..Query::default() });
        for (number, part) in parts.iter().enumerate() {
            assert!(found.contains(&number) || memchr::memmem::find(part, id.as_bytes()).is_none());
        }
    }
    let first = text.split(|byte| *byte == b'\n').next().unwrap();
    let Value::Plain(time) = scanner.scan(first).unwrap().time else { panic!() };
    assert_eq!(parse_time(time, crate::archive::TimeForm::Iso), Some(START + STEP));
}

use crate::archive::Value;

#[test]
fn a_file_that_nobody_packed_is_indexed_in_its_place() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("app.log.1");
    let (text, _) = lines(5 << 19, 2);
    std::fs::write(&path, &text).unwrap();
    let mut seen = 0;
    let bytes = index_file(&path, 3, None, &Keys::default(), &mut |count| {
        seen += count;
        ControlFlow::Continue(())
    });
    let index = Index::read(&bytes.unwrap().unwrap()).unwrap();
    assert_eq!((seen, index.header().length, index.parts().len()), (text.len() as u64, text.len() as u64, 3));
    let stopped = index_file(&path, 3, None, &Keys::default(), &mut |_| ControlFlow::Break(()));
    assert_eq!(stopped.unwrap(), None);
    let changed = index_file(&path, 3, None, &Keys::default(), &mut |_| {
        std::fs::write(&path, "x").unwrap();
        ControlFlow::Continue(())
    });
    assert_eq!(changed.unwrap(), None);
}

fn any_line() -> impl Strategy<Value = String> {
    let time = (0..40_i64).prop_map(|step| START + step * STEP);
    let level = prop::sample::select(vec!["DEBUG", "INFO", "WARNING", "ERROR", "LOUD"]);
    let known = (time, level, 0..4, 0..30)
        .prop_map(|(time, level, logger, trace)| line(time, level, &format!("l{logger}"), &format!("t{trace}")));
    prop_oneof![8 => known, 1 => "[ -~]{0,20}".prop_map(|text| format!("{text}\n"))]
}

/// What a reader would say of a line: true where it must be shown, and where it may be.
fn is_wanted(line: &str, query: &Query<'_>) -> bool {
    let Ok(value) = serde_json::from_str::<serde_json::Value>(line) else { return true };
    let Some(text) = value.get("timestamp").and_then(|time| time.as_str()) else { return true };
    let Some(time) = parse_time(text.as_bytes(), crate::archive::TimeForm::Iso) else { return true };
    let level = Keys::default().level_number(value["level"].as_str().unwrap());
    query.from.is_none_or(|from| time >= from)
        && query.until.is_none_or(|until| time < until)
        && query.level.is_none_or(|least| level.is_none_or(|level| level >= least))
        && query.logger.is_none_or(|is_wanted| is_wanted(value["logger"].as_str().unwrap()))
        && query.trace.is_none_or(|trace| value["trace_id"] == trace)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    #[test]
    fn no_line_that_is_looked_for_is_passed_over(
        parts in prop::collection::vec(prop::collection::vec(any_line(), 1..8), 1..8),
        from in prop::option::of(0..40_i64), length in prop::option::of(0..20_i64),
        least in prop::option::of(prop::sample::select(vec![10, 20, 25, 40])),
        logger in prop::option::of(0..5), trace in prop::option::of(0..40),
    ) {
        let texts: Vec<String> = parts.iter().map(|lines| lines.concat()).collect();
        let index = built(&texts.iter().map(String::as_bytes).collect::<Vec<_>>());
        let is_logger = |name: &str| logger.is_some_and(|logger| name == format!("l{logger}"));
        let trace = trace.map(|trace| format!("t{trace}"));
        let from = from.map(|step| START + step * STEP);
        let query = Query {
            from,
            until: length.map(|length| from.unwrap_or(START) + length * STEP),
            level: least,
            levels: &[],
            logger: logger.is_some().then_some(&is_logger),
            trace: trace.as_deref(),
        };
        let found = index.find(&query);
        for (number, lines) in parts.iter().enumerate() {
            prop_assert!(found.contains(&number) || !lines.iter().any(|line| is_wanted(line, &query)), "{} {:?}", number, query);
        }
    }

    #[test]
    fn no_bytes_are_too_odd_to_be_read(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6), end: prop::sample::Index) {
        // Damage of which the checksum tells nothing.
        let bytes = bytes_of(&[
            [line(START, "INFO", "shop", "t1"), line(START, "ERROR", "x", "t2")].concat().as_bytes(),
            line(START, "INFO", "shop", "t2").as_bytes(),
        ]);
        let mut body = bytes[32..].to_vec();
        for (at, byte) in changes {
            let at = at.index(body.len());
            body[at] = byte;
        }
        body.truncate(end.index(body.len() * 4).max(1));
        if let Ok(index) = Index::read(&format::whole(&body)) {
            for part in index.parts() {
                prop_assert!(index.level_counts(part).all(|(number, _)| number < index.levels().len()));
                prop_assert!(index.logger_counts(part).all(|(number, _)| number < index.loggers().len()));
            }
            let _ = index.find(&Query { trace: Some("t1"), level: Some(30), ..Query::default() });
        }
    }

    #[test]
    fn no_bytes_at_all_are_an_index(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(Index::read(&bytes).is_err());
        prop_assert!(Index::read(&format::whole(&bytes)).is_err());
    }
}

#[test]
fn lines_are_counted_as_an_index_says() {
    let directory = tempfile::tempdir().unwrap();
    let long = [b"x".repeat(3 * PART), b"\ntorn".to_vec()].concat();
    for text in [Vec::new(), b"\n".to_vec(), b"torn".to_vec(), lines(3 << 20, 2).0, long] {
        for (name, bytes) in [("app.log.1", text.clone()), ("app.log.1.gz", gzip(&text))] {
            let path = directory.path().join(name);
            std::fs::write(&path, bytes).unwrap();
            let mut builder = Builder::new(Kind::Plain, 7, None, &Keys::default());
            text.chunks(PART).for_each(|part| builder.add(part, 0, 0));
            assert_eq!(counted(&path, identity_at(&path).unwrap()), Some(builder.lines()));
        }
    }
}

#[test]
fn lines_of_another_file_are_not_counted() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("app.log.3.gz");
    std::fs::write(&path, gzip(b"one\n")).unwrap();
    let identity = identity_at(&path).unwrap();
    let mut rename = |_| {
        std::fs::rename(&path, directory.path().join("app.log.4.gz")).unwrap();
        std::fs::write(&path, gzip(b"one\ntwo\n")).unwrap();
        ControlFlow::Continue(())
    };
    assert_eq!(count_lines(&path, identity, &mut rename).unwrap(), None);
    // As where it was renamed before.
    assert_eq!(counted(&path, identity), None);
    assert_eq!(counted(&path, identity_at(&path).unwrap()), Some(2));
}

fn counted(path: &Path, identity: Identity) -> Option<u64> {
    count_lines(path, identity, &mut |_| ControlFlow::Continue(())).unwrap()
}

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut encoder, text).unwrap();
    encoder.finish().unwrap()
}
