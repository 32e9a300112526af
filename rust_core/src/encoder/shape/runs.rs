//! Steps that stand side by side and give the same bytes to every record of a call site, a logger, a level and a thread: joined, and copied at
//! once.

use super::plan::{Op, Step};
use crate::encoder::json::piece::Piece;
use crate::record::Record;

/// Runs that are kept, each in the slot that its key chooses.
const KEPT: usize = 256;
/// Keys that share a slot would make its runs anew for each record. So a slot that is taken changes hands once in so many times.
const PATIENCE: u32 = 8;

/// What decides the bytes of runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Key {
    site: u32,
    logger: u32,
    thread: u32,
    level: i32,
    has_own_message: bool,
}

impl Key {
    /// `None` for a record that has one of these inside of it, and for one that another process made.
    #[inline]
    fn of(record: &Record<'_>) -> Option<Self> {
        let header = &record.header;
        let is_inside = record.site.is_some()
            || record.logger.is_some()
            || record.thread.is_some()
            || record.level_name.is_some()
            || record.process != 0;
        (!is_inside).then_some(Self {
            site: header.site,
            logger: header.logger,
            thread: header.thread,
            level: header.level,
            has_own_message: record.message.is_some(),
        })
    }

    #[inline]
    fn slot(self) -> usize {
        let pair = |low: u32, high: u32| u64::from(low) | u64::from(high) << 32;
        let mixed = pair(self.site, self.thread).wrapping_mul(0x9E37_79B9_7F4A_7C15)
            ^ pair(self.level.cast_unsigned(), self.logger).wrapping_mul(0xC2B2_AE3D_27D4_EB4F);
        (mixed >> 32) as usize % KEPT
    }
}

/// The bytes of steps that are joined.
#[derive(Debug, Default)]
pub struct Run {
    /// Up to the message, where the record has its own.
    before: Piece,
    /// What follows that message.
    after: Option<Piece>,
}

#[derive(Debug, Default)]
struct Slot {
    key: Option<Key>,
    runs: Vec<Run>,
}

/// The runs that were used last.
#[derive(Debug)]
pub struct Runs {
    slots: Box<[Slot]>,
    misses: u32,
}

impl Default for Runs {
    fn default() -> Self {
        Self { slots: (0..KEPT).map(|_| Slot::default()).collect(), misses: 0 }
    }
}

impl Runs {
    /// The runs of a record, in the order of the joined steps. `None` where the steps are taken one by one.
    #[inline]
    pub fn get(&mut self, record: &Record<'_>, make: impl FnOnce() -> Option<Vec<Run>>) -> Option<&[Run]> {
        let key = Key::of(record)?;
        let slot = &mut self.slots[key.slot()];
        if slot.key != Some(key) {
            slot.learn(key, &mut self.misses, make)?;
        }
        Some(&slot.runs)
    }
}

impl Slot {
    #[cold]
    fn learn(&mut self, key: Key, misses: &mut u32, make: impl FnOnce() -> Option<Vec<Run>>) -> Option<()> {
        *misses = misses.wrapping_add(1);
        if self.key.is_some() && !misses.is_multiple_of(PATIENCE) {
            return None;
        }
        // Runs that are half made must never pass for whole, should making them end early.
        self.key = None;
        self.runs = make()?;
        self.key = Some(key);
        Some(())
    }
}

impl Run {
    /// The run of these steps. `put` puts what a step does, except for a message of the record's own.
    pub fn of(ops: &mut [Op], record: &Record<'_>, mut put: impl FnMut(&mut Op, &mut Vec<u8>)) -> Self {
        let at = ops.iter().position(|op| matches!(op, Op::Message) && record.message.is_some());
        let (before, after) = ops.split_at_mut(at.unwrap_or(ops.len()));
        let mut piece = |ops: &mut [Op]| Piece::new(|out| ops.iter_mut().for_each(|op| put(op, out)));
        Self { before: piece(before), after: after.split_first_mut().map(|(_, after)| piece(after)) }
    }

    /// Puts it. `put_message` puts the message of a record that has its own.
    #[inline]
    pub fn put(&self, out: &mut Vec<u8>, put_message: impl FnOnce(&mut Vec<u8>)) {
        self.before.put(out);
        if let Some(after) = &self.after {
            put_message(out);
            after.put(out);
        }
    }
}

/// Joins steps that stand side by side.
pub fn joined(steps: Vec<Step>) -> Vec<Step> {
    let mut all: Vec<Step> = Vec::with_capacity(steps.len());
    for step in steps {
        if !may_join(&step) {
            all.push(step);
        } else if let Some(Step { op: Op::Joined(ops), .. }) = all.last_mut() {
            ops.push(step.op);
        } else if all.last().is_some_and(may_join) {
            let ops = all.pop().into_iter().map(|step| step.op).chain([step.op]).collect();
            all.push(Step { op: Op::Joined(ops), may_be_first: false });
        } else {
            all.push(step);
        }
    }
    all
}

/// Whether a key decides its bytes, but for a message.
fn may_join(step: &Step) -> bool {
    !step.may_be_first
        && matches!(step.op, Op::Put(_) | Op::Message | Op::Process(_) | Op::Named(_) | Op::Site(_) | Op::Thread(_))
}
