//! The lines that a sink has still to write, and whose they are.

use std::collections::{BTreeSet, VecDeque};

use super::Origin;
use crate::encoder::Whose;
use crate::memory;
use crate::rotation::Period;
use crate::value::Put;

/// Memory kept for the next batch.
const KEEP: usize = 1 << 20;

/// Marks the position of lines that are no record's: they follow the record before them.
const OWN: u64 = 1 << 63;

/// The lines of one record, which stay together: one, or several where its format has some.
#[derive(Clone, Copy, Debug)]
struct RecordLines {
    /// The record's in the order of writing, perhaps with the mark `OWN`.
    position: u64,
    /// Bytes.
    length: usize,
}

/// The next entries, and their bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Part {
    pub entries: usize,
    pub bytes: usize,
}

/// Entries that wait: each is the lines of one record.
#[derive(Debug, Default)]
pub(super) struct Pending {
    /// The lines, those that wait from `start` on.
    lines: Vec<u8>,
    start: usize,
    entries: VecDeque<RecordLines>,
    /// How many entries were passed, ever.
    passed: u64,
    /// Where a new file is needed: before the entry of that number, counted as in `passed`, and for which period.
    turns: VecDeque<(u64, Period)>,
}

impl Pending {
    #[inline]
    pub fn push(&mut self, lines: &[u8], origin: Origin) {
        debug_assert_eq!(lines.last(), Some(&b'\n'));
        if self.entries.try_reserve(1).is_err() {
            memory::give_up();
        }
        self.lines.put(lines);
        let mark = if origin.whose == Whose::Library { OWN } else { 0 };
        self.entries.push_back(RecordLines { position: origin.position | mark, length: lines.len() });
    }

    /// The entries to come need a file of this period.
    pub fn turn(&mut self, period: Period) {
        self.turns.push_back((self.passed + self.entries.len() as u64, period));
    }

    /// The period for which the next entry needs a file, if that is another one than for the entry before it.
    pub fn next_turn(&self) -> Option<Period> {
        self.turns.front().filter(|(at, _)| *at <= self.passed).map(|(_, period)| *period)
    }

    /// Goes on behind it.
    pub fn pass_turn(&mut self) {
        self.turns.pop_front();
    }

    /// Entries before the next turn. A turn before the first entry does not count: `next_turn` gives it.
    fn before_turn(&self) -> usize {
        let next = self.turns.iter().find(|(at, _)| *at > self.passed);
        next.map_or(usize::MAX, |(at, _)| usize::try_from(at - self.passed).unwrap_or(usize::MAX))
    }

    /// Their number in bytes.
    pub fn len(&self) -> usize {
        self.lines.len() - self.start
    }

    /// The bytes of the first entries.
    pub fn bytes_of(&self, part: Part) -> &[u8] {
        &self.lines[self.start..self.start + part.bytes]
    }

    pub fn first(&self) -> Option<Part> {
        self.entries.front().map(|entry| Part { entries: 1, bytes: entry.length })
    }

    pub fn all(&self) -> Part {
        Part { entries: self.entries.len(), bytes: self.len() }
    }

    /// Entries of one period that fit into `room`, of at most `most` bytes. One that is longer than `most` goes alone, if there is room for it.
    pub fn part(&self, room: usize, most: usize) -> Part {
        let entries = self.before_turn();
        if self.len() <= room.min(most) && self.entries.len() <= entries {
            return self.all();
        }
        let mut part = Part::default();
        for entry in self.entries.iter().take(entries) {
            let bytes = part.bytes + entry.length;
            if bytes > room || bytes > most && part.entries > 0 {
                break;
            }
            part = Part { entries: part.entries + 1, bytes };
        }
        part
    }

    /// The entries that are whole within the first `bytes`.
    pub fn whole(&self, bytes: usize) -> Part {
        let mut whole = Part::default();
        for RecordLines { length, .. } in &self.entries {
            if whole.bytes + length > bytes {
                break;
            }
            whole = Part { entries: whole.entries + 1, bytes: whole.bytes + length };
        }
        whole
    }

