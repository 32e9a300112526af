//! What is damaged, left over or refused keeps nothing else from being done.

use super::*;

fn home(directory: &Path) -> PathBuf {
    blackbox::home(directory)
}

#[test]
fn a_damaged_index_is_made_again() {
    let directory = directory();
    let settings = settings(&[set("app.log", Keep::default())], Keep::default());
    let mut remembered = Remembered::default();
    let mut again = || {
        let report = round_with(directory.path(), &settings, NOW, &|| true, Work::All, &mut remembered).unwrap();
        (report.archived, report.indexed)
    };
    assert_eq!((again(), again()), ((2, 0), (0, 0)));
    let path = index_path(directory.path(), 1);
    let whole = fs::read(&path).unwrap();
    let mut damaged = whole.clone();
    damaged[whole.len() / 2] ^= 1;
    for bytes in [&damaged[..], &whole[..whole.len() / 2], b"", b"something else"] {
        fs::write(&path, bytes).unwrap();
        // Whatever the clock of the file system can tell apart.
        let file = fs::File::options().write(true).open(&path).unwrap();
        file.set_modified(std::time::UNIX_EPOCH + Duration::from_secs(bytes.len() as u64)).unwrap();
        assert_eq!(again(), (0, 1), "{} bytes", bytes.len());
        assert_eq!(fs::read(&path).unwrap(), whole);
    }
    // That of another file.
    fs::copy(index_path(directory.path(), 2), &path).unwrap();
    assert_eq!(again(), (0, 1));
}

#[test]
fn temporary_files_of_dead_processes_go_and_no_others() {
    let directory = directory();
    let settings = settings(&[set("app.log", Keep::default())], Keep::default());
    for name in ["1.tmp", "catalogue.tmp", "notes.tmp"] {
        fs::write(home(directory.path()).join(name), "left").unwrap();
    }
    let left = [".app.log.1.zst.unified_logger-packing", ".app.log.9.7.unified_logger-going"];
    let left = left.map(|name| directory.path().join(name));
    left.iter().for_each(|path| fs::write(path, "left").unwrap());
    assert!(round(directory.path(), &settings, NOW, &|| true).unwrap().failed.is_empty());
    let is_there = |name: &str| home(directory.path()).join(name).exists();
    assert_eq!(["1.tmp", "catalogue.tmp", "notes.tmp"].map(is_there), [false, false, true]);
    assert!(left.iter().all(|path| !path.exists()));
}

#[test]
fn what_a_process_left_that_died_between_two_steps_of_packing_is_finished() {
    let directory = directory();
    let original = fs::read_to_string(directory.path().join("app.log.2")).unwrap();
    let settings = settings(&[packing("app.log")], Keep::default());
    assert_eq!(round(directory.path(), &settings, NOW, &|| true).unwrap().archived, 2);
    // The packed file has its name, and the original is not gone yet.
    unfinish(directory.path(), 1, "app.log.2", &original);
    let report = round(directory.path(), &settings, NOW, &|| true).unwrap();
    assert_eq!((report.failed, report.foreign), (vec![], vec![]));
    assert_eq!(names(directory.path()), ["app.log", "app.log.1.zst", "app.log.2.zst"]);
    assert_eq!(catalogue_of(directory.path()).known().files().count(), 3);
}

