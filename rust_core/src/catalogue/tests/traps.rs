//! What may lie in the place of the catalogue, and who may write there.

use super::*;

#[test]
fn a_catalogue_that_cannot_be_read_now_is_not_written_over() {
    let (logs, one) = with_two();
    let (path, aside) = (one.home.join(NAME), logs.path().join("elsewhere"));
    let before = fs::read(&path).unwrap();
    // It is refused as what cannot be read for the moment is.
    fs::rename(&one.home, &aside).unwrap();
    std::os::unix::fs::symlink(&one.home, &one.home).unwrap();
    let mut two = Catalogue::of(logs.path());
    assert_eq!(two.look(), Look::Refused);
    two.reconcile(logs.path(), "app.log", 1).unwrap();
    assert_eq!(two.known().files().count(), 0, "no file gets a generation");
    two.change(vec![Change::File(entry(1, "app.log", b"file 6"))]);
    fs::remove_file(&one.home).unwrap();
    fs::rename(&aside, &one.home).unwrap();
    assert_eq!(fs::read(&path).unwrap(), before);
    assert_eq!(two.look(), Look::Changed);
    two.reconcile(logs.path(), "app.log", 1).unwrap();
    assert_eq!(two.known().files().map(|entry| entry.generation).collect::<Vec<_>>(), [5, 6]);
}

#[test]
fn what_no_catalogue_is_is_neither_waited_for_nor_read() {
    for kind in ["fifo", "link", "huge"] {
        for name in [NAME, ASIDE] {
            let (logs, one) = with_two();
            let path = one.home.join(name);
            fs::remove_file(one.home.join(NAME)).unwrap();
            trap_of(kind, &path);
            if name == NAME {
                let mut view = View::of(logs.path());
                assert!(matches!(view.look(), Err(Unseen::Damaged)), "{kind}");
                let mut reader = Catalogue::of(logs.path()).read_only();
                assert_eq!(reader.look(), Look::Missing, "{kind}");
                assert!(path.symlink_metadata().is_ok());
            }
            let mut two = Catalogue::of(logs.path());
            assert_eq!(two.look(), Look::Missing, "{kind} {name}");
            two.reconcile(logs.path(), "app.log", 1).unwrap();
            assert_eq!(two.known().files().count(), 2);
            assert!(one.home.join(NAME).metadata().unwrap().len() < 10_000, "{kind} {name}");
        }
    }
}

#[test]
fn root_makes_and_renames_nothing_beside_the_boxes_of_a_user() {
    for trap in ["none", "damaged", "fifo"] {
        let (logs, mut one) = with_two();
        let path = one.home.join(NAME);
        if !is_given_away(logs.path()) {
            return;
        }
        fs::remove_file(&path).unwrap();
        match trap {
            "damaged" => fs::write(&path, "damaged\n").unwrap(),
            "fifo" => trap_of(trap, &path),
            _ => {}
        }
        let before = path.symlink_metadata().ok().map(|meta| (platform::identity_of(&meta), meta.len()));
        let mut two = Catalogue::of(logs.path());
        for catalogue in [&mut one, &mut two] {
            assert_eq!(catalogue.look(), Look::Missing, "{trap}");
            catalogue.reconcile(logs.path(), "app.log", 1).unwrap();
            catalogue.change(vec![Change::File(entry(9, "app.log.9", b"x"))]);
            assert_eq!(catalogue.look(), Look::Same, "what is known in memory goes on: {trap}");
            assert_eq!(catalogue.known().get(9).map(|entry| &*entry.name), Some("app.log.9"));
        }
        let after = path.symlink_metadata().ok().map(|meta| (platform::identity_of(&meta), meta.len()));
        assert_eq!(after, before, "{trap}");
        assert!(!one.home.join(ASIDE).exists() && !one.home.join(NEW).exists());
    }
}

#[test]
fn a_second_user_of_a_directory_keeps_what_is_known_in_memory() {
    let (logs, one) = with_two();
    let path = one.home.join(NAME);
    fs::write(&path, "damaged\n").unwrap();
    // An ordinary user takes a directory of root's.
    let home = if is_given_away(&one.home) { one.home } else { PathBuf::from("/usr") };
    assert!(is_home_of_another(&home));
    let mut two = Catalogue { home: home.clone(), ..Catalogue::of(logs.path()) };
    assert_eq!(two.look(), Look::Missing);
    two.change(vec![Change::File(entry(1, "app.log", b"first"))]);
    assert_eq!(two.look(), Look::Same);
    assert_eq!(two.known().next(), 2);
    assert_eq!(fs::read_to_string(&path).unwrap(), "damaged\n");
    assert!(!home.join(ASIDE).exists() && !home.join(NEW).exists());
}

/// Gives a directory to another user. False where this user may not: only root may.
fn is_given_away(directory: &Path) -> bool {
    let is_root = platform::is_root();
    if is_root {
        std::os::unix::fs::chown(directory, Some(12_345), None).unwrap();
    } else {
        eprintln!("skipped in part: only root can give {} to another user", directory.display());
    }
    is_root
}

fn trap_of(kind: &str, path: &Path) {
    match kind {
        "fifo" => assert!(std::process::Command::new("mkfifo").arg(path).status().unwrap().success()),
        "link" => std::os::unix::fs::symlink("/dev/zero", path).unwrap(),
        _ => File::create(path).unwrap().set_len(1 << 40).unwrap(),
    }
}

#[test]
fn what_only_looks_writes_nothing() {
    let (logs, one) = with_two();
    fs::write(
        one.home.join(NAME),
        "damaged
",
    )
    .unwrap();
    let mut reader = Catalogue::of(logs.path()).read_only();
    assert_eq!(reader.look(), Look::Missing);
    reader.reconcile(logs.path(), "app.log", 1).unwrap();
    assert_eq!(reader.known().files().count(), 2);
    assert_eq!(fs::read_to_string(one.home.join(NAME)).unwrap(), "damaged\n");
    assert!(!one.home.join(ASIDE).exists());
}
