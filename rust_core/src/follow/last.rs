//! The records of sets, the newest first: to give them in this order, or to find where the last ones begin.

use std::collections::BinaryHeap;

use super::back::{Back, Found, Next};
use super::chain::Context;
use super::cursor::From;
use super::files::{Directory, FileRef, Looks, SetFiles};
use super::indices::{Indices, Plan};
use super::opening::Opened;
use super::position::Position;
use crate::error::Result;
use crate::rotation::unpacked;

/// Behind the end of any file.
const END: u64 = 1 << 62;

/// What comes next.
#[derive(Debug)]
pub enum Step {
    Found(Box<Found>, usize),
    /// Nothing is before.
    Begin,
    /// Time is up before it was found.
    Later,
}

/// The files of a set, from the newest to the oldest.
struct Chain {
    files: SetFiles,
    only: Option<String>,
    directory: usize,
    /// The last is read next.
    queue: Vec<FileRef>,
    is_listed: bool,
    open: Option<(FileRef, Back)>,
    indices: Indices,
    /// The time of the record that was given last.
    time: i64,
    /// The place behind all that was there.
    end: Option<Position>,
    /// The files as they were found.
    found: Vec<FileRef>,
}

/// Where to begin in a set, and what was found out about its files.
pub struct Start {
    pub position: Option<Position>,
    pub files: SetFiles,
    /// `None` if they were not looked for.
    pub found: Option<Vec<FileRef>>,
}

/// Sets, read backwards.
#[allow(missing_debug_implementations)] // files have none
pub struct Last {
    chains: Vec<Chain>,
    heads: Vec<Option<Box<Found>>>,
    /// Those that have a next record, by its time. Of equal times the later set goes first: it is the other way round where they are read forwards.
    heap: BinaryHeap<(i64, usize)>,
    unasked: Vec<usize>,
}

impl Last {
    /// Sets by their names, each with the one file that is read in place of all, and its directory.
    pub fn of(sets: impl Iterator<Item = (String, Option<String>, usize)>) -> Self {
        let chains: Vec<Chain> = sets
            .map(|(set, only, directory)| Chain {
                files: SetFiles::of(set),
                only,
                directory,
                queue: Vec::new(),
                is_listed: false,
                open: None,
                indices: Indices::default(),
                time: i64::MAX,
                end: None,
                found: Vec::new(),
            })
            .collect();
        let count = chains.len();
        Self {
            chains,
            heads: (0..count).map(|_| None).collect(),
            heap: BinaryHeap::new(),
            unasked: (0..count).rev().collect(),
        }
    }

    /// The newest record that was not given yet, and the number of its set.
    pub fn step(&mut self, directories: &mut [Directory], context: &mut Context) -> Result<Step> {
        while let Some(number) = self.unasked.last().copied() {
            let chain = &mut self.chains[number];
            match chain.next(&mut directories[chain.directory], context)? {
                Some(Step::Found(found, _)) => {
                    // A line without a time belongs to the one before it; what follows it here was given already.
                    chain.time = found.record.time.unwrap_or(chain.time);
                    self.heap.push((chain.time, number));
                    self.heads[number] = Some(found);
                }
                Some(Step::Later) => return Ok(Step::Later),
                Some(Step::Begin) | None => {}
            }
            self.unasked.pop();
        }
        let Some((_, number)) = self.heap.pop() else { return Ok(Step::Begin) };
        self.unasked.push(number);
        Ok(self.heads[number].take().map_or(Step::Begin, |found| Step::Found(found, number)))
    }

    /// Finds where sets end, of which nothing was read.
    pub fn find_ends(&mut self, directories: &mut [Directory], context: &mut Context) -> Result<()> {
        for chain in self.chains.iter_mut().filter(|chain| !chain.is_listed) {
            let directory = &mut directories[chain.directory];
            chain.list(directory, context)?;
            // A closed file has all that it will have, so that its end need not be known.
            if chain.queue.last().is_some_and(|file| !file.is_closed) {
                chain.open_file(None, Plan::Everything, directory, context)?;
            }
        }
        Ok(())
    }
}

