#[cfg(unix)]
mod traps;

use super::*;
use proptest::prelude::*;

fn entry(generation: Generation, name: &str, head: &[u8]) -> Entry {
    Entry {
        generation,
        set: "app.log".to_owned(),
        name: name.to_owned(),
        mark: Mark::of(generation + 100, head),
        made: 0,
        period: None,
        closed: (name != "app.log").then_some(Closed { at: 0, bytes: 9, sequence: None }),
    }
}

fn found(name: &str, inode: u64, head: &[u8]) -> Found {
    Found { name: name.into(), size: 9, inode, head: head.to_vec(), generation: None, is_unread: false, born: None }
}

fn known(entries: &[Entry]) -> Known {
    let mut known = Known::default();
    known.apply(entries.iter().cloned().map(Change::File));
    known
}

#[test]
fn a_copied_directory_keeps_its_copies() {
    let mut known = known(&[entry(5, "app.log.4", b"one\n")]);
    let is_same = |one: &Found, other: &Found| one.head == other.head;
    let mut reconcile = |there: &[Found]| {
        let changes = known.reconcile_with("app.log", there, 1, &|_| true, &is_same);
        known.apply(changes);
        let is_copy = |name| known.foreign_at(name).is_some_and(|foreign| foreign.is_copy);
        (known.get(5).unwrap().name.clone(), is_copy("app.log.40"), is_copy("app.log.4"))
    };
    let expected = ("app.log.4".to_owned(), true, false);
    assert_eq!(reconcile(&[found("app.log.40", 200, b"one\n"), found("app.log.4", 105, b"one\n")]), expected);
    // Nothing has its number any more.
    assert_eq!(reconcile(&[found("app.log.40", 301, b"one\n"), found("app.log.4", 302, b"one\n")]), expected);
}

/// The names by generation after what is there was looked at.
fn after(known: &Known, there: &[Found]) -> Vec<(Generation, String)> {
    let mut known = known.clone();
    let changes = known.reconcile("app.log", there, 1);
    known.apply(changes);
    assert_eq!(known.reconcile("app.log", there, 2), [], "a second look changes nothing");
    known.files().map(|entry| (entry.generation, entry.name.clone())).collect()
}

fn directory() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

#[test]
fn what_one_process_writes_others_read() {
    let logs = directory();
    let (mut one, mut two) = (Catalogue::of(logs.path()), Catalogue::of(logs.path()));
    assert_eq!(one.look(), Look::Missing);
    one.change(vec![Change::File(entry(1, "app.log", b"first"))]);
    assert_eq!(two.look(), Look::Changed);
    two.change(vec![
        Change::Moved(vec![(1, "app.log.1".into())]),
        Change::Closed(1, Closed { at: 5, bytes: 10, sequence: None }),
        Change::File(entry(2, "app.log", b"second")),
    ]);
    assert_eq!((one.look(), one.look()), (Look::Changed, Look::Same));
    assert_eq!(one.known(), two.known());
    assert_eq!(one.known().current("app.log").unwrap().generation, 2);
    assert_eq!(one.known().next(), 3);
}

#[test]
fn a_catalogue_that_grows_is_written_anew_with_what_is_left() {
    let logs = directory();
    let (mut one, mut two) = (Catalogue::of(logs.path()), Catalogue::of(logs.path()));
    one.look();
    for generation in 1..3_000 {
        one.change(vec![Change::File(entry(generation, "app.log", b"x")), Change::Gone(generation.saturating_sub(3))]);
        if generation % 100 == 0 {
            two.look();
            assert_eq!(one.known(), two.known());
        }
    }
    assert!(fs::metadata(one.home.join(NAME)).unwrap().len() < 2 * SPARE);
    two.look();
    assert_eq!((two.known().files().count(), two.known().next()), (3, 3_000));
}