/// A process died between two steps of packing, and another one rotates before the upkeep has seen it. The rotation may be cut short too, between the
/// two names. Seen to note the packed file, and to leave the original beside it for good.
#[test]
fn what_a_rotation_has_renamed_before_it_was_finished_is_finished_too() {
    let renamed = [("app.log.2", "app.log.2.zst"), ("app.log.3", "app.log.3.zst"), ("app.log.3", "app.log.2.zst")];
    for (original, packed) in renamed {
        let directory = directory();
        let text = fs::read_to_string(directory.path().join("app.log.2")).unwrap();
        let settings = settings(&[packing("app.log")], Keep::default());
        assert_eq!(round(directory.path(), &settings, NOW, &|| true).unwrap().archived, 2);
        unfinish(directory.path(), 1, "app.log.2", &text);
        for (from, to) in [("app.log.2", original), ("app.log.2.zst", packed)] {
            fs::rename(directory.path().join(from), directory.path().join(to)).unwrap();
        }
        // As the rotation does that finds a name of which nothing is known.
        assert_eq!(catalogue_of(directory.path()).reconcile(directory.path(), "app.log", NOW).unwrap(), [""; 0]);
        let (there, _) = catalogue::find_at_once(directory.path(), "app.log", 2).unwrap();
        assert_eq!(there.len(), 3, "no record is read twice: {there:?}");
        let report = round(directory.path(), &settings, NOW, &|| true).unwrap();
        assert_eq!((report.failed, report.foreign), (vec![], vec![]), "{original} {packed}");
        assert_eq!(names(directory.path()), ["app.log", "app.log.1.zst", packed]);
        assert_eq!(lines(directory.path(), packed), text);
        let known = catalogue_of(directory.path());
        assert_eq!(known.known().get(1).map(|entry| entry.name.as_str()), Some(packed));
        assert_eq!(known.known().files().count(), 3);
    }
}

#[test]
fn what_takes_long_to_compare_is_left_when_the_round_ends_and_gone_on_with() {
    let directory = directory();
    let text: String = (0..300_000).map(|number| format!("line {number} of 1\n")).collect();
    write(directory.path(), "app.log.2", &text);
    let settings = settings(&[packing("app.log")], Keep::default());
    for _ in 0..2 {
        round(directory.path(), &settings, NOW, &|| true).unwrap();
    }
    let generation = catalogue_of(directory.path()).known().named("app.log", "app.log.2.zst").unwrap().generation;
    unfinish(directory.path(), generation, "app.log.2", &text);
    let mut remembered = Remembered::default();
    let mut rounds = 0;
    while directory.path().join("app.log.2").exists() {
        rounds += 1;
        assert!(rounds < 20);
        // It ends with the first part.
        let asked = std::sync::atomic::AtomicU32::new(0);
        let goes_on = || asked.fetch_add(1, std::sync::atomic::Ordering::Relaxed) == 0;
        let report = round_with(directory.path(), &settings, NOW, &goes_on, Work::All, &mut remembered).unwrap();
        assert_eq!(report.failed, vec![]);
    }
    assert!(rounds > 4, "{rounds}");
    assert_eq!(lines(directory.path(), "app.log.2.zst"), text);
}

#[test]
fn one_file_that_cannot_be_packed_is_no_obstacle_for_the_others() {
    let directory = directory();
    let blocked = directory.path().join(".app.log.2.zst.unified_logger-packing");
    fs::create_dir(&blocked).unwrap();
    let settings = settings(&[packing("app.log")], Keep::default());
    let report = round(directory.path(), &settings, NOW, &|| true).unwrap();
    assert_eq!((report.archived, report.waiting), (1, 1));
    assert_eq!(names(directory.path()), ["app.log", "app.log.1.zst", "app.log.2"]);
}

#[test]
fn a_truncated_packed_file_stays_and_is_told_of_once() {
    let directory = directory();
    let settings = settings(&[Set { form: json(), ..packing("app.log") }], Keep::default());
    assert_eq!(round(directory.path(), &settings, NOW, &|| true).unwrap().archived, 2);
    let path = directory.path().join("app.log.2.zst");
    let whole = fs::read(&path).unwrap();
    fs::write(&path, &whole[..12]).unwrap();
    // Another number of the file system, so that it is noticed at once.
    fs::rename(&path, directory.path().join("x")).unwrap();
    fs::copy(directory.path().join("x"), &path).unwrap();
    let told: Vec<_> =
        (0..3).map(|_| round(directory.path(), &settings, NOW, &|| true).unwrap().foreign.len()).collect();
    assert_eq!(told, [1, 0, 0]);
    assert_eq!(fs::read(&path).unwrap(), &whole[..12]);
    assert_eq!(indices(directory.path()), [2]);
}

