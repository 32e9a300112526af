//! Makes an index, part by part, in the pass that packs or reads a file.

use std::collections::HashMap;

use super::filter::{key_in_part, mixed, put_filter, trace_key};
use super::format::{self, put_counts, put_header, put_level, put_part};
use super::{Extent, Header, Unknown, bytes::put, bytes::put_text, joined, short};
use crate::archive::{Found, Keys, Kind, Scanner, Value};
use crate::checksum;

/// More names of levels are not counted by name, and neither are loggers: an index of a file of nonsense stays small.
const MOST_LEVELS: usize = 64;
const MOST_LOGGERS: usize = 4_096;
const LONGEST_NAME: usize = 256;
/// A group ends with the part that makes it this large. It bounds the memory of a builder.
const TRACES_OF_GROUP: usize = 1 << 16;
/// An index takes at most this part of the packed bytes or a block of the disk, unless its parts and filters
/// of the least width take more.
const SHARE: u64 = 50;
const BLOCK: u64 = 4_096;
/// What an index has besides parts, groups and names, and a filter besides fingerprints.
const HEADS: usize = 160;

/// An index in the making. Its memory grows by a few hundred bytes for each part, and by nothing for a line.
#[derive(Debug)]
pub struct Builder {
    kind: Kind,
    generation: u64,
    first_sequence: Option<u64>,
    keys: Keys,
    scanner: Scanner,
    extents: Vec<Extent>,
    parts: Vec<u8>,
    groups: Vec<u8>,
    group_count: u64,
    levels: Names,
    loggers: Names,
    lines: u64,
    check: u64,
    /// The least time of the part before.
    time: i64,
    /// Whether the last line of the part before goes on.
    is_open: bool,
    group: Grouping,
    recent: [Option<u64>; RECENT],
    room: Vec<u8>,
}

/// The parts of a group in the making.
#[derive(Debug, Default)]
struct Grouping {
    /// Of traces in their parts, as they come.
    keys: Vec<u64>,
    first: usize,
    /// Where the group before it ended.
    after: usize,
}

/// Names in the order in which they came, and the lines of a part that have them.
#[derive(Debug)]
struct Names {
    numbers: HashMap<Box<[u8]>, usize>,
    names: Vec<Box<[u8]>>,
    counts: Vec<u32>,
    most: usize,
    /// The last name of each of some keys.
    recent: [usize; RECENT],
}

/// Names and traces are often those of a few lines before.
const RECENT: usize = 64;

/// The place of a key among the recent ones.
#[expect(clippy::cast_possible_truncation, reason = "the low bits are wanted")]
const fn place(key: u64) -> usize {
    key as usize % RECENT
}

impl Names {
    fn new(most: usize) -> Self {
        let names = Vec::new();
        Self { numbers: HashMap::new(), names, counts: Vec::new(), most, recent: [0; RECENT] }
    }

    /// Counts a line; false if there is no room for its name, or it is none.
    fn count(&mut self, name: &[u8]) -> bool {
        let place = place(mixed(name));
        let mut number = self.recent[place];
        if self.names.get(number).is_none_or(|recent| **recent != *name) {
            number = match self.numbers.get(name) {
                Some(number) => *number,
                None if self.names.len() < self.most
                    && name.len() <= LONGEST_NAME
                    && std::str::from_utf8(name).is_ok() =>
                {
                    self.numbers.insert(name.into(), self.names.len());
                    self.names.push(name.into());
                    self.counts.push(0);
                    self.names.len() - 1
                }
                None => return false,
            };
            self.recent[place] = number;
        }
        self.counts[number] += 1;
        true
    }

    fn texts(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(|name| std::str::from_utf8(name).unwrap_or_default())
    }
}

impl Builder {
    /// `first_sequence` is that of the first line, if lines are numbered.
    #[must_use]
    pub fn new(kind: Kind, generation: u64, first_sequence: Option<u64>, keys: &Keys) -> Self {
        Self {
            kind,
            generation,
            first_sequence,
            keys: keys.clone(),
            scanner: Scanner::new(keys),
            extents: Vec::new(),
            parts: Vec::new(),
            groups: Vec::new(),
            group_count: 0,
            levels: Names::new(MOST_LEVELS),
            loggers: Names::new(MOST_LOGGERS),
            lines: 0,
            check: 0,
            time: 0,
            is_open: false,
            group: Grouping::default(),
            recent: [None; RECENT],
            room: Vec::new(),
        }
    }

    /// The parts so far.
    #[must_use]
    pub fn extents(&self) -> &[Extent] {
        &self.extents
    }