#[test]
fn a_line_that_a_dead_process_left_in_part_is_no_obstacle() {
    let logs = directory();
    let mut one = Catalogue::of(logs.path());
    one.look();
    one.change(vec![Change::File(entry(1, "app.log", b"first"))]);
    let path = one.home.join(NAME);
    let whole = fs::read(&path).unwrap();
    fs::write(&path, [&whole[..], &whole[..20]].concat()).unwrap();
    let mut two = Catalogue::of(logs.path());
    assert_eq!(two.look(), Look::Changed);
    two.change(vec![Change::File(entry(2, "app.log", b"second"))]);
    assert_eq!(one.look(), Look::Changed);
    assert_eq!(one.known().next(), 3);
}

#[test]
fn a_damaged_one_is_set_aside_and_one_of_a_later_version_left_alone() {
    let logs = directory();
    let mut one = Catalogue::of(logs.path());
    one.look();
    one.change(vec![Change::File(entry(1, "app.log", b"first"))]);
    let path = one.home.join(NAME);
    let mut damaged = fs::read(&path).unwrap();
    damaged[30] ^= 1;
    fs::write(&path, &damaged).unwrap();
    let mut two = Catalogue::of(logs.path());
    assert_eq!(two.look(), Look::Missing);
    assert_eq!(fs::read(two.home.join(ASIDE)).unwrap(), damaged);

    let newer = lines::write(&[Change::Catalogue { version: 2, next: 1 }]);
    fs::write(&path, &newer).unwrap();
    let mut three = Catalogue::of(logs.path());
    assert_eq!(three.look(), Look::Same);
    three.change(vec![Change::File(entry(1, "app.log", b"first"))]);
    assert_eq!(fs::read_to_string(&path).unwrap(), newer);
    assert_eq!(three.known().next(), 2);
}

#[test]
fn what_cannot_be_written_stays_known_and_is_written_later() {
    let logs = directory();
    fs::write(logs.path().join(".unified_logger"), "in the way").unwrap();
    let mut one = Catalogue::of(logs.path());
    one.look();
    one.change(vec![Change::File(entry(1, "app.log", b"first"))]);
    assert_eq!(one.look(), Look::Same);
    assert_eq!(one.known().next(), 2);
    fs::remove_file(logs.path().join(".unified_logger")).unwrap();
    one.change(Vec::new());
    let mut two = Catalogue::of(logs.path());
    two.look();
    assert_eq!(one.known(), two.known());
}

#[test]
fn names_that_lead_elsewhere_are_no_files() {
    for name in ["../app.log", "/etc/passwd", "..", ".hidden", "", "a\0b"] {
        let mut known = known(&[entry(1, name, b"first")]);
        assert_eq!(known.files().count(), 0, "{name}");
        known.apply([Change::File(entry(1, "app.log", b"first")), Change::Moved(vec![(1, name.to_owned())])]);
        assert_eq!(known.get(1).unwrap().name, "app.log");
    }
}

#[test]
fn files_are_known_again_after_a_rotation_that_was_cut_short() {
    let before = known(&[entry(1, "app.log.1", b"one"), entry(2, "app.log", b"two")]);
    let there = [found("app.log.2", 101, b"one"), found("app.log.1", 102, b"two")];
    assert_eq!(after(&before, &there), [(1, "app.log.2".into()), (2, "app.log.1".into())]);
}

#[test]
fn a_copy_is_known_by_its_beginning_and_a_file_that_was_emptied_is_another() {
    // copytruncate: a copy has the old lines, and the file that is written to starts again.
    let before = known(&[entry(1, "app.log", b"one")]);
    let there = [found("app.log.1", 500, b"one"), found("app.log", 101, b"new")];
    assert_eq!(after(&before, &there), [(1, "app.log.1".into()), (2, "app.log".into())]);
}

#[test]
fn a_number_of_the_file_system_that_was_given_again_is_no_proof() {
    let before = known(&[entry(1, "app.log", b"one")]);
    assert_eq!(after(&before, &[found("app.log", 101, b"another")]), [(2, "app.log".into())]);
}

