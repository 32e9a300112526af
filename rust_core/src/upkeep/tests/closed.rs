//! Files that the process may not read or look after, because they are another user's.

use std::os::unix::fs::{PermissionsExt, chown};

use super::*;

/// Whether a round would look at all files of the set again, and the files of which it tells.
fn look(directory: &Path) -> (bool, Vec<String>) {
    let settings = settings(&[json_set(files(9))], Keep::default());
    let mut report = Report::default();
    let mut catalogue = Catalogue::of(directory).with_forms(settings.forms());
    catalogue.look();
    let has_changed = Round {
        directory,
        settings: &settings,
        lock: DirectoryLock::open(directory, 0o640).unwrap(),
        lock_patience: LOCK_PATIENCE,
        catalogue,
        remembered: &mut Remembered::default(),
        report: &mut report,
    }
    .has_changed("app.log", &catalogue::names(directory, "app.log").unwrap());
    (has_changed, report.foreign)
}

/// The same by a user that is not root.
fn look_as_a_user(directory: &Path) -> (bool, Vec<String>) {
    if !platform::is_root() {
        return look(directory);
    }
    for folder in [directory, &blackbox::home(directory)] {
        chown(folder, Some(12_345), None).unwrap();
        for entry in fs::read_dir(folder).unwrap() {
            chown(entry.unwrap().path(), Some(12_345), None).unwrap();
        }
    }
    platform::with_rights_of(&directory.metadata().unwrap(), || look(directory)).unwrap()
}

#[test]
fn a_file_that_may_not_be_read_is_told_once_and_looked_at_again_when_it_may() {
    for name in ["app.log.9", "app.log.9.gz"] {
        let directory = directory();
        let path = directory.path().join(name);
        write(directory.path(), name, "of root\n");
        let mode = |mode| fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        mode(0);
        assert_eq!(look_as_a_user(directory.path()), (false, vec![name.to_owned()]));
        assert_eq!(look_as_a_user(directory.path()), (false, vec![]), "and not again");
        mode(0o600);
        assert!(look_as_a_user(directory.path()).0);
    }
}

#[test]
fn what_else_is_new_is_found_beside_it() {
    let directory = directory();
    write(directory.path(), "app.log.9.gz", "of root\n");
    fs::set_permissions(directory.path().join("app.log.9.gz"), fs::Permissions::from_mode(0o000)).unwrap();
    assert!(!look_as_a_user(directory.path()).0);
    write(directory.path(), "app.log.8", "of another program\n");
    assert!(look_as_a_user(directory.path()).0);
}

#[test]
fn a_file_of_which_nothing_can_be_known_is_not_looked_at_again() {
    let empty = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default()).finish().unwrap();
    for (name, bytes) in [("app.log.9.zst", &b"\x28\xb5\x2f\xfd"[..]), ("app.log.9.gz", &empty)] {
        let directory = directory();
        fs::write(directory.path().join(name), bytes).unwrap();
        let settings = settings(&[json_set(files(9))], Keep::default());
        assert_eq!(round(directory.path(), &settings, NOW, &|| true).unwrap().foreign, [name]);
        assert_eq!(look_as_a_user(directory.path()), (false, vec![]), "{name}");
    }
}

#[test]
fn the_files_beside_the_boxes_of_another_user_are_left_to_that_users_processes() {
    let directory = tempfile::tempdir().unwrap();
    let home = blackbox::home(directory.path());
    fs::create_dir(&home).unwrap();
    let mode = |mode| fs::set_permissions(directory.path(), fs::Permissions::from_mode(mode)).unwrap();
    if platform::is_root() {
        chown(&home, Some(12_345), None).unwrap();
    } else {
        // So it is after a change of the user.
        mode(0);
    }
    assert!(round(directory.path(), &Settings::default(), 1, &|| true).is_none(), "nothing is told");
    mode(0o700);
}
