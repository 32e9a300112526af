//! The files of one set, one after the other.

use std::collections::{BTreeSet, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::copies::{self, Place};
use super::cursor::{Cursor, From, Next, Probe};
use super::files::{Directory, FileRef, Looks, SetFiles};
use super::filter::Filter;
use super::gaps::Gaps;
use super::indices::{Indices, Plan};
use super::last::Start;
use super::opening::Opened;
use super::position::Position;
use super::record::Record;
use super::remarks::Remarks;
use super::time::Time;
use crate::archive::Keys;
use crate::catalogue::{self, Generation};
use crate::error::Result;
use crate::platform;
use crate::rotation::unpacked;

/// What holds for all files that a reader reads.
#[derive(Debug)]
pub struct Context {
    pub filter: Arc<Filter>,
    pub keys: Option<Keys>,
    pub follow: bool,
    /// The longest line of which all is given.
    pub longest: Option<usize>,
    pub time: Time,
    pub remarks: Remarks,
}

impl Context {
    pub fn remark_on_cut(&mut self, path: &Path, length: u64) {
        let longest = self.longest.unwrap_or_default();
        self.remarks.make(format!("a line of {} has {length} bytes: its first {longest} are shown", path.display()));
    }
}

/// What comes next.
#[derive(Debug)]
pub enum Step {
    Record(Box<Record>),
    /// Nothing now.
    Wait,
    /// Nothing ever.
    End,
    /// Time is up before it was found.
    Later,
}

/// Whether a file goes on in a copy.
enum Goes {
    On,
    Nowhere,
    /// That cannot be said now.
    Later,
}

/// What became of the next file.
enum NextFile {
    Opened,
    /// There is none.
    Nothing,
    /// Names change so fast that they could not be read.
    Changing,
    /// Time is up before one was found.
    Later,
}

/// The files of a set in their order, and how far they were read.
#[allow(missing_debug_implementations)] // a cursor has none
pub struct Chain {
    files: SetFiles,
    /// The one file that is read, in place of all.
    only: Option<String>,
    queue: VecDeque<FileRef>,
    is_listed: bool,
    done: BTreeSet<Generation>,
    last: Option<Generation>,
    /// The number of the first record after the last file.
    next_sequence: Option<u64>,
    start: Option<Position>,
    /// What there is, if somebody has looked already.
    found: Option<Vec<FileRef>>,
    epoch: u64,
    cursor: Option<Cursor>,
    indices: Indices,
    gaps: Gaps,
    is_ended: bool,
}

impl Chain {
    pub fn of(set: String, only: Option<String>, start: Option<Position>) -> Self {
        Self {
            files: SetFiles::of(set),
            only,
            queue: VecDeque::new(),
            is_listed: false,
            done: BTreeSet::new(),
            last: None,
            next_sequence: None,
            start,
            found: None,
            epoch: 0,
            cursor: None,
            indices: Indices::default(),
            gaps: Gaps::default(),
            is_ended: false,
        }
    }

    pub fn set(&self) -> &str {
        &self.files.name
    }

    /// The one file that is read, in place of all of the set.
    pub fn only(&self) -> Option<&str> {
        self.only.as_deref()
    }

    /// Begins where the last records begin. Nothing was read before.
    pub fn begin(&mut self, start: Start) {
        (self.start, self.files, self.found) = (start.position, start.files, start.found);
    }

    /// The next wanted record.
    ///
    /// # Errors
    /// When the directory cannot be read. A file that cannot be is passed over, with a remark.
    pub fn next(&mut self, directory: &mut Directory, context: &mut Context) -> Result<Step> {
        while !self.is_ended {
            let Some(cursor) = &mut self.cursor else {
                match self.open_next(directory, context)? {
                    NextFile::Opened if context.time.is_up() => return Ok(Step::Later),
                    NextFile::Opened => continue,
                    NextFile::Later => return Ok(Step::Later),
                    NextFile::Changing => return Ok(Step::Wait),
                    NextFile::Nothing => self.is_ended = self.is_bounded(context),
                }
                break;
            };
            if cursor.is_at_end {
                let path = directory.path.join(&cursor.file.name);
                if self.has_nothing_new(&path, directory, context)? {
                    return Ok(Step::Wait);
                }
                continue;
            }
            match cursor.next(&self.files.name, &context.filter, context.keys.as_ref(), context.time) {
                Ok(Next::Record(record)) => return Ok(Step::Record(Box::new(record))),
                Ok(Next::Cut(record, length)) => {
                    context.remark_on_cut(&place(directory, cursor), length);
                    return Ok(Step::Record(Box::new(record)));
                }
                Ok(Next::Later) => return Ok(Step::Later),
                Err(error) if cursor.pass_damage() => {
                    context.remarks.make_of_unread(format!(
                        "a part of {} cannot be read: {error}",
                        place(directory, cursor).display()
                    ));
                }
                Err(error) => {
                    let path = place(directory, cursor);
                    context.remarks.make_of_unread(format!("{} is read no further: {error}", path.display()));
                    self.finish(context);
                }
                Ok(Next::End) if cursor.is_replaced => match self.goes_on_in_copy(directory, context)? {
                    Goes::On => {}
                    Goes::Nowhere => self.cursor.iter_mut().for_each(|cursor| cursor.is_replaced = false),
                    Goes::Later => return Ok(Step::Wait),
                },
                Ok(Next::End) if cursor.file.is_closed || !context.follow => {
                    let last = cursor.last(&self.files.name);
                    if last.is_none() {
                        context.remarks.make_of_torn(&place(directory, cursor), cursor.file.is_closed);
                    }
                    self.finish(context);
                    if let Some(Some(record)) = last {
                        return Ok(Step::Record(Box::new(record)));
                    }
                }
                Ok(Next::End) => {
                    cursor.note_end();
                }
            }
        }
        Ok(if self.is_ended { Step::End } else { Step::Wait })
    }

    /// Whether nothing comes after the files that are there.
    const fn is_bounded(&self, context: &Context) -> bool {
        !context.follow || self.only.is_some()
    }

    /// Whether there is nothing new at the end of the current file. Nothing is read of it before it is known to be what it was.
    fn has_nothing_new(&mut self, path: &Path, directory: &mut Directory, context: &mut Context) -> Result<bool> {
        let Some(cursor) = &mut self.cursor else { return Ok(false) };
        match cursor.probe(&directory.path.join(&self.files.name)) {
            Ok(Probe::Same) => return Ok(true),
            Ok(Probe::Grown) => cursor.is_at_end = false,
            // What was written to it before the other got its name is still to be read.
            Ok(Probe::Replaced) => {
                cursor.is_replaced = true;
                (cursor.is_at_end, cursor.file.is_closed) = (false, true);
            }
            Ok(Probe::Cut) => {
                context.remarks.make(format!("{} was cut", path.display()));
                if cursor.go_on_after_cut().is_err() {
                    self.finish(context);
                }
            }
            Ok(Probe::Emptied) => {
                let copy = copies::of_emptied(&directory.path, &self.files.name, cursor);
                if copy.is_none() {
                    context.remarks.make(format!("{} was emptied", path.display()));
                }
                match self.goes_on_in(copy, directory, context)? {
                    Goes::On => {}
                    Goes::Nowhere => self.finish(context),
                    Goes::Later => return Ok(true),
                }
            }
            Err(error) => {
                context.remarks.make_of_unread(format!("{} is read no further: {error}", path.display()));
                self.finish(context);
            }
        }
        Ok(false)
    }

    /// Goes on in the file that has the name of the one that was read to its end, if it is a copy.
    fn goes_on_in_copy(&mut self, directory: &mut Directory, context: &mut Context) -> Result<Goes> {
        let Some(cursor) = &self.cursor else { return Ok(Goes::Nowhere) };
        let path = directory.path.join(&self.files.name);
        let found = match copies::replacing(&directory.path, &self.files.name, cursor) {
            Err(error) if platform::is_want_of_descriptors(&error) && context.follow => return Ok(Goes::Later),
            found => found.unwrap_or_else(|error| {
                context.remarks.make_of_unread(format!("cannot read {}: {error}", path.display()));
                None
            }),
        };
        if found.as_ref().is_some_and(|place| !place.is_sure) {
            context.remarks.make(format!("{} was changed: lines may come again, or be left out", path.display()));
        }
        self.goes_on_in(found, directory, context)
    }

    fn goes_on_in(&mut self, place: Option<Place>, directory: &mut Directory, context: &mut Context) -> Result<Goes> {
        let Some(Place { file, from, .. }) = place else { return Ok(Goes::Nowhere) };
        Ok(match self.files.open(&file, Plan::Everything, from, directory, context)? {
            Opened::Cursor(cursor) => {
                self.cursor = Some(*cursor);
                Goes::On
            }
            Opened::Not | Opened::Gone => Goes::Nowhere,
            Opened::NotNow => Goes::Later,
        })
    }

    /// Leaves the file that is read.
    fn finish(&mut self, context: &mut Context) {
        let Some(cursor) = self.cursor.take() else { return };
        if cursor.lines.too_long > 0 && context.longest.is_none() {
            let count = cursor.lines.too_long;
            context.remarks.make(format!("{} has {count} lines that are too long to be read", cursor.file.name));
        }
        self.next_sequence = cursor.next_sequence();
        self.gaps.note_read(cursor.file.id, self.next_sequence);
        self.pass(cursor.file.id);
    }

    fn pass(&mut self, id: Generation) {
        self.done.insert(id);
        self.last = Some(id);
    }

    /// Opens the next file in which anything may be wanted.
    fn open_next(&mut self, directory: &mut Directory, context: &mut Context) -> Result<NextFile> {
        loop {
            if self.queue.is_empty() {
                if self.is_listed && self.is_bounded(context) {
                    self.tell_gaps(None, directory, context);
                    return Ok(NextFile::Nothing);
                }
                let looks = if self.is_bounded(context) { Looks::Many } else { Looks::Few };
                let found = self.found.take();
                let has_looked = found.is_some();
                let files = match found {
                    Some(files) => Some(files),
                    None => self.files.refresh(directory, self.last.is_none(), looks, &mut context.remarks)?,
                };
                let Some(files) = files else { return Ok(NextFile::Changing) };
                if std::mem::replace(&mut self.epoch, self.files.epoch()) != self.files.epoch() {
                    // All of them are others.
                    self.done.clear();
                    (self.last, self.next_sequence) = (None, None);
                    self.gaps.forget();
                    directory.take_gone(&self.files.name);
                }
                if !self.is_listed && !has_looked {
                    self.files.remark_on_first_look(directory, &files, self.only.as_deref(), &mut context.remarks);
                }
                self.note_gone(directory);
                self.enqueue(files, directory, context);
                self.is_listed = true;
            }
            let asks_index = context.filter.asks_index();
            if asks_index {
                self.indices.prefetch(&directory.path, self.queue.iter());
            }
            let Some(mut file) = self.queue.pop_front() else { return Ok(NextFile::Nothing) };
            file.first = file.first.or(self.next_sequence.take());
            let start = self.start.take();
            let from =
                start.as_ref().map_or(From::default(), |start| From { offset: start.offset, sequence: start.sequence });
            let plan = if asks_index && file.is_closed {
                self.indices.plan(&directory.path, &file, &context.filter, context.keys.as_ref(), &mut context.remarks)
            } else {
                Plan::Everything
            };
            if let Plan::Nothing { lines, first } = plan {
                self.tell_gaps(first.or(file.first), directory, context);
                self.next_sequence = first.or(file.first).map(|first| first.saturating_add(lines));
                self.gaps.note_read(file.id, self.next_sequence);
                self.pass(file.id);
                if context.time.is_up() {
                    return Ok(NextFile::Later);
                }
                continue;
            }
            match self.files.open(&file, plan, from, directory, context)? {
                Opened::Cursor(cursor) => {
                    let first = self.cursor.insert(*cursor).first();
                    self.tell_gaps(first, directory, context);
                    return Ok(NextFile::Opened);
                }
                Opened::Not => {
                    // Its records are there, so that those after it do not tell what is missing.
                    self.gaps.note_read(file.id, None);
                    self.pass(file.id);
                }
                Opened::Gone => {
                    self.note_gone(directory);
                    self.gaps.note(&file);
                    self.pass(file.id);
                }
                Opened::NotNow if self.is_bounded(context) => {
                    context
                        .remarks
                        .make_of_unread(format!("{} cannot be read now", directory.path.join(&file.name).display()));
                    self.gaps.note_read(file.id, None);
                    self.pass(file.id);
                }
                Opened::NotNow => {
                    self.start = start;
                    self.queue.push_front(file);
                    return Ok(NextFile::Changing);
                }
            }
        }
    }

    /// Notes files that were deleted, of which the catalogue tells.
    fn note_gone(&mut self, directory: &mut Directory) {
        let gone = directory.take_gone(&self.files.name);
        // What was gone before the first look is not missed. Without the catalogue, files have other numbers.
        if self.is_listed && self.only.is_none() && self.files.is_by_catalogue() {
            self.gaps.note_entries(gone, self.last, &self.done);
        }
    }

    fn tell_gaps(&mut self, first: Option<u64>, directory: &Directory, context: &mut Context) {
        self.gaps.tell(first, &self.files.name, directory.known(), &mut context.remarks);
    }

    /// Notes the files that are still to be read.
    fn enqueue(&mut self, mut files: Vec<FileRef>, directory: &Directory, context: &mut Context) {
        if let Some(only) = &self.only {
            files.retain(|file| unpacked(&file.name) == unpacked(only));
            if files.is_empty() && !self.is_listed {
                context.remarks.make(format!("{} is not there any more", directory.path.join(only).display()));
            }
        }
        let begin = match (&self.start, self.last) {
            (Some(_), None) => self.find_start(&files, directory, context),
            (None, None) => 0,
            (_, Some(last)) => match files.iter().position(|file| file.id == last) {
                Some(at) => at + 1,
                None if self.files.is_by_catalogue() => files.partition_point(|file| file.id < last),
                None => 0,
            },
        };
        if let Some(before) = begin.checked_sub(1).and_then(|before| files.get(before)).filter(|_| self.last.is_none())
        {
            self.gaps.begin_behind(before.id);
        }
        let ids: BTreeSet<Generation> = files.iter().map(|file| file.id).collect();
        self.done.retain(|id| ids.contains(id));
        let done = &self.done;
        self.queue.extend(files.into_iter().skip(begin).filter(|file| !done.contains(&file.id)));
    }

    /// Which of the files the position is in with which the reader begins.
    fn find_start(&mut self, files: &[FileRef], directory: &Directory, context: &mut Context) -> usize {
        let Some(start) = &self.start else { return 0 };
        let has_head = |file: &FileRef| {
            let head = catalogue::beginning(&directory.path.join(&file.name));
            start.mark.length > 0 && head.is_ok_and(|(head, _)| start.mark.fits(&head))
        };
        let by_generation = files
            .iter()
            .position(|file| file.generation.is_some() && file.generation == start.generation)
            .filter(|at| files[*at].mark == start.mark || has_head(&files[*at]));
        // Of several files that begin alike, it is the one that has its number of the system.
        let by_head = || {
            let fitting: Vec<usize> = (0..files.len()).filter(|at| has_head(&files[*at])).collect();
            let is_it = |at: &&usize| files[**at].mark.inode == start.mark.inode;
            fitting.iter().rev().find(is_it).or(fitting.last()).copied()
        };
        if let Some(at) = by_generation.or_else(by_head) {
            return at;
        }
        if !files.is_empty() {
            context.remarks.make(format!("the file of the position {start} is gone"));
        }
        let first_after = files.iter().position(|file| file.generation > start.generation);
        // Where another file has its generation, or none has got as far, it is of a catalogue that is gone.
        let is_there = files.iter().any(|file| file.generation.is_some() && file.generation == start.generation);
        let is_of_lost = is_there || start.generation.is_some_and(|generation| directory.known().next() <= generation);
        let is_known = start.generation.is_some() && files.iter().all(|file| file.generation.is_some());
        let begin = if is_of_lost { 0 } else { first_after.unwrap_or(if is_known { files.len() } else { 0 }) };
        self.start = None;
        begin
    }
}

/// Where the file is that is read.
fn place(directory: &Directory, cursor: &Cursor) -> PathBuf {
    directory.path.join(&cursor.file.name)
}
