//! Lines of all lengths and forms.

use super::*;

#[test]
fn long_lines_are_read_in_bounded_memory() {
    let directory = tempfile::tempdir().unwrap();
    let long = |number: u64, length: usize| {
        let text = line(number);
        format!("{},\"long\":\"{}\"}}\n", &text[..text.len() - 2], "x".repeat(length))
    };
    let text = [line(1), long(2, 3 << 20), line(3), long(4, 40 << 20), line(5), long(6, 140 << 20), line(7)].concat();
    fs::write(directory.path().join("app.log"), &text).unwrap();
    let (records, remarks) = read(options(directory.path()));
    assert_eq!(numbers(&records), [1, 2, 3, 4, 5, 7]);
    assert!(remarks.iter().any(|remark| remark.contains("too long")), "{remarks:?}");
    drop(records);
    let text = [line(1), long(2, 3 << 20), line(3), long(4, 10 << 20), line(5)].concat();
    fs::write(directory.path().join("app.log.1"), &text).unwrap();
    fs::write(directory.path().join("app.log"), line(6)).unwrap();
    let mut catalogue = Catalogue::of(directory.path());
    catalogue.look();
    keep_up(directory.path(), Kind::Zstd, Keep::default());
    for (trace, expected) in [("t00000000", &[1, 2, 3, 4][..]), ("t00000001", &[5, 6])] {
        let filter = Filter { trace: Some(trace.into()), ..Filter::default() };
        let (records, _) = read(Options { filter, ..options(directory.path()) });
        assert_eq!(numbers(&records), expected);
    }
}

#[test]
fn lines_of_other_forms_are_read_in_their_order() {
    let directory = tempfile::tempdir().unwrap();
    let text = "2026-02-19T10:30:00.5+00:00 INFO  shop: one\n2026-02-19T10:30:02+00:00 ERROR shop: two\nTraceback (most recent call last):\n  x\n\
                2026-02-19T10:30:03+00:00 INFO shop: three\n";
    fs::write(directory.path().join("text.log"), text).unwrap();
    let pairs = "timestamp=2026-02-19T10:30:01+00:00 level=WARNING logger=shop.a message=\"a b\" trace_id=t1\n";
    fs::write(directory.path().join("pairs.log"), pairs).unwrap();
    let of = |filter: Filter| {
        let (records, _) = read(Options { filter, ..options(directory.path()) });
        records.iter().map(|record| String::from_utf8(record.raw.clone()).unwrap()).collect::<Vec<_>>()
    };
    let all: Vec<String> = of(Filter::default());
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(all, [lines[0], pairs.trim_end(), lines[1], lines[2], lines[3], lines[4]]);
    assert_eq!(of(Filter { level: Some(40), ..Filter::default() }), lines[1..4]);
    assert_eq!(of(Filter { from: Some(START + 2 * SECOND), ..Filter::default() }), lines[1..5]);
    assert_eq!(of(Filter { loggers: vec!["shop".into()], ..Filter::default() }), [pairs.trim_end()]);
    assert_eq!(of(Filter { trace: Some("t1".into()), ..Filter::default() }), [pairs.trim_end()]);
    assert_eq!(of(Filter { text: Some("Traceback".into()), ..Filter::default() }), [lines[2]]);
}

#[test]
fn a_program_may_come_back_with_another_shape() {
    let directory = tempfile::tempdir().unwrap();
    let ecs =
        "{\"@timestamp\":\"2026-02-19T10:31:00Z\",\"log.level\":\"ERROR\",\"message\":\"x\",\"log.logger\":\"shop\"}\n";
    let text = [line(3), ecs.to_owned(), line(4), "{\"other\":1}\n".to_owned(), line(7)].concat();
    fs::write(directory.path().join("app.log"), &text).unwrap();
    let filter = Filter { level: Some(40), ..Filter::default() };
    let (records, _) = read(Options { filter, ..options(directory.path()) });
    let found: Vec<&[u8]> = records.iter().map(|record| &record.raw[..]).collect();
    assert_eq!(found, [line(3).trim_end().as_bytes(), ecs.trim_end().as_bytes(), line(7).trim_end().as_bytes()]);
    assert_eq!(records[1].logger().as_deref(), Some("shop"));
}