    /// Adds a part: its bytes, and where they stand in the packed file.
    pub fn add(&mut self, bytes: &[u8], packed_at: u64, packed_length: u32) {
        let sum = checksum::of(bytes);
        self.check = joined(self.check, sum);
        let (at, packed_end) = self
            .extents
            .last()
            .map_or((0, 0), |last| (last.at + u64::from(last.length), last.packed_at + u64::from(last.packed_length)));
        let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        let extent = Extent { packed_at, packed_length, at, length, check: Some(short(sum)) };
        let before = self.group.keys.len();
        let (lines, unknown, times) = self.count_lines(bytes);
        self.recent.fill(None);
        put_part(&mut self.parts, &extent, packed_at.saturating_sub(packed_end), lines, unknown, times, self.time);
        for names in [&mut self.levels, &mut self.loggers] {
            put_counts(&mut self.parts, &names.counts);
            names.counts.fill(0);
        }
        self.parts.push((self.group.keys.len() > before).into());
        self.time = times.map_or(self.time, |(least, _)| least);
        self.lines += u64::from(lines);
        self.extents.push(extent);
        if self.group.keys.len() >= TRACES_OF_GROUP {
            self.end_group();
        }
    }

    /// A filter for the parts since the last one, as exact as there is room for it. Without it they may hold any trace.
    fn end_group(&mut self) {
        let end = self.extents.len();
        let packed = self.extents.last().map_or(0, |last| last.packed_at + u64::from(last.packed_length));
        let room = usize::try_from((packed / SHARE).max(BLOCK)).unwrap_or(usize::MAX);
        let room = room.saturating_sub(self.length());
        let group = &mut self.group;
        let mut filter = Vec::new();
        if !group.keys.is_empty() && put_filter(&mut filter, &mut group.keys, room) {
            put(&mut self.groups, (group.first - group.after) as u64);
            put(&mut self.groups, (end - group.first) as u64);
            self.groups.append(&mut filter);
            self.group_count += 1;
            group.after = end;
        }
        group.keys.clear();
        group.first = end;
    }

    /// About what the index takes so far, with what a filter has besides its fingerprints.
    fn length(&self) -> usize {
        let names = self.levels.texts().chain(self.loggers.texts()).map(|name| name.len() + 4);
        HEADS + self.parts.len() + self.groups.len() + names.sum::<usize>()
    }

    fn count_lines(&mut self, bytes: &[u8]) -> (u32, Unknown, Option<(i64, i64)>) {
        let (mut lines, mut unknown, mut times) = (0, Unknown::default(), None);
        let mut rest = bytes;
        if self.is_open && !rest.is_empty() {
            // The end of a line that began before, and was counted there.
            unknown = Unknown { time: 1, level: 1, logger: 1, trace: 1 };
            let Some(end) = memchr::memchr(b'\n', rest) else { return (0, unknown, None) };
            rest = &rest[end + 1..];
        }
        self.is_open = bytes.last().is_some_and(|last| *last != b'\n');
        while !rest.is_empty() {
            let (found, after) = self.scanner.scan_first(rest);
            rest = after;
            lines += 1;
            self.count_line(found, &mut unknown, &mut times);
        }
        (lines, unknown, times)
    }

    fn count_line(&mut self, found: Option<Found<'_>>, unknown: &mut Unknown, times: &mut Option<(i64, i64)>) {
        let Some(found) = found else {
            unknown.time += 1;
            unknown.level += 1;
            unknown.logger += 1;
            unknown.trace += 1;
            return;
        };
        match self.scanner.time(&found) {
            Some(time) => *times = Some(times.map_or((time, time), |(least, most)| (time.min(least), time.max(most)))),
            None => unknown.time += 1,
        }
        for (value, names, unknown) in [
            (found.level, &mut self.levels, &mut unknown.level),
            (found.logger, &mut self.loggers, &mut unknown.logger),
        ] {
            let is_counted = value.bytes(&mut self.room).is_some_and(|name| names.count(name));
            *unknown += u32::from(!is_counted);
        }
        if found.trace == Value::Absent {
            return;
        }
        match found.trace.bytes(&mut self.room).map(trace_key) {
            Some(key) if self.recent[place(key)] == Some(key) => {}
            Some(key) => {
                self.recent[place(key)] = Some(key);
                self.group.keys.push(key_in_part(key, self.extents.len()));
            }
            None => unknown.trace += 1,
        }
    }

    /// The index. `packed_length` is that of the whole file.
    #[must_use]
    pub fn finish(mut self, packed_length: u64) -> Vec<u8> {
        self.end_group();
        let header = Header {
            kind: self.kind,
            generation: self.generation,
            first_sequence: self.first_sequence,
            lines: self.lines,
            length: self.extents.last().map_or(0, |last| last.at + u64::from(last.length)),
            packed_length,
            check: self.check,
            keys: self.keys.fingerprint(),
        };
        let mut body = Vec::with_capacity(self.parts.len() + self.groups.len() + 1_024);
        put_header(&mut body, &header);
        put(&mut body, self.levels.names.len() as u64);
        for name in self.levels.texts() {
            put_level(&mut body, name, self.keys.level_number(name));
        }
        put(&mut body, self.loggers.names.len() as u64);
        for name in self.loggers.texts() {
            put_text(&mut body, name.as_bytes());
        }
        put(&mut body, self.extents.len() as u64);
        body.extend_from_slice(&self.parts);
        put(&mut body, self.group_count);
        body.extend_from_slice(&self.groups);
        format::whole(&body)
    }

    /// The sum over all parts.
    #[must_use]
    pub const fn check(&self) -> u64 {
        self.check
    }

    #[must_use]
    pub const fn lines(&self) -> u64 {
        self.lines
    }
}
