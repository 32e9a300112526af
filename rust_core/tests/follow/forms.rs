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

/// How many pages of a file the system has in memory. To read them, without waiting or not, would bring more.
#[cfg(target_os = "linux")]
fn pages_in_memory(file: &fs::File) -> usize {
    use std::os::fd::AsRawFd;
    let length = usize::try_from(file.metadata().unwrap().len()).unwrap();
    let mut pages = vec![0_u8; length.div_ceil(4_096)];
    // SAFETY: the file is mapped for reading, looked at by its pages alone, and unmapped; there is a byte for each page.
    unsafe {
        let start = libc::mmap(std::ptr::null_mut(), length, libc::PROT_READ, libc::MAP_SHARED, file.as_raw_fd(), 0);
        assert_ne!(start, libc::MAP_FAILED);
        assert_eq!(libc::mincore(start, length, pages.as_mut_ptr()), 0);
        libc::munmap(start, length);
    }
    pages.iter().filter(|page| **page & 1 != 0).count()
}

#[cfg(target_os = "linux")]
#[test]
fn a_search_leaves_the_memory_of_the_system_as_it_was() {
    use unified_logger_core::platform::forget_pages;
    for kind in [Kind::Plain, Kind::Zstd] {
        let directory = tempfile::tempdir().unwrap();
        let text: String = (0..100_000).map(line).collect();
        fs::write(directory.path().join("app.log.1"), &text).unwrap();
        fs::write(directory.path().join("app.log"), line(100_000)).unwrap();
        keep_up(directory.path(), kind, Keep::default());
        let name = if kind == Kind::Plain { "app.log.1" } else { "app.log.1.zst" };
        let file = fs::File::open(directory.path().join(name)).unwrap();
        let length = file.metadata().unwrap().len();
        let is_there = || pages_in_memory(&file);
        let filter = || Filter { text: Some("number 77777".into()), ..Filter::default() };
        file.sync_all().unwrap();
        forget_pages(&file);
        if is_there() > 0 {
            // A file system that is nothing but memory.
            return;
        }
        assert_eq!(read(Options { filter: filter(), ..options(directory.path()) }).0.len(), 1);
        let left = is_there();
        assert!(left as u64 * 4_096 < length / 10 + (1 << 20), "{left} pages of {length} bytes");
        fs::read(directory.path().join(name)).unwrap();
        assert_eq!(read(Options { filter: filter(), ..options(directory.path()) }).0.len(), 1);
        assert!(is_there() as u64 * 4_096 >= length / 10 * 9, "others had them in use");
    }
}