#[test]
fn a_packed_file_says_which_it_is() {
    let before = known(&[entry(1, "app.log.1", b"one"), entry(2, "app.log.2", b"one")]);
    let mut packed = found("app.log.1.zst", 900, b"one");
    packed.generation = Some(2);
    assert_eq!(after(&before, &[packed]), [(2, "app.log.1.zst".into())]);
    // With no catalogue left, the number is still its own.
    let mut packed = found("app.log.1.zst", 900, b"one");
    packed.generation = Some(7);
    assert_eq!(
        after(&Known::default(), &[packed.clone(), found("app.log", 1, b"x")]),
        [(7, "app.log.1.zst".into()), (8, "app.log".into())]
    );
}

#[test]
fn a_lost_catalogue_gives_no_number_again() {
    let mut known = Known::default();
    known.apply(known.reconcile(
        "app.log",
        &[found("app.log.1", 1, b"one"), found("app.log", 2, b"two")],
        1_800_000_000,
    ));
    assert_eq!(known.files().map(|entry| entry.generation).collect::<Vec<_>>(), [1_800_000_000, 1_800_000_001]);
    assert_eq!(Known::default().next(), 1, "a new directory has lost nothing");
}

/// A directory with a catalogue that knows files of the generations 5 and 6.
fn with_two() -> (tempfile::TempDir, Catalogue) {
    let logs = directory();
    let mut one = Catalogue::of(logs.path());
    one.look();
    for (generation, name) in [(5, "app.log.1"), (6, "app.log")] {
        fs::write(logs.path().join(name), format!("file {generation}")).unwrap();
        one.change(vec![Change::File(entry(generation, name, format!("file {generation}").as_bytes()))]);
    }
    (logs, one)
}

#[test]
fn no_number_is_given_again_after_a_loss_wherever_the_clock_is() {
    for is_damaged in [false, true] {
        let (logs, one) = with_two();
        let path = one.home.join(NAME);
        if is_damaged {
            let mut bytes = fs::read(&path).unwrap();
            let last = bytes.len() - 3;
            bytes[last] ^= 1;
            // What stands before the damage can be read.
            fs::write(&path, bytes).unwrap();
        } else {
            fs::write(one.home.join("40.idx"), "").unwrap();
            ship::write(
                &one.home,
                "loki",
                &ship::Positions {
                    sets: [("app.log".to_owned(), ship::Position { generation: 41, offset: 0, sequence: 0 })].into(),
                },
            )
            .unwrap();
            fs::remove_file(&path).unwrap();
        }
        let mut two = Catalogue::of(logs.path());
        assert_eq!(two.look(), Look::Missing);
        two.reconcile(logs.path(), "app.log", 1).unwrap();
        let least = two.known().files().map(|entry| entry.generation).min().unwrap();
        assert!(least > if is_damaged { 6 } else { 41 }, "{least}");
        assert_eq!(two.known().files().count(), 2);
    }
}

#[test]
fn the_first_file_after_a_loss_gets_a_later_number_than_any_that_was_given() {
    for has_logs in [true, false] {
        let (logs, one) = with_two();
        ship::write(
            &one.home,
            "loki",
            &ship::Positions {
                sets: [("app.log".to_owned(), ship::Position { generation: 41, offset: 0, sequence: 0 })].into(),
            },
        )
        .unwrap();
        fs::remove_file(one.home.join(NAME)).unwrap();
        fs::write(logs.path().join("app.log"), "").unwrap();
        if !has_logs {
            fs::remove_file(logs.path().join("app.log.1")).unwrap();
        }
        let mut two = Catalogue::of(logs.path());
        assert!(two.look_or_find(logs.path(), "app.log", 1));
        let rotated = two.known().files().map(|entry| entry.generation).max();
        assert_eq!(rotated.is_some(), has_logs);
        assert!(two.known().next() > rotated.unwrap_or(41), "{}", two.known().next());
        assert!(two.known().next() > 41);
    }
}

#[test]
fn one_process_sets_a_damaged_catalogue_aside_and_the_others_take_the_new_one() {
    let (logs, one) = with_two();
    let path = one.home.join(NAME);
    let mut damaged = fs::read(&path).unwrap();
    damaged[30] ^= 1;
    fs::write(&path, &damaged).unwrap();
    let mut all = [(); 3].map(|()| Catalogue::of(logs.path()));
    for catalogue in &mut all {
        if catalogue.look() == Look::Missing {
            catalogue.reconcile(logs.path(), "app.log", 1).unwrap();
        }
    }
    assert_eq!(fs::read(one.home.join(ASIDE)).unwrap(), damaged);
    assert_eq!(all[0].known(), all[1].known());
    assert_eq!(all[0].known(), all[2].known());
}

