//! Reading a box that a process left behind. Its bytes are of unknown origin, so everything is checked.

use std::ops::Range;
use std::sync::Arc;

use super::format::{self, BoxSettings, FILES, Foreign, Head, JournalEntry, RecoveryNote};
use crate::checksum;
use crate::names::{self, Names};
use crate::record::{Record, order_of};
use crate::redaction::Rules;
use crate::slab::{Area, CHUNK, PREFIX, SIZES, UNIT, UNITS};

/// What a box holds.
#[derive(Debug)]
pub struct Contents {
    pub process: u32,
    pub settings: BoxSettings,
    /// The rules to redact the records by.
    pub redaction: Option<Arc<Rules>>,
    pub names: Names,
    /// The journal of each file.
    pub journal: [JournalEntry; FILES],
    /// Every record that was accepted and whose slot was not given back, in the order of writing.
    pub records: Vec<FoundRecord>,
    /// Slots that should hold a record, and do not.
    pub damaged: u64,
    /// What an earlier recovery noted before it wrote anything.
    pub noted: Option<RecoveryNote>,
    /// The last position in the order of writing that the owner gave to a record. Records that waited in the queue
    /// follow.
    pub last_position: u64,
}

/// A record in a box.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundRecord {
    /// Its position in the order of writing, from 1.
    pub position: u64,
    /// The position that the writer had noted before its process died; 0 if it had not taken the record.
    pub taken: u64,
    /// By which those that the writer had not taken are sorted.
    order: (u64, u64),
    /// Its bytes in the box. They have been checked: `Record::read` is safe on them.
    pub bytes: Range<usize>,
}

/// What was counted in a box. Nothing for a box of a version that has no counts.
#[must_use]
pub fn counted(bytes: &[u8]) -> Vec<u64> {
    let is_there = format::u32_at(bytes, 8) == Some(format::VERSION);
    let counts = bytes.get(format::COUNTS..format::SLOTS).filter(|_| is_there).unwrap_or_default();
    counts.as_chunks().0.iter().map(|word| u64::from_le_bytes(*word)).collect()
}

/// Reads a whole box.
///
/// # Errors
/// When it is of another format, or a part is damaged that everything else depends on.
pub fn read(bytes: &[u8]) -> Result<Contents, Foreign> {
    let head = Head::read(bytes)?;
    if (bytes.len() as u64) < head.size {
        return Err(Foreign::Damaged("length"));
    }
    let settings = BoxSettings::read(bytes).ok_or(Foreign::Damaged("settings"))?;
    let redaction = settings.redaction.clone().map(Rules::new).transpose();
    let redaction = redaction.map_err(|wrong| Foreign::Redaction(wrong.to_string()))?;
    let length = format::u64_at(bytes, format::NAMES_LENGTH).and_then(|length| usize::try_from(length).ok());
    let written = length.and_then(|length| bytes.get(format::NAMES..format::COUNTS)?.get(..length));
    let names = written.and_then(names::read).ok_or(Foreign::Damaged("list of names"))?;
    let mut journal = [JournalEntry::default(); FILES];
    for (file, entry) in journal.iter_mut().enumerate() {
        *entry = JournalEntry::read(bytes, file).ok_or(Foreign::Damaged("journal"))?;
    }
    let noted = RecoveryNote::read(bytes);
    let mut contents = Contents {
        process: head.process,
        settings,
        redaction,
        names,
        journal,
        records: Vec::new(),
        damaged: 0,
        noted,
        last_position: 0,
    };
    for (area, size) in head.areas.iter().zip(SIZES) {
        for index in 0..area.count as usize {
            let start = area.offset + index * size;
            // The areas lie within the box, which is as long as it says.
            contents.read_slot(bytes, start, size);
        }
    }
    let [.., chunks] = head.areas;
    for chunk in 0..chunks.count as usize {
        contents.read_chunk(bytes, chunks, chunk);
    }
    contents.put_in_order();
    Ok(contents)
}

impl Contents {
    fn read_slot(&mut self, bytes: &[u8], start: usize, size: usize) {
        let Some(accepted) = format::u64_at(bytes, start).filter(|accepted| *accepted != 0) else { return };
        match found(bytes, start, size, accepted - 1, &self.names) {
            Some(found) => self.records.push(found),
            None => self.damaged += 1,
        }
    }

    /// Reads the records of a chunk where the chunk says that they begin. A record ends at the latest where the next
    /// begins.
    fn read_chunk(&mut self, bytes: &[u8], chunks: Area, chunk: usize) {
        let Some(mut begins) = format::u64_at(bytes, chunks.offset + chunk * 8) else { return };
        while begins != 0 {
            let unit = begins.trailing_zeros();
            begins &= begins - 1;
            let units = begins.trailing_zeros().min(UNITS) - unit;
            self.read_slot(bytes, chunks.chunks() + chunk * CHUNK + unit as usize * UNIT, units as usize * UNIT);
        }
    }

    /// Sorts the records. Those that the writer had drained come first, by their positions; those that waited follow,
    /// as they were accepted. Those that waited for their trace have the number of the next record that was, and go before it. Reading the
    /// same box again gives the same positions.
    fn put_in_order(&mut self) {
        let key = |found: &FoundRecord| (if found.position == 0 { u64::MAX } else { found.position }, found.order);
        self.records.sort_by_key(key);
        self.last_position = self.noted.map_or_else(|| self.largest_position(), |noted| noted.last_position);
        let mut next = self.last_position;
        for found in self.records.iter_mut().filter(|found| found.position == 0) {
            next = next.saturating_add(1);
            found.position = next;
        }
    }

    fn largest_position(&self) -> u64 {
        let journal = self.journal.iter().map(|entry| entry.passed.max(entry.upto));
        let records = self.records.iter().map(|found| found.position);
        journal.chain(records).max().unwrap_or(0)
    }
}

fn found(bytes: &[u8], start: usize, size: usize, sequence: u64, names: &Names) -> Option<FoundRecord> {
    let position = format::u64_at(bytes, start + 8)?;
    let length = format::u32_at(bytes, start + 16)? as usize;
    let check = format::u32_at(bytes, start + 20)?;
    if length > size - PREFIX || position > format::LAST_POSITION {
        return None;
    }
    let range = start + PREFIX..start + PREFIX + length;
    let record = bytes.get(range.clone())?;
    if checksum::of(record) as u32 != check {
        return None;
    }
    let read = Record::read_checked(record, |site| {
        names.sites.get(site).map(|site| (site.fields.len(), site.message.is_some()))
    })?;
    (read.header.sequence == sequence).then_some(FoundRecord {
        position,
        taken: position,
        order: order_of(sequence),
        bytes: range,
    })
}
