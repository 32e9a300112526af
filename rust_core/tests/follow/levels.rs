//! A level whose number nobody knows may be any, and is never passed over.

use super::*;

fn json(number: u64, level: &str) -> String {
    line(number).replace(LEVELS[(number % 4) as usize], level)
}

#[test]
fn a_level_that_nobody_knows_is_given_whatever_level_is_asked_for() {
    let texts = [
        ["AUDIT", "DEBUG", "SECURITY", "FATAL2"].iter().zip(0..).map(|(level, n)| json(n, level)).collect::<String>(),
        "timestamp=2026-02-19T10:30:00+00:00 level=SECURITY logger=shop message=DEBUG\n\
         timestamp=2026-02-19T10:30:00+00:00 level=INFO logger=shop message=m\n"
            .to_owned(),
        "2026-02-19T10:30:00Z SECURITY shop the DEBUG port\n  more\n2026-02-19T10:30:00Z INFO     shop m\n  more\n"
            .to_owned(),
    ];
    for (text, expected) in texts.iter().zip([3, 1, 2]) {
        for kind in [Kind::Plain, Kind::Zstd] {
            let directory = tempfile::tempdir().unwrap();
            fs::write(directory.path().join("app.log.1"), text).unwrap();
            fs::write(directory.path().join("app.log"), line(1)).unwrap();
            keep_up(directory.path(), kind, Keep::default());
            for least in [30, 40, 60] {
                let filter = Filter { level: Some(least), ..Filter::default() };
                let (records, _) = read(Options { filter, ..options(directory.path()) });
                assert_eq!(records.len(), expected, "{least} {text}");
            }
        }
    }
}

#[test]
fn numbers_that_the_reader_gives_count_in_the_index_too() {
    for kind in [Kind::Plain, Kind::Gzip, Kind::Zstd] {
        let directory = tempfile::tempdir().unwrap();
        let text: String = (0..4).map(|number| json(number, "NOTICE")).collect();
        fs::write(directory.path().join("app.log.1"), text).unwrap();
        fs::write(directory.path().join("app.log"), line(1)).unwrap();
        keep_up(directory.path(), kind, Keep::default());
        let count = |level: i32, levels: &[(&str, i32)]| {
            let levels = levels.iter().map(|(name, number)| ((*name).to_owned(), *number)).collect();
            let filter = Filter { level: Some(level), levels, ..Filter::default() };
            read(Options { filter, ..options(directory.path()) }).0.len()
        };
        assert_eq!(count(40, &[]), 0, "it is a name of syslog, below WARNING");
        assert_eq!(count(40, &[("notice", 45)]), 4);
        assert_eq!(count(25, &[("NOTICE", 5)]), 0);
    }
}

#[test]
fn a_time_of_day_may_be_of_any_day() {
    let directory = tempfile::tempdir().unwrap();
    let text = "10:30:00 I paid  order=7\n  │ more\n10:30:01 W stock is low\n10:30:02 S refused\n";
    fs::write(directory.path().join("app.log"), text).unwrap();
    let of = |filter: Filter| {
        let (records, _) = read(Options { filter, ..options(directory.path()) });
        records.iter().map(|record| record.level().unwrap_or_default()).collect::<Vec<_>>()
    };
    assert_eq!(of(Filter { level: Some(30), ..Filter::default() }), ["W", "S"]);
    assert_eq!(of(Filter { from: Some(START), ..Filter::default() }), ["I", "", "W", "S"]);
    assert_eq!(of(Filter { until: Some(START), level: Some(20), ..Filter::default() }), ["I", "", "W", "S"]);
}

#[test]
fn the_catalogue_tells_the_numbers_of_levels_and_the_highest_counts() {
    let directory = tempfile::tempdir().unwrap();
    let mut sink = sink(directory.path(), &rotation(1_000_000, Names::Numbers));
    for (number, level) in (0..).zip(["AUDIT", "ALERT", "LOUD", "INFO"]) {
        sink.push(json(number, level).as_bytes(), Origin { position: 1, time: START, whose: Whose::Application });
    }
    sink.write(Instant::now(), Held::Yes).unwrap();
    let mut catalogue = Catalogue::of(directory.path());
    let mut note = |levels: &[(&str, i32)]| {
        catalogue.look();
        catalogue.change(vec![Change::Levels(levels.iter().map(|(name, n)| ((*name).to_owned(), *n)).collect())]);
        assert_eq!(lines_of(&catalogue), lines_of(&again(directory.path())), "it is there for others, too");
    };
    let of = |level: i32, levels: &[(&str, i32)]| {
        let levels = levels.iter().map(|(name, number)| ((*name).to_owned(), *number)).collect();
        let filter = Filter { level: Some(level), levels, ..Filter::default() };
        numbers(&read(Options { filter, ..options(directory.path()) }).0)
    };
    assert_eq!(of(60, &[]), [0, 1, 2]);
    note(&[("AUDIT", 35), ("ALERT", 36)]);
    assert_eq!(of(60, &[]), [2]);
    assert_eq!(of(35, &[]), [0, 1, 2]);
    note(&[("AUDIT", 25), ("ALERT", 41)]);
    assert_eq!(of(35, &[]), [0, 1, 2]);
    assert_eq!(of(41, &[]), [1, 2]);
    assert_eq!(of(41, &[("alert", 5), ("LOUD", 5)]), [0; 0]);
    // A search asks for names in any case, and no program takes the standard ones from others.
    note(&[("Audit", 45), ("info", 15)]);
    assert_eq!(of(42, &[]), [0, 2]);
    assert_eq!(of(20, &[]), [0, 1, 2, 3]);
}

fn again(directory: &Path) -> Catalogue {
    let mut catalogue = Catalogue::of(directory);
    catalogue.look();
    catalogue
}

fn lines_of(catalogue: &Catalogue) -> String {
    catalogue.known().write()
}
