//! Readers beside everything that happens to files.

use super::*;

/// One thing that happens to a directory.
#[derive(Clone, Debug)]
enum Act {
    Write(u64),
    Upkeep(Kind, Option<u32>),
    Restart(Names),
    LoseCatalogue,
    LoseIndices,
    Follow,
    Resume,
}

fn any_act() -> impl Strategy<Value = Act> {
    let kind = prop::sample::select(vec![Kind::Plain, Kind::Gzip, Kind::Zstd]);
    prop_oneof![
        6 => (1..12_u64).prop_map(Act::Write),
        3 => (kind, prop::option::of(1..6_u32)).prop_map(|(kind, files)| Act::Upkeep(kind, files)),
        1 => any::<bool>().prop_map(|dates| Act::Restart(if dates { Names::Dates } else { Names::Numbers })),
        1 => Just(Act::LoseCatalogue),
        1 => Just(Act::LoseIndices),
        3 => Just(Act::Follow),
        2 => Just(Act::Resume),
    ]
}

/// Lets it happen, and compares what readers give with what is there.
fn live(acts: &[Act], names: Names, is_told: bool) {
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path();
    if !is_told {
        // The library finds no place for its own files.
        fs::write(directory.join(".unified_logger"), "").unwrap();
    }
    let mut writer = sink(directory, &rotation(600, names));
    let mut next = 0;
    let mut follower = Reader::open(Options { follow: true, ..options(directory) }).unwrap();
    let mut seen: Vec<u64> = Vec::new();
    let mut resumed: Vec<u64> = Vec::new();
    let mut position: Option<Position> = None;
    let mut is_lost = false;
    for act in acts.iter().chain([&Act::Write(9), &Act::Follow, &Act::Resume]) {
        match act {
            Act::Write(count) => (0..*count).for_each(|_| {
                log(&mut writer, next);
                next += 1;
            }),
            Act::Upkeep(kind, files) if is_told => keep_up(directory, *kind, Keep { files: *files, ..Keep::default() }),
            Act::Restart(names) if is_told => writer = sink(directory, &rotation(600, *names)),
            Act::Restart(_) => writer = sink(directory, &rotation(600, names)),
            // Once: a writer that has not seen the second of three catalogues goes on with the numbers of the first.
            Act::LoseCatalogue if is_told && !is_lost => {
                is_lost = true;
                let _ = fs::remove_file(directory.join(".unified_logger/catalogue"));
            }
            Act::LoseIndices if is_told => {
                for entry in fs::read_dir(directory.join(".unified_logger")).into_iter().flatten().flatten() {
                    if entry.path().extension().is_some_and(|end| end == "idx") {
                        fs::write(entry.path(), "damaged").unwrap();
                    }
                }
            }
            Act::Upkeep(..) | Act::LoseCatalogue | Act::LoseIndices => {}
            Act::Follow => {
                seen.extend(numbers(&drain(&mut follower)));
                let left = held(directory);
                assert!(seen.is_sorted_by(|one, other| one < other), "{:?}", seen);
                assert!(left.iter().all(|number| seen.binary_search(number).is_ok()), "{:?} of {:?}", seen, left);
            }
            Act::Resume => {
                let (records, _) =
                    read(Options { after: position.clone().into_iter().collect(), ..options(directory) });
                resumed.extend(numbers(&records));
                position = records.last().map(|record| record.position.clone()).or(position);
                let left = held(directory);
                assert!(resumed.is_sorted_by(|one, other| one < other), "{:?}", resumed);
                assert!(left.iter().all(|number| resumed.binary_search(number).is_ok()), "{:?} of {:?}", resumed, left);
                assert_eq!(all(directory), left.into_iter().collect::<Vec<_>>());
            }
        }
    }
    if acts.iter().all(|act| !matches!(act, Act::Upkeep(_, Some(_)))) {
        assert_eq!(seen, (0..next).collect::<Vec<_>>());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]
    #[test]
    fn readers_give_back_what_retention_did_not_delete(acts in prop::collection::vec(any_act(), 1..40), dates: bool, is_told: bool) {
        live(&acts, if dates { Names::Dates } else { Names::Numbers }, is_told);
    }
}

#[test]
fn a_catalogue_that_is_made_again_costs_a_reader_nothing() {
    let pack = || Act::Upkeep(Kind::Gzip, None);
    // The file that was followed has another number since, and is packed under that.
    let acts = [Act::Write(1), Act::Follow, Act::LoseCatalogue, Act::Upkeep(Kind::Plain, None), Act::Write(4), pack()];
    live(&acts, Names::Numbers, true);
    // The writer has not seen that the catalogue was made again, and a file packed since.
    let plain = Act::Upkeep(Kind::Plain, None);
    live(&[Act::Write(5), Act::LoseCatalogue, plain, Act::Follow, pack()], Names::Numbers, true);
    // The writer has not seen that a file was packed before the catalogue was lost.
    live(&[Act::Follow, Act::Write(5), pack(), Act::LoseCatalogue, Act::Write(1)], Names::Numbers, true);
}

