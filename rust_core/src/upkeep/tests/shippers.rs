//! What a shipper has not taken is held, within a bound.

use super::*;
use crate::catalogue::ship::{self, Position, Positions};

/// Files of ten bytes each, of which the generations up to `taken` are shipped.
fn planned(
    settings: &Settings,
    disk: Option<Disk>,
    taken: Generation,
) -> (Vec<(Generation, Rule, bool)>, Vec<Generation>) {
    let plan = plan(&known(), settings, NOW, disk, &|entry| entry.generation <= taken, |_| {
        Some(There { bytes: 10, written: None })
    });
    let goes = plan.goes.into_iter().map(|going| (going.generation, going.rule, going.is_shipped)).collect();
    (goes, plan.held.into_iter().map(|going| going.generation).collect())
}

#[test]
fn what_is_not_shipped_is_held_up_to_a_bound_and_the_oldest_goes() {
    let sets = [set("app.log", files(1)), set("errors.log", files(1))];
    let hold = |bytes| Settings { hold: bytes, ..settings(&sets, Keep::default()) };
    let all = [1, 3, 2, 4];
    let goes = |settings: &Settings, taken| {
        planned(settings, None, taken).0.into_iter().map(|going| going.0).collect::<Vec<_>>()
    };
    assert_eq!(goes(&hold(0), 0), all, "nothing is held unless it is asked for");
    assert_eq!(planned(&hold(1_000), None, 0), (vec![], vec![4, 3, 2, 1]));
    assert_eq!(planned(&hold(1_000), None, 2), (vec![(1, Rule::Files, true), (2, Rule::Files, true)], vec![4, 3]));
    // Room for two: the oldest ones go, and it is known that nobody has them.
    assert_eq!(planned(&hold(25), None, 0), (vec![(1, Rule::Files, false), (2, Rule::Files, false)], vec![4, 3]));
}

#[test]
fn a_set_may_have_a_bound_of_its_own_or_none() {
    let own = |hold| Set { hold, ..set("app.log", files(1)) };
    let all = |hold| Settings { hold: 10, ..settings(&[own(hold), set("errors.log", files(1))], Keep::default()) };
    assert_eq!(planned(&all(Some(1_000)), None, 0).1, [4, 3, 1]);
    assert_eq!(planned(&all(Some(0)), None, 0).1, [4]);
    assert_eq!(planned(&all(None), None, 0).1, [4]);
}

#[test]
fn a_full_disk_goes_before_what_is_held() {
    let sets = [set("app.log", files(1)), set("errors.log", files(1))];
    let all = Keep { disk_free: Some(Free::Bytes(60)), ..Keep::default() };
    let settings = Settings { hold: 1_000, ..settings(&sets, all) };
    let (goes, held) = planned(&settings, Some(Disk { size: 1_000, free: 40 }), 0);
    assert_eq!(goes, [(1, Rule::DiskFree, false), (3, Rule::DiskFree, false)]);
    assert_eq!(held, [4, 2]);
}

#[test]
fn a_round_asks_the_positions_of_all_targets() {
    let directory = directory();
    let home = blackbox::home(directory.path());
    let keep = Settings {
        hold: 1_000,
        ..settings(&[set("app.log", Keep { age: Some(1), ..Keep::default() })], Keep::default())
    };
    let at = |generation| Positions {
        sets: [("app.log".to_owned(), Position { generation, offset: 0, sequence: 0 })].into(),
    };
    ship::write(&home, "one", &at(2)).unwrap();
    ship::write(&home, "two", &at(0)).unwrap();
    let report = || round(directory.path(), &keep, NOW + 100, &|| true).unwrap();
    assert_eq!((report().gone.len(), report().held.len()), (0, 2));
    ship::write(&home, "two", &at(3)).unwrap();
    let shipped: Vec<_> = report().gone.into_iter().map(|going| (going.generation, going.is_shipped)).collect();
    assert_eq!(shipped, [(1, true)]);
    ship::forget(&home, "one").unwrap();
    assert_eq!(report().gone.len(), 1);
    assert_eq!(names(directory.path()), ["app.log"]);
}

#[test]
fn a_preview_says_what_a_round_would_do_and_does_nothing() {
    let directory = directory();
    let home = blackbox::home(directory.path());
    write(directory.path(), "app.log.3", "another program's\n");
    let settings = Settings { hold: 0, ..settings(&[json_set(files(1))], Keep::default()) };
    ship::write(&home, "one", &Positions { sets: [("app.log".to_owned(), Position::default())].into() }).unwrap();
    let before = fs::read(home.join("catalogue")).unwrap();
    let told = preview(directory.path(), &settings, NOW).unwrap();
    let names_of = |all: &[Going]| all.iter().map(|going| going.name.clone()).collect::<Vec<_>>();
    assert_eq!(
        (names_of(&told.plan.goes), names_of(&told.stays)),
        (vec!["app.log.2".into()], vec!["app.log.1".into()])
    );
    assert_eq!((told.foreign, told.has_targets, told.plan.goes[0].is_shipped), (vec!["app.log.3".into()], true, false));
    assert_eq!(fs::read(home.join("catalogue")).unwrap(), before);
    assert_eq!(names(directory.path()), ["app.log", "app.log.1", "app.log.2", "app.log.3"]);
    let done = round(directory.path(), &settings, NOW, &|| true).unwrap();
    assert_eq!(done.gone, told.plan.goes);
}
