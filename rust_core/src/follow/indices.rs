//! What the indices of rotated files say: which of them, and which parts, need not be read.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use super::files::FileRef;
use super::filter::Filter;
use super::form::keys_of;
use super::lines::Run;
use super::remarks::Remarks;
use crate::archive::{Index, Keys};
use crate::catalogue::Generation;
use crate::platform;
use crate::upkeep::index_path;

/// So many indices are asked for ahead of their use, so that the device works on several.
const AHEAD: usize = 64;
/// No index is that long.
const LONGEST: usize = 256 << 20;
/// What there is room for at first: most indices are smaller.
const ROOM: usize = 128 << 10;

/// What is to be read of a file.
#[derive(Debug)]
pub enum Plan {
    /// Nothing: it has so many lines, and none is wanted.
    Nothing {
        lines: u64,
        first: Option<u64>,
    },
    /// These parts, of lines with these keys.
    Parts {
        index: Box<Index>,
        runs: Vec<Run>,
        keys: Keys,
    },
    Everything,
}

/// Indices that were opened ahead.
#[derive(Debug, Default)]
pub struct Indices {
    ahead: VecDeque<(Generation, Option<File>)>,
    room: Vec<u8>,
}

impl Indices {
    /// Lets the system read the indices of the files that come next.
    pub fn prefetch<'f>(&mut self, directory: &Path, next: impl Iterator<Item = &'f FileRef>) {
        for generation in next.filter(|file| file.is_closed).filter_map(|file| file.generation).take(AHEAD) {
            if self.ahead.back().is_some_and(|(last, _)| *last >= generation) {
                continue;
            }
            let file = platform::open_to_read(&index_path(directory, generation)).ok();
            file.iter().for_each(platform::will_read_soon);
            self.ahead.push_back((generation, file));
        }
    }

    /// What is to be read of a file that gets no more records.
    pub fn plan(
        &mut self,
        directory: &Path,
        file: &FileRef,
        filter: &Filter,
        given: Option<&Keys>,
        remarks: &mut Remarks,
    ) -> Plan {
        let Some(generation) = file.generation else { return Plan::Everything };
        while self.ahead.front().is_some_and(|(first, _)| *first < generation) {
            self.ahead.pop_front();
        }
        let is_ahead = self.ahead.front().is_some_and(|(first, _)| *first == generation);
        let index = match self.ahead.pop_front().filter(|_| is_ahead) {
            Some((_, file)) => file,
            None => platform::open_to_read(&index_path(directory, generation)).ok(),
        };
        let path = directory.join(&file.name);
        let index = match read(index, generation, &mut self.room) {
            Ok(index) => index,
            Err(why) => {
                remarks.make(format!("{} is read whole: its index {why}", path.display()));
                return Plan::Everything;
            }
        };
        let header = *index.header();
        // What lies there may be something else by now.
        let is_of_file = path.symlink_metadata().is_ok_and(|meta| meta.len() == header.packed_length);
        if !is_of_file || index.times().is_none() {
            return Plan::Everything;
        }
        let Some(keys) = keys_of(header.keys, given) else { return Plan::Everything };
        let parts = filter.parts(&index);
        if parts.is_empty() {
            return Plan::Nothing { lines: header.lines, first: header.first_sequence };
        }
        let runs = runs(&index, &parts);
        Plan::Parts { index: Box::new(index), runs, keys }
    }
}

/// Why there is no index, mostly: files that were rotated just now have none yet, and current ones never.
pub const MISSING: &str = "is not there";

/// The index of a file, or why it cannot be used.
pub fn index_of(directory: &Path, generation: Generation) -> Result<Index, String> {
    read(platform::open_to_read(&index_path(directory, generation)).ok(), generation, &mut Vec::new())
}

fn read(file: Option<File>, generation: Generation, room: &mut Vec<u8>) -> Result<Index, String> {
    let Some(mut file) = file else { return Err(MISSING.to_owned()) };
    let mut filled = 0;
    loop {
        if filled == room.len() {
            room.resize((2 * filled).max(ROOM), 0);
        }
        match file.read(&mut room[filled..]) {
            Ok(count) => {
                filled += count;
                // A file gives less than there is room for at its end alone. An index is there as a whole.
                if filled < room.len() || filled > LONGEST {
                    break;
                }
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(format!("cannot be read: {error}")),
        }
    }
    let index = Index::read(&room[..filled]).map_err(|error| format!("is not used: {error}"))?;
    if index.header().generation == generation { Ok(index) } else { Err("is that of another file".to_owned()) }
}

/// Parts that follow each other are read in one go.
pub fn runs(index: &Index, parts: &[usize]) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    let (mut lines, mut next) = (0, 0);
    for number in parts {
        for part in &index.parts()[next..*number] {
            lines += u64::from(part.lines);
        }
        next = *number;
        let extent = index.parts()[*number].extent;
        let until = extent.at + u64::from(extent.length);
        match runs.last_mut() {
            Some(run) if run.until == extent.at => run.until = until,
            _ => runs.push(Run { from: extent.at, until, lines }),
        }
    }
    runs
}