/// Two writers rotate a file 1,000 times while others pack what they leave, and a reader follows.
fn follow_under_load(is_told: bool, names: Names, rotations: u64) {
    const WRITERS: u64 = 2;
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    if !is_told {
        fs::write(path.join(".unified_logger"), "").unwrap();
    }
    let (next, is_over) = (Mutex::new(0_u64), AtomicBool::new(false));
    let rotation = rotation(1_000, names);
    let mut seen = Vec::new();
    std::thread::scope(|scope| {
        let writers: Vec<_> = (0..WRITERS)
            .map(|_| {
                scope.spawn(|| {
                    let mut sink = sink(path, &rotation);
                    let mut lock = DirectoryLock::open(path, 0o640).unwrap();
                    loop {
                        let mut next = next.lock().unwrap();
                        // Six lines are one file.
                        if *next >= rotations * 6 {
                            return;
                        }
                        lock.hold(Duration::from_secs(60), |held| {
                            assert!(!is_told || held == Held::Yes);
                            for _ in 0..3 {
                                log(&mut sink, *next);
                                *next += 1;
                            }
                        });
                        drop(next);
                        std::thread::sleep(Duration::from_micros(300));
                    }
                })
            })
            .collect();
        if is_told {
            scope.spawn(|| {
                let may_go_on = || !is_over.load(Ordering::Relaxed);
                while may_go_on() {
                    keep_up_while(path, Kind::Zstd, Keep::default(), &may_go_on);
                    std::thread::sleep(Duration::from_millis(20));
                }
            });
        }
        let mut reader = Reader::open(Options { follow: true, ..options(path) }).unwrap();
        let started = Instant::now();
        loop {
            let has_ended = writers.iter().all(std::thread::ScopedJoinHandle::is_finished);
            let batch = reader.batch(1_000, 1 << 20, Duration::from_millis(100)).unwrap();
            seen.extend(numbers(&batch.records));
            // A batch may be empty for want of time, and one more record would be one too many.
            let has_all = has_ended && batch.records.is_empty() && seen.len() as u64 >= rotations * 6;
            if has_all || started.elapsed() > Duration::from_secs(300) {
                break;
            }
            if seen.len() % 7 == 0 {
                // Behind by many rotations.
                std::thread::sleep(Duration::from_millis(50));
            }
        }
        is_over.store(true, Ordering::Relaxed);
    });
    let wrong = seen.iter().zip(0..).find(|(seen, number)| *seen != number);
    assert_eq!((wrong, seen.len() as u64), (None, next.into_inner().unwrap()));
}

#[test]
fn a_reader_follows_rotations_that_rename_all_files() {
    follow_under_load(true, Names::Numbers, 100);
}

#[test]
fn a_reader_follows_a_thousand_rotations() {
    follow_under_load(true, Names::Dates, 1_000);
}

#[test]
fn a_reader_follows_where_no_catalogue_can_be_written() {
    follow_under_load(false, Names::Dates, 150);
    follow_under_load(false, Names::Numbers, 60);
}

#[test]
fn the_writer_may_lose_its_file_in_any_way() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("app.log");
    let mut sink = sink(directory.path(), &rotation(1 << 20, Names::Numbers));
    let mut reader = Reader::open(Options { follow: true, ..options(directory.path()) }).unwrap();
    assert!(drain(&mut reader).is_empty());
    let mut next = 0;
    let mut step = |sink: &mut FileSink, reader: &mut Reader| {
        log(sink, next);
        log(sink, next + 1);
        let records = drain(reader);
        assert_eq!(numbers(&records), [next, next + 1]);
        next += 2;
    };
    step(&mut sink, &mut reader);
    fs::remove_file(&path).unwrap();
    assert!(drain(&mut reader).is_empty());
    step(&mut sink, &mut reader);
    fs::rename(&path, directory.path().join("app.log.1")).unwrap();
    step(&mut sink, &mut reader);
    // What logrotate does with `copytruncate`.
    fs::copy(&path, directory.path().join("old")).unwrap();
    fs::File::options().write(true).open(&path).unwrap().set_len(0).unwrap();
    step(&mut sink, &mut reader);
    sink = self::sink(directory.path(), &rotation(1, Names::Numbers));
    step(&mut sink, &mut reader);
}