    /// The position of the last of the first entries; 0 if there is none.
    pub fn upto(&self, part: Part) -> u64 {
        self.entries.get(part.entries.wrapping_sub(1)).map_or(0, |entry| entry.position & !OWN)
    }

    /// Goes on behind the first entries. Returns the position of the last of them.
    pub fn pass(&mut self, part: Part) -> Option<u64> {
        self.start += part.bytes;
        let last = self.entries.drain(..part.entries).next_back();
        self.passed += part.entries as u64;
        if self.start == self.lines.len() {
            self.clear();
        } else if self.start >= KEEP && self.start >= self.lines.len() / 2 {
            // What is behind must not grow while there is always something ahead.
            self.lines.drain(..self.start);
            self.start = 0;
        }
        last.map(|last| last.position & !OWN)
    }

    /// Goes on without any of them.
    pub fn clear(&mut self) {
        self.passed += self.entries.len() as u64;
        self.entries.clear();
        self.start = 0;
        self.lines.clear();
        self.lines.shrink_to(KEEP);
    }

    /// Goes on with the first entry alone.
    pub fn keep_first(&mut self) {
        let length = self.first().map_or(0, |first| first.bytes);
        self.entries.truncate(1);
        self.lines.truncate(self.start + length);
    }

    /// Adds the positions of the records among them.
    pub fn put_waiting(&self, positions: &mut BTreeSet<u64>) {
        positions.extend(self.entries.iter().map(|entry| entry.position).filter(|position| position & OWN == 0));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn application(position: u64) -> Origin {
        Origin { position, time: 0, whose: Whose::Application }
    }

    fn pending(lengths: &[usize]) -> Pending {
        let mut pending = Pending::default();
        for (position, length) in (1..).zip(lengths) {
            let mut line = vec![b'x'; length - 1];
            line.push(b'\n');
            pending.push(&line, application(position));
        }
        pending
    }

    #[test]
    fn a_part_is_as_many_entries_as_fit_and_a_longer_one_goes_alone() {
        let all = pending(&[10, 20, 30]);
        assert_eq!(all.part(usize::MAX, 60), Part { entries: 3, bytes: 60 });
        assert_eq!(all.part(usize::MAX, 59), Part { entries: 2, bytes: 30 });
        assert_eq!(all.part(usize::MAX, 5), Part { entries: 1, bytes: 10 });
        assert_eq!(all.part(9, 60), Part::default());
    }

    #[test]
    fn what_is_passed_takes_no_memory_while_more_is_always_pending() {
        let mut left = pending(&[1_000]);
        let line = [vec![b'x'; 999], vec![b'\n']].concat();
        for position in 2..10_000 {
            left.push(&line, application(position));
            left.pass(left.whole(1_000));
            assert_eq!(left.len(), 1_000);
        }
        assert!(left.lines.len() <= 2 * KEEP + 2_000, "{}", left.lines.len());
    }

    #[test]
    fn what_is_passed_waits_no_more() {
        let mut left = pending(&[10, 20, 30]);
        assert_eq!(left.whole(29), Part { entries: 1, bytes: 10 });
        assert_eq!(left.pass(left.whole(30)), Some(2));
        assert_eq!((left.len(), left.first()), (30, Some(Part { entries: 1, bytes: 30 })));
        let mut waiting = BTreeSet::new();
        left.put_waiting(&mut waiting);
        assert_eq!(waiting, BTreeSet::from([3]));
        assert_eq!(left.pass(left.all()), Some(3));
        assert_eq!((left.len(), left.first()), (0, None));
    }

    #[test]
    fn only_the_first_entry_is_kept() {
        let mut left = pending(&[10, 20, 30]);
        left.pass(Part { entries: 1, bytes: 10 });
        left.keep_first();
        assert_eq!(left.all(), Part { entries: 1, bytes: 20 });
    }
}
