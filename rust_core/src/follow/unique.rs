//! Records that go to several files: each is given once.

use std::collections::{HashMap, VecDeque};

use super::record::Record;
use crate::checksum;

/// So many records are remembered: a record stands in its files at about the same time.
const MOST: usize = 4096;

/// The records that were given last.
#[derive(Debug, Default)]
pub struct Unique {
    /// By time and bytes: in which sets they stood, once for each time that the record was given.
    given: HashMap<(i64, u64), Vec<Vec<usize>>>,
    order: VecDeque<(i64, u64)>,
}

impl Unique {
    /// Whether a record of another set is the same, which was given. One that stands twice in a set counts twice.
    pub fn is_given(&mut self, record: &Record, set: usize) -> bool {
        let Some(time) = record.time else { return false };
        let key = (time, checksum::of(&record.raw));
        let all = self.given.entry(key).or_default();
        if let Some(sets) = all.iter_mut().find(|sets| !sets.contains(&set)) {
            sets.push(set);
            return true;
        }
        all.push(vec![set]);
        self.order.push_back(key);
        if self.order.len() > MOST
            && let Some(oldest) = self.order.pop_front()
            && let Some(all) = self.given.get_mut(&oldest)
        {
            all.remove(0);
            if all.is_empty() {
                self.given.remove(&oldest);
            }
        }
        false
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
        assert!(unique.order.len() <= MOST && unique.given.len() <= MOST);
    }
}
