//! A black box made by a recipe of a few bytes: one that an engine has made, and what is changed in it.
//!
//! The first byte says which checksums are made anew afterwards, so that what was changed passes them. Then come changes: a
//! region (1 byte), two numbers (2 bytes each), and for most of them as many bytes as the second number says, which go to the
//! place in the region that the first says. A region `CUT` cuts the box off, a region `RECORD` puts a whole record into a slot.

use std::ops::Range;

use unified_logger_core::checksum;
use unified_logger_core::slab::{Area, PREFIX, SIZES, UNIT};

/// Checksums that are made anew.
#[allow(dead_code, reason = "seeds are made with these, which cargo-fuzz does not do")]
pub mod remake {
    pub const HEAD: u8 = 1;
    pub const SETTINGS: u8 = 1 << 1;
    pub const NAMES: u8 = 1 << 2;
    pub const SLOTS: u8 = 1 << 3;
    pub const NOTED: u8 = 1 << 4;
    pub const ALL: u8 = 0x1f;
}

/// Regions of a box that a change may be in.
#[allow(dead_code, reason = "as above")]
pub mod region {
    pub const HEAD: u8 = 0;
    /// The length of the list of names, what a recovery noted, and the journals.
    pub const FRONT: u8 = 1;
    pub const SETTINGS: u8 = 2;
    pub const NAMES: u8 = 3;
    /// The first slots of each size, then where records begin in the first chunks, then the first units: four regions.
    pub const SLOTS: u8 = 4;
    pub const CUT: u8 = 8;
    pub const RECORD: u8 = 9;
    pub const COUNT: u8 = 10;
}

const AREAS: usize = 32;
const HEAD_CHECK: usize = 128;
const NAMES_LENGTH: usize = 192;
const NOTED: usize = 200;
const SETTINGS: usize = 4_096;
const NAMES: usize = 32_768;
const SLOTS: usize = (1 << 20) + (512 << 10);
/// Slots of each size that are changed and checked; the engine has filled the first of them.
const FIRST: [usize; SIZES.len()] = [20, 4];
/// The first units that are.
const FIRST_UNITS: usize = 64;

/// What an engine has left, and where what is in it.
pub struct Base {
    bytes: Vec<u8>,
    regions: [Range<usize>; region::CUT as usize],
}

impl Base {
    /// Of a box as it is found on the disk. What differs from run to run is made the same: owner and times.
    pub fn new(mut bytes: Vec<u8>) -> Self {
        bytes[12..16].copy_from_slice(&7_u32.to_le_bytes());
        bytes[24..32].fill(0);
        remake_head(&mut bytes);
        let settings = SETTINGS..SETTINGS + 16 + number(&bytes, SETTINGS);
        let names = NAMES..NAMES + number(&bytes, NAMES_LENGTH) + 64;
        let slots = |size: usize| {
            let start = number(&bytes, AREAS + size * 16);
            start..start + FIRST[size] * SIZES[size]
        };
        let front = NAMES_LENGTH..512;
        let at = AREAS + SIZES.len() * 16;
        let begins = number(&bytes, at);
        let count = u32::try_from(number(&bytes, at + 8)).unwrap_or(0);
        let chunks = Area { offset: begins, count }.chunks();
        let large = chunks..chunks + FIRST_UNITS * UNIT;
        let regions = [0..HEAD_CHECK + 8, front, settings, names, slots(0), slots(1), begins..begins + 8, large];
        Self { bytes, regions }
    }

    /// The box of a recipe.
    pub fn changed(&self, recipe: &[u8]) -> Vec<u8> {
        let mut bytes = self.bytes.clone();
        let Some((again, mut rest)) = recipe.split_first() else { return bytes };
        let mut cut = None;
        while let Some((head, after)) = rest.split_first_chunk::<5>() {
            let (at, count) = (
                usize::from(u16::from_le_bytes([head[1], head[2]])),
                usize::from(u16::from_le_bytes([head[3], head[4]])),
            );
            let region = head[0] % region::COUNT;
            if region == region::CUT {
                rest = after;
                cut = Some(at << 16 | count);
                continue;
            }
            let (new, after) = after.split_at(count.min(after.len()));
            rest = after;
            if region == region::RECORD {
                self.put_record(&mut bytes, at, new);
            } else {
                let region = &self.regions[usize::from(region)];
                let start = region.start + at % region.len();
                let new = &new[..new.len().min(region.end - start)];
                bytes[start..start + new.len()].copy_from_slice(new);
            }
        }
        self.remake(&mut bytes, *again);
        if let Some(cut) = cut {
            bytes.truncate(cut % (bytes.len() + 1));
        }
        bytes
    }

