//! The little time that a process has at its end goes to files that fit into it.

use super::*;
use crate::archive;

/// Text that no method packs fast or well.
fn noise(bytes: usize) -> String {
    let mut state = 1_u64;
    let mut text = String::with_capacity(bytes + 17);
    while text.len() < bytes {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        std::fmt::Write::write_fmt(&mut text, format_args!("{:016x}", state ^ state >> 29)).unwrap();
        text.push_str(if text.len() % 128 < 16 { "\n" } else { "" });
    }
    text
}

#[test]
fn a_file_that_does_not_fit_is_passed_over_for_those_behind_it() {
    let directory = directory();
    let large = noise(60 << 20);
    write(directory.path(), "app.log.2", &large);
    let entry = |generation| catalogue_of(directory.path()).known().get(generation).unwrap().clone();
    let inode = platform::identity_at(&directory.path().join("app.log.2")).unwrap().inode;
    let mark = Mark::of(inode, &large.as_bytes()[..entry(1).mark.length as usize]);
    catalogue_of(directory.path()).change(vec![Change::File(Entry { mark, ..entry(1) })]);
    let settings = settings(&[Set { method: Method::new(Kind::Gzip, Some(9)), ..packing("app.log") }], Keep::default());
    let started = Instant::now();
    let work = Work::Until(started + Duration::from_secs(2));
    let mut remembered = Remembered::default();
    let report = round_with(directory.path(), &settings, NOW, &|| true, work, &mut remembered).unwrap();
    assert_eq!((report.archived, report.waiting, report.failed), (1, 1, vec![]));
    assert_eq!(names(directory.path()), ["app.log", "app.log.1.gz", "app.log.2"]);
    let is_left = |entry: std::io::Result<fs::DirEntry>| archive::is_temporary(&entry.unwrap().file_name());
    assert!(!fs::read_dir(directory.path()).unwrap().any(is_left), "nothing of the other stays");
    assert!(remembered.begun.is_none());
    // With time for it, both are.
    let work = Work::Until(Instant::now() + Duration::from_secs(600));
    let report = round_with(directory.path(), &settings, NOW, &|| true, work, &mut remembered).unwrap();
    assert_eq!((report.archived, report.waiting, report.failed), (1, 0, vec![]));
    assert!(started.elapsed() > Duration::from_secs(2), "it was too small");
}
