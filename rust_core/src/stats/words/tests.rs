use std::fs::File;
use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering};

use super::left_out::LeftOut;
use super::*;
use crate::platform;

/// A file with room for a block from this byte on.
const AT: usize = 1 << 16;

fn file() -> File {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(&vec![0; AT + LENGTH]).unwrap();
    file
}

/// What a file holds, as another process reads it.
fn read(file: &File) -> Vec<u64> {
    let mut bytes = vec![0; LENGTH];
    assert_eq!(platform::read_at(file, &mut bytes, AT as u64).unwrap(), LENGTH);
    bytes.as_chunks().0.iter().map(|word| u64::from_le_bytes(*word)).collect()
}

/// The values of each entry, by its name.
fn values(words: &[u64]) -> Vec<(String, Vec<u64>)> {
    let block = Block::of(words).unwrap();
    assert!(block.is_whole());
    block.entries().map(|entry| (entry.name, entry.values.to_vec())).collect()
}

#[test]
fn a_count_is_found_again_by_its_name() {
    let words = Words::apart();
    let one = words.count("written", How::Sum);
    one.add(2);
    words.count("written", How::Sum).add(3);
    let several = words.counts("by_level", How::Sum, 3);
    several[1].add(7);
    assert_eq!(one.get(), 5);
    assert_eq!(values(&words.copy()), [("written".into(), vec![5]), ("by_level".into(), vec![0, 7, 0])]);
}

#[test]
fn names_of_any_length_are_read_back() {
    let words = Words::apart();
    let names: Vec<String> = (1..40).map(|length| "é".repeat(length)).collect();
    for name in &names {
        words.count(name, How::Most).raise_to(name.len() as u64);
    }
    let found = values(&words.copy());
    assert_eq!(found, names.iter().map(|name| (name.clone(), vec![name.len() as u64])).collect::<Vec<_>>());
}

#[test]
fn what_finds_no_room_is_counted_nowhere_and_harms_nothing() {
    let words = Words::apart();
    let first = words.count("first", How::Sum);
    (0..10_000).for_each(|number| words.count(&format!("one of many {number}"), How::Sum).add(1));
    words.count(&"x".repeat(10_000), How::Sum).add(1);
    first.add(1);
    let found = values(&words.copy());
    assert!(found.len() > 4_000 && found.iter().all(|(_, values)| values == &[1]), "{}", found.len());
}

#[test]
fn a_process_counts_on_and_a_file_has_what_was_counted_in_it() {
    let words = Words::apart();
    let (count, most, now) =
        (words.count("count", How::Sum), words.count("most", How::Most), words.count("now", How::Now));
    count.add(5);
    most.raise_to(9);
    now.set(3);
    let all = |count: u64| [("count".into(), vec![count]), ("most".into(), vec![9]), ("now".into(), vec![3])];
    let (one, other) = (file(), file());
    // What no other process could read goes along.
    words.move_into(&one, AT).unwrap();
    assert_eq!(values(&read(&one)), all(5));
    count.add(2);
    assert_eq!(values(&read(&one)), all(7));
    let left = words.move_into(&other, AT).unwrap();
    assert_eq!(values(&left.copy()), all(7));
    count.add(1);
    assert_eq!(count.get(), 8);
    assert_eq!((values(&read(&one)), values(&read(&other))), (all(7).to_vec(), all(1).to_vec()));
    words.move_out_of(platform::identity(&one).unwrap()).unwrap();
    assert_eq!(values(&read(&other)), all(1), "it is left for no file but its own");
    words.move_out_of(platform::identity(&other).unwrap()).unwrap();
    assert_eq!(values(&read(&other)), all(1));
    words.count("later", How::Sum).add(4);
    count.add(1);
    assert_eq!((count.get(), most.get(), now.get()), (9, 9, 3));
    assert_eq!(values(&words.copy())[3], ("later".into(), vec![4]));
    words.begin_anew();
    assert_eq!((count.get(), most.get(), now.get()), (0, 0, 0));
    count.add(1);
    assert_eq!(values(&words.copy())[0], ("count".into(), vec![1]));
}

#[test]
fn nothing_is_lost_or_counted_twice_while_words_move() {
    let words = Words::apart();
    let count = words.count("count", How::Sum);
    let ends = AtomicBool::new(false);
    let mut files: Vec<File> = Vec::new();
    let mut counted = 0;
    std::thread::scope(|scope| {
        let counting = scope.spawn(|| {
            let mut counted = 0;
            while !ends.load(Ordering::Relaxed) {
                count.add(1);
                counted += 1;
            }
            counted
        });
        let reading = scope.spawn(|| {
            let mut last = 0;
            while !ends.load(Ordering::Relaxed) {
                let now = count.get();
                assert!(now >= last, "{now} after {last}");
                last = now;
            }
        });
        for number in 0..100 {
            let before = files.last().map(|last| platform::identity(last).unwrap());
            if number % 3 == 2 {
                words.move_out_of(before.unwrap()).unwrap();
            } else {
                files.push(file());
                words.move_into(files.last().unwrap(), AT).unwrap();
            }
        }
        ends.store(true, Ordering::Relaxed);
        counted = counting.join().unwrap();
        reading.join().unwrap();
    });
    if std::env::consts::OS == "linux" {
        assert_eq!(count.get(), counted);
        // It was in memory twice of three times, from which it goes into the next file.
        let in_files: u64 = files.iter().map(|file| values(&read(file))[0].1[0]).sum();
        assert_eq!(in_files, counted);
    }
}

#[test]
fn a_block_that_is_damaged_is_read_up_to_there() {
    let words = Words::apart();
    for name in ["one", "two", "three"] {
        words.count(name, How::Sum).add(1);
    }
    let whole = words.copy();
    for at in 0..whole.len().min(12) {
        for value in [0, u64::MAX, 1 << 32, 3 << 48 | 2] {
            let mut damaged = whole.clone();
            damaged[at] = value;
            let Some(block) = Block::of(&damaged) else {
                assert_eq!(at, 0);
                continue;
            };
            assert!(block.entries().all(|entry| entry.at + entry.values.len() <= damaged.len()));
        }
    }
    assert!(Block::of(&[0_u64; 100]).is_none());
    assert!(Block::of(&[0_u64; 0]).is_none());
}

#[test]
fn what_rules_left_out_is_in_every_count_that_it_belongs_to() {
    let words = Words::apart();
    let rule = LeftOut::at(words, "sampled_total{rule=\"a\"}");
    let unplaced = LeftOut::unplaced(words);
    rule.marked.add(1);
    rule.by_chance.add(2);
    let (one, other) = (file(), file());
    words.move_into(&one, AT).unwrap();
    rule.by_count.add(4);
    unplaced.by_count.add(8);
    assert_eq!((rule.get(), rule.filtered(), unplaced.filtered()), (7, 6, 8));
    let found: Vec<_> = Block::of(&read(&one)).unwrap().entries().map(|entry| left_out::read(&entry)).collect();
    assert_eq!(found, [(Some(7), 6, 4), (None, 8, 8)]);
    assert_eq!(left_out::suppressed(&read(&one)), 12);
    words.move_into(&other, AT).unwrap();
    rule.by_count.add(16);
    assert_eq!((rule.get(), rule.by_count.here()), (23, 16));
    assert_eq!(left_out::suppressed(&read(&other)), 16);
}