    fn slots(&self) -> impl Iterator<Item = (usize, usize)> {
        (0..SIZES.len())
            .flat_map(|size| {
                let start = self.regions[usize::from(region::SLOTS) + size].start;
                (0..FIRST[size]).map(move |index| (start + index * SIZES[size], SIZES[size]))
            })
            .chain(
                (0..FIRST_UNITS).map(|unit| (self.regions[usize::from(region::SLOTS) + 3].start + unit * UNIT, UNIT)),
            )
    }

    /// Puts a record into a slot, as long as the slot has room, as one that waits for the writer.
    fn put_record(&self, bytes: &mut [u8], slot: usize, record: &[u8]) {
        let count = self.slots().count();
        let Some((start, size)) = self.slots().nth(slot % count) else { return };
        let record = &record[..record.len().min(size - PREFIX)];
        bytes[start..start + 8].copy_from_slice(&1_u64.to_le_bytes());
        bytes[start + 8..start + 16].fill(0);
        bytes[start + 16..start + 20].copy_from_slice(&u32::try_from(record.len()).unwrap_or(0).to_le_bytes());
        bytes[start + PREFIX..start + PREFIX + record.len()].copy_from_slice(record);
    }

    fn remake(&self, bytes: &mut [u8], again: u8) {
        if again & remake::HEAD != 0 {
            remake_head(bytes);
        }
        if again & remake::SETTINGS != 0 {
            let length = number(bytes, SETTINGS);
            if let Some(json) = bytes[SETTINGS + 16..NAMES].get(..length) {
                let check = checksum::of(json);
                bytes[SETTINGS + 8..SETTINGS + 16].copy_from_slice(&check.to_le_bytes());
            }
        }
        if again & remake::NAMES != 0 {
            let length = number(bytes, NAMES_LENGTH);
            if let Some(names) = bytes[NAMES..SLOTS].get_mut(..length) {
                remake_names(names);
            }
        }
        if again & remake::SLOTS != 0 {
            self.slots().for_each(|(start, _)| remake_slot(&mut bytes[start..]));
        }
        if again & remake::NOTED != 0 {
            let check = checksum::of(&bytes[NOTED..NOTED + 24]);
            bytes[NOTED + 24..NOTED + 32].copy_from_slice(&check.to_le_bytes());
        }
    }
}

fn number(bytes: &[u8], at: usize) -> usize {
    let word = bytes[at..].first_chunk().map_or(0, |word| u64::from_le_bytes(*word));
    usize::try_from(word).unwrap_or(usize::MAX)
}

fn remake_head(bytes: &mut [u8]) {
    let check = checksum::of(&bytes[..HEAD_CHECK]);
    bytes[HEAD_CHECK..HEAD_CHECK + 8].copy_from_slice(&check.to_le_bytes());
}

/// The check of each entry, as far as one follows the other.
fn remake_names(mut rest: &mut [u8]) {
    while let Some((head, after)) = rest.split_first_chunk_mut::<13>() {
        let word = |at: usize| u32::from_le_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
        let (item, length) = (word(1), word(5) as usize);
        let Some((content, after)) = after.split_at_mut_checked(length) else { return };
        let check = checksum::of(content) as u32 ^ item.rotate_left(8) ^ u32::from(head[0]);
        head[9..13].copy_from_slice(&check.to_le_bytes());
        rest = after;
    }
}

/// The number and the check of the record in the slot that begins here, if it is said to hold one. Also of one that is too long
/// for the slot: that is the reader's to refuse.
fn remake_slot(slot: &mut [u8]) {
    let (prefix, record) = slot.split_at_mut(PREFIX);
    let length = u32::from_le_bytes([prefix[16], prefix[17], prefix[18], prefix[19]]) as usize;
    let Some(record) = record.get(..length).filter(|_| prefix[..8] != [0; 8]) else { return };
    if let Some(sequence) = record.get(8..16).and_then(<[u8]>::first_chunk) {
        prefix[..8].copy_from_slice(&u64::from_le_bytes(*sequence).wrapping_add(1).to_le_bytes());
    }
    prefix[20..24].copy_from_slice(&(checksum::of(record) as u32).to_le_bytes());
}