impl Chain {
    fn next(&mut self, directory: &mut Directory, context: &mut Context) -> Result<Option<Step>> {
        loop {
            if self.open.is_none() && !self.open_next(None, directory, context)? {
                return Ok(Some(Step::Begin));
            }
            let Some((file, back)) = &mut self.open else { continue };
            let path = directory.path.join(&file.name);
            match back.next(&self.files.name, &context.filter, context.keys.as_ref(), context.time) {
                Ok(Next::Found(found)) => {
                    if let Some(length) = found.cut {
                        context.remark_on_cut(&path, length);
                    }
                    return Ok(Some(Step::Found(Box::new(found), 0)));
                }
                Ok(Next::Later) => return Ok(Some(Step::Later)),
                Ok(Next::Again(until)) => {
                    let file = file.clone();
                    self.open = None;
                    self.queue.push(file);
                    if !self.open_next(Some(until), directory, context)? {
                        return Ok(Some(Step::Begin));
                    }
                    continue;
                }
                Ok(Next::Begin) => {
                    if matches!(back, Back::Pieces(pieces) if pieces.is_torn) {
                        context.remarks.make_of_torn(&path, file.is_closed);
                    }
                }
                Err(error) => {
                    context.remarks.make_of_unread(format!("a part of {} cannot be read: {error}", path.display()));
                }
            }
            self.open = None;
            if context.time.is_up() {
                return Ok(Some(Step::Later));
            }
        }
    }

    fn list(&mut self, directory: &mut Directory, context: &mut Context) -> Result<()> {
        self.is_listed = true;
        let files = self.files.refresh(directory, true, Looks::Many, &mut context.remarks)?;
        let mut files = files.unwrap_or_default();
        self.files.remark_on_first_look(directory, &files, self.only.as_deref(), &mut context.remarks);
        if let Some(only) = &self.only {
            files.retain(|file| unpacked(&file.name) == unpacked(only));
        }
        self.found.clone_from(&files);
        // The place behind all of it: nothing is told by files in which nothing stands.
        let newest = files.iter().rposition(|file| file.mark.length > 0);
        files.truncate(newest.map_or(0, |newest| newest + 1));
        self.end = files.last().map(|file| Position {
            set: self.files.name.clone(),
            generation: file.generation,
            offset: END,
            sequence: None,
            mark: file.mark,
        });
        self.queue = files;
        Ok(())
    }

    /// Opens the next file in which anything may be wanted. False if there is none.
    fn open_next(&mut self, until: Option<u64>, directory: &mut Directory, context: &mut Context) -> Result<bool> {
        if !self.is_listed {
            self.list(directory, context)?;
        }
        while let Some(file) = self.queue.pop() {
            let plan = if context.filter.asks_index() && file.is_closed && until.is_none() {
                self.indices.plan(&directory.path, &file, &context.filter, context.keys.as_ref(), &mut context.remarks)
            } else {
                Plan::Everything
            };
            if matches!(plan, Plan::Nothing { .. }) {
                continue;
            }
            self.queue.push(file);
            if self.open_file(until, plan, directory, context)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Opens the newest file that is left. False if it cannot be read.
    fn open_file(
        &mut self,
        until: Option<u64>,
        plan: Plan,
        directory: &mut Directory,
        context: &mut Context,
    ) -> Result<bool> {
        let Some(file) = self.queue.pop() else { return Ok(false) };
        let opened = self.files.open(&file, plan, From::default(), directory, context)?;
        let path = directory.path.join(&file.name);
        match opened {
            Opened::Cursor(cursor) => {
                match Back::of(*cursor, &self.files.name, context.longest, until, !context.follow) {
                    Ok(back) => {
                        if let Back::Pieces(pieces) = &back
                            && let Some(end) = &mut self.end
                            && end.offset == END
                            && !file.is_closed
                        {
                            *end = pieces.end();
                        }
                        self.open = Some((file, back));
                        return Ok(true);
                    }
                    Err(error) => context.remarks.make_of_unread(format!("cannot read {}: {error}", path.display())),
                }
            }
            Opened::Not | Opened::Gone => {}
            Opened::NotNow => context.remarks.make_of_unread(format!("{} cannot be read now", path.display())),
        }
        Ok(false)
    }
}

/// Where the last records of sets begin.
pub struct Beginning {
    pub last: Last,
    /// How many are still to be found.
    pub left: usize,
    /// The place before the oldest that was found, for each set.
    pub before: Vec<Option<Position>>,
    /// How many records are given before the oldest that was found, because they belong together.
    pub between: Vec<usize>,
}

impl Beginning {
    pub fn of(last: Last, wanted: usize) -> Self {
        let count = last.chains.len();
        Self { last, left: wanted, before: vec![None; count], between: vec![0; count] }
    }

    /// Where each set begins.
    pub fn starts(self) -> impl Iterator<Item = Start> {
        self.last.chains.into_iter().zip(self.before).map(|(chain, before)| Start {
            position: before.or(chain.end),
            files: chain.files,
            found: chain.is_listed.then_some(chain.found),
        })
    }
}
