//! Records that go to several files: each is given once.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasherDefault, Hasher};

use super::record::Record;
use crate::checksum;

/// So many records are remembered: a record stands in its files at about the same time.
const MOST: usize = 4096;

/// Sets that are told apart, and how often a record is counted in each. What is beyond is given each time.
const SETS: usize = 16;
const MOST_TIMES: u64 = 15;

/// How often a record was given, and how often it stood in each set: four bits for each of them.
#[derive(Clone, Copy, Debug, Default)]
struct Times {
    given: u64,
    seen: u64,
}

/// The keys are sums already.
#[derive(Clone, Copy, Debug, Default)]
struct AsItIs(u64);

impl Hasher for AsItIs {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0 = checksum::of(bytes);
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = number;
    }
}

/// The records that were given last.
#[derive(Debug, Default)]
pub struct Unique {
    /// By a sum over time and bytes.
    known: HashMap<u64, Times, BuildHasherDefault<AsItIs>>,
    order: VecDeque<u64>,
}

impl Unique {
    /// Whether a record of another set is the same, which was given. One that stands twice in a set counts twice.
    pub fn is_given(&mut self, record: &Record, set: usize) -> bool {
        let Some(time) = record.time.filter(|_| set < SETS) else { return false };
        let key = checksum::of(&record.raw) ^ time.cast_unsigned();
        let times = match self.known.entry(key) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) => {
                self.order.push_back(key);
                entry.insert(Times::default())
            }
        };
        let count = times.seen >> (4 * set) & MOST_TIMES;
        if count < MOST_TIMES {
            times.seen += 1 << (4 * set);
        }
        let is_given = count < times.given;
        times.given = times.given.max(count + 1);
        if self.order.len() > MOST
            && let Some(oldest) = self.order.pop_front()
        {
            self.known.remove(&oldest);
        }
        is_given
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::catalogue::Mark;
    use crate::follow::Position;
    use crate::follow::matcher::Line;

    fn record(text: &str, time: Option<i64>) -> Record {
        let mark = Mark { inode: 0, length: 0, sum: 0 };
        let position = Position { set: "a".into(), generation: None, offset: 0, sequence: None, mark };
        let line = Line { range: 0..text.len(), time, ..Line::default() };
        Record::of(text.as_bytes(), line, &Arc::from("a"), position)
    }

    #[test]
    fn a_record_of_several_sets_is_given_once() {
        let mut unique = Unique::default();
        let mut given = |text, time, set| !unique.is_given(&record(text, time), set);
        assert!(given("x", Some(1), 0));
        assert!(!given("x", Some(1), 1) && !given("x", Some(1), 2));
        // Twice in a set is twice.
        assert!(given("x", Some(1), 0) && !given("x", Some(1), 1));
        assert!(given("x", Some(1), 1));
        assert!(given("x", Some(2), 1) && given("y", Some(1), 1));
        assert!(given("t", None, 0) && given("t", None, 1));
    }

    #[test]
    fn no_more_are_remembered_than_there_is_room_for() {
        let mut unique = Unique::default();
        for time in 0..3 * i64::try_from(MOST).unwrap() {
            assert!(!unique.is_given(&record("x", Some(time / 2)), 0));
        }
        assert!(unique.order.len() <= MOST && unique.known.len() <= MOST);
    }
}