#[test]
fn a_copied_directory_keeps_its_generations() {
    let (logs, mut one) = with_two();
    one.reconcile(logs.path(), "app.log", 1).unwrap();
    let copy = directory();
    for name in ["app.log", "app.log.1"] {
        fs::copy(logs.path().join(name), copy.path().join(name)).unwrap();
    }
    fs::create_dir(copy.path().join(".unified_logger")).unwrap();
    fs::copy(one.home.join(NAME), copy.path().join(".unified_logger").join(NAME)).unwrap();
    let mut two = Catalogue::of(copy.path());
    two.look();
    two.reconcile(copy.path(), "app.log", 1).unwrap();
    let of_both = |catalogue: &Catalogue| -> Vec<_> {
        catalogue.known().files().map(|entry| (entry.generation, entry.name.clone())).collect()
    };
    assert_eq!(of_both(&one), of_both(&two));
    let inode = platform::identity_at(&copy.path().join("app.log")).unwrap().inode;
    assert_eq!(two.known().current("app.log").unwrap().mark.inode, inode);
}

proptest! {
    /// Whatever is renamed, deleted or added between two looks, each file keeps its generation, and none is given twice.
    #[test]
    fn generations_stay_and_are_never_given_twice(steps in prop::collection::vec((0_u8..4, 0_usize..8), 0..40)) {
        let mut known = Known::default();
        let mut there: Vec<(String, u64)> = Vec::new();
        let mut given = std::collections::BTreeMap::new();
        let mut inode = 0;
        for (step, index) in steps {
            match step {
                0 | 1 => {
                    inode += 1;
                    let name = if inode % 2 == 0 { "app.log".to_owned() } else { format!("app.log.{inode}") };
                    there.retain(|(taken, _)| *taken != name);
                    there.push((name, inode));
                }
                2 if !there.is_empty() => {
                    let index = index % there.len();
                    inode += 1;
                    there[index].0 = format!("app.log.{inode}");
                }
                _ if !there.is_empty() => drop(there.remove(index % there.len())),
                _ => {}
            }
            let found: Vec<_> =
                there.iter().map(|(name, inode)| found(name, *inode, format!("file {inode}").as_bytes())).collect();
            let changes = known.reconcile("app.log", &found, 1);
            known.apply(changes);
            prop_assert_eq!(known.files().count(), there.len());
            for entry in known.files() {
                let of = *given.entry(entry.generation).or_insert(entry.mark);
                prop_assert_eq!(of, entry.mark, "generation {} is another file", entry.generation);
            }
        }
    }
}

#[test]
fn a_dated_name_is_not_given_again_when_its_file_is_gone() {
    let mut known = Known::default();
    let entry = Entry {
        generation: 7,
        set: "app.log".into(),
        name: "app.log".into(),
        mark: Mark::of(1, b"x"),
        made: 0,
        period: None,
        closed: None,
    };
    known.apply([Change::File(entry)]);
    assert_eq!(known.named("app.log", "app.log").map(|entry| entry.generation), Some(7));
    for (name, next) in [("app-2026-02-19.log", 1), ("app-2026-02-19.log.4", 5), ("app-2026-02-19.log.2.zst", 5)] {
        known.apply([Change::Moved(vec![(7, name.into())])]);
        assert_eq!(known.next_dated("app.log", "2026-02-19"), next, "{name}");
    }
    known.apply([Change::Gone(7)]);
    assert_eq!(known.named("app.log", "app-2026-02-19.log.2.zst"), None);
    let mut read = Known::default();
    read.apply(lines::read(known.write().as_bytes()).unwrap().0);
    assert_eq!((read.next_dated("app.log", "2026-02-19"), read.next_dated("app.log", "2026-02-20")), (5, 0));
}