#[test]
fn a_catalogue_of_a_later_version_stops_everything() {
    let directory = directory();
    let settings = settings(&[Set { keep: files(1), ..packing("app.log") }], Keep::default());
    let path = home(directory.path()).join("catalogue");
    let json = br#"[{"catalogue":{"version":99,"next":1}}]"#;
    let line = [format!("{:016x} ", crate::checksum::of(json)).as_bytes(), json, b"\n"].concat();
    fs::write(&path, &line).unwrap();
    fs::write(index_path(directory.path(), 77), "of that version").unwrap();
    for _ in 0..2 {
        let report = round(directory.path(), &settings, NOW, &|| true).unwrap();
        assert_eq!((report.gone.len(), report.archived, report.failed), (0, 0, vec![]));
    }
    assert_eq!(names(directory.path()), ["app.log", "app.log.1", "app.log.2"]);
    assert!(index_path(directory.path(), 77).exists());
    assert_eq!(fs::read(&path).unwrap(), line);
    assert!(preview(directory.path(), &settings, NOW).unwrap().is_of_later_version);
}

#[test]
fn a_damaged_packed_file_beside_its_original_is_packed_again() {
    let directory = directory();
    let text: String = (0..20_000).map(|number| format!("line {number} of 1\n")).collect();
    write(directory.path(), "app.log.2", &text);
    for kind in [Kind::Gzip, Kind::Zstd] {
        let settings = settings(&[Set { method: Method::new(kind, None), ..packing("app.log") }], Keep::default());
        let packed = if kind == Kind::Gzip { "app.log.2.gz" } else { "app.log.2.zst" };
        for _ in 0..2 {
            round(directory.path(), &settings, NOW, &|| true).unwrap();
        }
        let generation = catalogue_of(directory.path()).known().named("app.log", packed).unwrap().generation;
        unfinish(directory.path(), generation, "app.log.2", &text);
        let path = directory.path().join(packed);
        let mut bytes = fs::read(&path).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle..middle + 8].iter_mut().for_each(|byte| *byte ^= 0x55);
        fs::write(&path, bytes).unwrap();
        for _ in 0..2 {
            assert_eq!(round(directory.path(), &settings, NOW, &|| true).unwrap().failed, vec![]);
        }
        assert!(!directory.path().join("app.log.2").exists());
        assert_eq!(lines(directory.path(), packed), text);
        fs::remove_file(path).unwrap();
        write(directory.path(), "app.log.2", &text);
    }
}

#[test]
fn a_disk_that_does_not_say_how_full_it_is_is_told_of_once() {
    let mut remembered = Remembered::default();
    let told: Vec<bool> =
        [true, true, false, true, true].into_iter().map(|is_refused| remembered.tells_of_disk(is_refused)).collect();
    assert_eq!(told, [true, false, false, true, false]);
    let all = Keep { disk_free: Some(Free::Bytes(1)), ..Keep::default() };
    let (disk, refusal) = disk_of(Path::new("/nowhere/at/all"), &settings(&[], all));
    assert!(disk.is_none() && refusal.is_some_and(|reason| reason.contains("/nowhere/at/all")));
    assert!(disk_of(Path::new("/nowhere/at/all"), &settings(&[], Keep::default())).1.is_none());
}

#[test]
fn no_two_records_get_one_number_where_a_file_cannot_be_read() {
    let directory = directory();
    let settings = settings(&[packing("app.log")], Keep::default());
    // Where the oldest would be packed, something lies.
    let blocked = directory.path().join(".app.log.2.zst.unified_logger-packing");
    fs::create_dir(&blocked).unwrap();
    let mut remembered = Remembered::default();
    let mut again = || {
        remembered.pass();
        round_with(directory.path(), &settings, NOW, &|| true, Work::All, &mut remembered).unwrap()
    };
    let sequences = || {
        let catalogue = catalogue_of(directory.path());
        let sequence = |generation| catalogue.known().get(generation).unwrap().closed.unwrap().sequence;
        (sequence(1), sequence(2), catalogue.known().counted("app.log"))
    };
    assert_eq!(again().archived, 1);
    assert_eq!(sequences(), (None, None, 0), "readers number the records of the oldest from here on");
    fs::remove_dir(&blocked).unwrap();
    assert_eq!(again().archived, 1);
    assert_eq!(sequences(), (Some((0, 1)), Some((1, 2)), 2));
}

#[cfg(unix)]
#[test]
fn a_catalogue_that_cannot_be_read_in_the_middle_of_a_round_changes_nothing() {
    for (method, fails_at) in [(None, 1), (Method::new(Kind::Zstd, None), 1), (Method::new(Kind::Zstd, None), 2)] {
        let directory = directory();
        let settings = settings(&[Set { method, ..set("app.log", Keep::default()) }], Keep::default());
        let path = home(directory.path()).join("catalogue");
        let before = fs::read(&path).unwrap();
        let asked = std::sync::atomic::AtomicU32::new(0);
        let (home, aside) = (home(directory.path()), directory.path().join("aside"));
        let fails = || {
            if asked.fetch_add(1, std::sync::atomic::Ordering::Relaxed) + 1 == fails_at {
                // No catalogue is read behind a link.
                fs::rename(&home, &aside).unwrap();
                std::os::unix::fs::symlink(&aside, &home).unwrap();
            }
            true
        };
        let report = round(directory.path(), &settings, NOW, &fails).unwrap();
        assert_eq!((report.archived, report.failed), (0, vec![]), "{method:?} {fails_at}");
        fs::remove_file(&home).unwrap();
        fs::rename(&aside, &home).unwrap();
        assert_eq!(fs::read(&path).unwrap(), before);
        assert_eq!(names(directory.path()), ["app.log", "app.log.1", "app.log.2"]);
        assert_eq!(round(directory.path(), &settings, NOW, &|| true).unwrap().archived, 2);
    }
}

#[test]
fn a_round_goes_on_with_the_catalogue_of_the_one_before() {
    let directory = directory();
    let settings = settings(&[set("app.log", Keep::default())], Keep::default());
    let mut remembered = Remembered::default();
    let mut again = || {
        let report = round_with(directory.path(), &settings, NOW, &|| true, Work::All, &mut remembered).unwrap();
        assert_eq!(report.failed, vec![]);
        let known = remembered.catalogue.as_ref().map(|catalogue| catalogue.known().clone());
        assert_eq!(known.as_ref(), Some(catalogue_of(directory.path()).known()));
        report.archived
    };
    assert_eq!(again(), 2);
    // What another process has noted since.
    let entry = catalogue_of(directory.path()).known().get(1).unwrap().clone();
    fs::rename(directory.path().join("app.log.2"), directory.path().join("app.log.5")).unwrap();
    catalogue_of(directory.path()).change(vec![Change::File(Entry { name: "app.log.5".to_owned(), ..entry })]);
    assert_eq!(again(), 0);
    // One that is gone is made again, though nothing else has changed.
    fs::remove_file(home(directory.path()).join("catalogue")).unwrap();
    again();
    assert_eq!(catalogue_of(directory.path()).known().files().count(), 3);
}

#[test]
fn what_is_halted_rests_no_longer() {
    let halt = std::sync::Arc::new(Halt::default());
    let other = std::sync::Arc::clone(&halt);
    let started = Instant::now();
    let resting = std::thread::spawn(move || other.rest(Duration::from_secs(60)));
    std::thread::sleep(Duration::from_millis(20));
    assert!(halt.goes_on());
    halt.halt();
    resting.join().unwrap();
    assert!(!halt.goes_on() && started.elapsed() < Duration::from_secs(30));
}
