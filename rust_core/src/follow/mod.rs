//! Reads log files: the records of sets of files in order of time, across rotated, packed and current files, and follows them.
//!
//! A reader takes no lock, and writes nothing. What it knows of the files comes from the catalogue; where that tells nothing, from the
//! directory. Indices tell which files and parts need not be read. Inside a set, files follow each other in the order in which they were
//! made, and lines in the order of their file; sets are merged by the times of their records.

mod back;
mod chain;
mod check;
mod copies;
mod cursor;
mod cut;
mod ends;
mod fed;
mod files;
mod filter;
mod form;
mod gaps;
mod indices;
mod last;
mod lines;
mod matcher;
mod opening;
mod passed;
mod position;
mod record;
mod remarks;
mod seen;
mod source;
mod survey;
mod text;
mod time;
mod unique;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use crate::archive::{Keys, Kind, packed_name};
use crate::error::{Error, Result};
use crate::rotation::Names;
use chain::{Chain, Context, Step};
use files::Directory;
use last::{Beginning, Last};
use remarks::Remarks;
use time::Time;
use unique::Unique;

pub use check::{Checked, Expected, Fault, check};
pub use ends::{Ends, IndexSeen, KnownFile, Told, ends, told};
pub use fed::Fed;
pub use filter::{Filter, Sieve, Wanted};
pub use position::{NoPosition, Position};
pub use record::Record;
pub use seen::Seen;
pub use survey::{Counts, Survey, Surveyed, survey};

/// How long a reader that follows sleeps between two looks: the first time, and at most.
const SHORTEST_SLEEP: Duration = Duration::from_millis(2);
const LONGEST_SLEEP: Duration = Duration::from_millis(100);
/// How long a call searches what is there for a record, if nothing else is set.
const LONGEST_SEARCH: Duration = Duration::from_millis(100);
/// How often a reader of all sets looks for new ones.
const LOOK_FOR_SETS: Duration = Duration::from_secs(1);

/// What is read, and how.
#[derive(Clone, Debug, Default)]
pub struct Options {
    pub directory: PathBuf,
    /// Names of sets, of single rotated files, or of directories of which all sets are read; paths may lead to other directories. Empty for all
    /// sets of the directory.
    pub files: Vec<PathBuf>,
    pub filter: Filter,
    /// The keys of lines; `None` to see by the lines.
    pub keys: Option<Keys>,
    /// Where to go on, at most one for each set.
    pub after: Vec<Position>,
    pub follow: bool,
    /// Only so many, the last of them. `None` for all.
    pub last: Option<usize>,
    /// Whether the newest come first. Nothing is followed then.
    pub reverse: bool,
    /// Whether a record that stands in several sets is given once.
    pub unique: bool,
    /// Of a line of more bytes, the beginning of so many is given, made whole.
    pub longest: Option<usize>,
}

/// Records that were read.
#[derive(Debug, Default)]
pub struct Batch {
    pub records: Vec<Record>,
    /// Whether nothing comes after them.
    pub is_last: bool,
    /// Whether the search for the next one goes on: it was left to let the caller look after something else.
    pub is_searching: bool,
}

struct Member {
    chain: Chain,
    directory: usize,
    /// Its next record.
    head: Option<Box<Record>>,
    /// The time of the last one that had any.
    time: i64,
}

/// A reader of log files.
#[allow(missing_debug_implementations)] // its files have none
pub struct Reader {
    directories: Vec<Directory>,
    members: Vec<Member>,
    /// Those that have a next record, by its time.
    heap: BinaryHeap<Reverse<(i64, usize)>>,
    /// Those that are asked for their next record before any other is given: it may be the oldest.
    unasked: Vec<usize>,
    context: Context,
    after: Vec<Position>,
    /// Directories of which all sets are read.
    whole: Vec<usize>,
    /// When new sets were looked for, if all are read.
    looked: Option<Instant>,
    longest_search: Duration,
    /// What is read backwards, where that is wanted.
    backwards: Backwards,
    unique: Option<Unique>,
    /// How many records are given at most.
    left: Option<usize>,
}

/// What is read backwards.
enum Backwards {
    Nothing,
    /// Everything.
    All(Box<Last>),
    /// As much as it takes to know where the last records begin.
    ToBegin(Box<Beginning>),
}

/// The number of a level by its name: a standard one, or one that the programs of a directory have noted.
#[must_use]
pub fn level_number(directory: &Path, name: &str) -> Option<i32> {
    // A standard level needs no look at the directory. Another one may have the number that a program gave it.
    let standard = crate::level::is_standard_name(&name.to_ascii_uppercase());
    let levels = if standard { Vec::new() } else { named_levels(directory) };
    Keys { levels, ..Keys::default() }.level_number(name)
}

/// The levels that the programs of a directory have named, with their numbers.
#[must_use]
pub fn named_levels(directory: &Path) -> Vec<(String, i32)> {
    let mut directory = Directory::of(directory);
    directory.look(&mut Remarks::default());
    directory.known().levels().map(|(name, number)| (name.to_owned(), number)).collect()
}

/// Where the rotated file is that was named without the end that packing has given it.
fn packed_at(path: &Path) -> Option<PathBuf> {
    Names::current_of(path.file_name()?.to_str()?)?;
    let mut packed = [Kind::Gzip, Kind::Zstd].into_iter().map(|kind| packed_name(path, kind));
    packed.find(|path| path.symlink_metadata().is_ok())
}

impl Reader {
    /// Finds the files. Nothing is read of them yet.
    ///
    /// # Errors
    /// When the directory cannot be read, or a file that is named is not there and nothing is waited for.
    pub fn open(options: Options) -> Result<Self> {
        let Options { directory, files, filter, keys, after, follow, last, reverse, unique, longest } = options;
        let context = Context {
            filter: Arc::new(filter),
            keys,
            follow: follow && !reverse,
            longest,
            time: Time::default(),
            remarks: Remarks::default(),
        };
        let mut reader = Self {
            directories: vec![Directory::of(&directory)],
            members: Vec::new(),
            heap: BinaryHeap::new(),
            unasked: Vec::new(),
            context,
            after,
            whole: Vec::new(),
            looked: None,
            longest_search: LONGEST_SEARCH,
            backwards: Backwards::Nothing,
            unique: unique.then(Unique::default),
            left: last.filter(|_| reverse || !follow),
        };
        if files.is_empty() {
            reader.whole.push(0);
        }
        for file in files {
            if directory.join(&file).is_dir() {
                let at = reader.directory_at(&directory.join(&file));
                reader.whole.push(at);
            } else {
                reader.add_file(&directory, &file)?;
            }
        }
        if !reader.whole.is_empty() {
            reader.find_sets()?;
        }
        reader.learn_levels();
        // Where all sets are followed, its own may still come.
        if reader.looked.is_none() || !reader.context.follow {
            for position in &reader.after {
                reader.context.remarks.make(format!("the position {position} is of no set that is read"));
            }
        }
        if reverse {
            reader.backwards = Backwards::All(Box::new(reader.backwards()));
        } else if let Some(last) = last {
            reader.backwards = Backwards::ToBegin(Box::new(Beginning::of(reader.backwards(), last)));
        }
        Ok(reader)
    }

    fn backwards(&self) -> Last {
        Last::of(
            self.members.iter().map(|member| {
                (member.chain.set().to_owned(), member.chain.only().map(str::to_owned), member.directory)
            }),
        )
    }

    /// Learns the numbers of levels from the programs that have named them. The names that the reader gives go before.
    fn learn_levels(&mut self) {
        let Context { filter, remarks, .. } = &mut self.context;
        if filter.level.is_none() {
            return;
        }
        let mut told: BTreeMap<String, i32> = BTreeMap::new();
        for directory in &mut self.directories {
            directory.look(remarks);
            for (name, number) in directory.known().levels().filter(|(name, _)| !crate::level::is_standard_name(name)) {
                // Lines are searched for a name in any case.
                let known = told.entry(name.to_ascii_uppercase()).or_insert(number);
                *known = number.max(*known);
            }
        }
        Arc::make_mut(filter).levels.extend(told);
    }

    fn find_sets(&mut self) -> Result<()> {
        self.looked = Some(Instant::now());
        for at in self.whole.clone() {
            for set in self.directories[at].sets(&mut self.context.remarks)? {
                if !self.members.iter().any(|member| member.directory == at && member.chain.set() == set) {
                    self.add(at, set, None);
                }
            }
        }
        Ok(())
    }

    fn directory_at(&mut self, place: &Path) -> usize {
        self.directories.iter().position(|known| known.path == place).unwrap_or_else(|| {
            self.directories.push(Directory::of(place));
            self.directories.len() - 1
        })
    }

    fn add_file(&mut self, directory: &Path, file: &Path) -> Result<()> {
        let mut path = directory.join(file);
        if path.symlink_metadata().is_err() {
            path = packed_at(&path).unwrap_or(path);
        }
        let failed = |kind: io::ErrorKind| Error::io("read", &path, kind.into());
        let name =
            path.file_name().and_then(|name| name.to_str()).ok_or_else(|| failed(io::ErrorKind::InvalidInput))?;
        let place = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let at = self.directory_at(place);
        let is_there = path.symlink_metadata().is_ok();
        let (set, only) = match Names::current_of(name).filter(|_| is_there) {
            Some(set) => (set, Some(name.to_owned())),
            None => (name.to_owned(), None),
        };
        if !is_there && !self.context.follow {
            // Its rotated files may be there.
            let names = crate::catalogue::names(place, &set).map_err(|error| Error::io("list", place, error))?;
            if names.is_empty() {
                return Err(failed(io::ErrorKind::NotFound));
            }
        }
        self.add(at, set, only);
        Ok(())
    }

    fn add(&mut self, directory: usize, set: String, only: Option<String>) {
        let start = self.after.iter().position(|position| position.set == set);
        let start = start.map(|at| self.after.swap_remove(at));
        self.members.push(Member { chain: Chain::of(set, only, start), directory, head: None, time: i64::MIN });
    }

    /// The next record. `None` if there is none: where files are followed, there may be one later.
    ///
    /// # Errors
    /// When a directory cannot be read any more.
    pub fn read(&mut self) -> Result<Option<Record>> {
        self.context.time = Time::default();
        if self.heap.is_empty() {
            self.ask_all();
        }
        match self.step()? {
            Step::Record(record) => Ok(Some(*record)),
            Step::Wait | Step::End | Step::Later => Ok(None),
        }
    }

    /// Has all sets asked that have no next record.
    fn ask_all(&mut self) {
        self.unasked.clear();
        self.unasked.extend((0..self.members.len()).filter(|number| self.members[*number].head.is_none()));
    }

    /// The next record, the way in which they are wanted.
    fn step(&mut self) -> Result<Step> {
        loop {
            if self.left == Some(0) {
                return Ok(Step::End);
            }
            let (record, set) = match &mut self.backwards {
                Backwards::Nothing => match self.forwards()? {
                    (Step::Record(record), set) => (record, set),
                    (other, _) => return Ok(other),
                },
                Backwards::All(last) => match last.step(&mut self.directories, &mut self.context)? {
                    last::Step::Found(found, set) => (Box::new(found.record), set),
                    last::Step::Begin => return Ok(Step::End),
                    last::Step::Later => return Ok(Step::Later),
                },
                Backwards::ToBegin(_) => {
                    if !self.find_beginning()? {
                        return Ok(Step::Later);
                    }
                    continue;
                }
            };
            // Of one set, all are given.
            if self.members.len() > 1 && self.unique.as_mut().is_some_and(|unique| unique.is_given(&record, set)) {
                continue;
            }
            if let Some(left) = &mut self.left {
                *left -= 1;
            }
            return Ok(Step::Record(record));
        }
    }

    /// Finds where the last records begin. False if time is up before.
    fn find_beginning(&mut self) -> Result<bool> {
        let Self { backwards, directories, context, unique, members, .. } = self;
        let Backwards::ToBegin(beginning) = backwards else { return Ok(true) };
        while beginning.left > 0 {
            match beginning.last.step(directories, context)? {
                last::Step::Later => return Ok(false),
                last::Step::Begin => break,
                last::Step::Found(found, set) => {
                    if !unique.as_mut().is_some_and(|unique| unique.is_given(&found.record, set)) {
                        beginning.left -= 1;
                    }
                    (beginning.before[set], beginning.between[set]) = (Some(found.before), found.between);
                }
            }
        }
        // A set of which nothing is given is read from its end on.
        beginning.last.find_ends(directories, context)?;
        let between: usize = beginning.between.iter().sum();
        self.left = self.left.map(|left| left.saturating_add(between));
        if let Backwards::ToBegin(beginning) = std::mem::replace(backwards, Backwards::Nothing) {
            for (member, start) in members.iter_mut().zip(beginning.starts()) {
                member.chain.begin(start);
            }
        }
        // They are given now.
        self.unique = self.unique.take().map(|_| Unique::default());
        Ok(true)
    }

    fn forwards(&mut self) -> Result<(Step, usize)> {
        while let Some(number) = self.unasked.last().copied() {
            let Self { members, directories, context, heap, .. } = self;
            let member = &mut members[number];
            match member.chain.next(&mut directories[member.directory], context)? {
                Step::Later => return Ok((Step::Later, number)),
                Step::Record(record) => {
                    // A line without a time belongs to the one before it.
                    member.time = record.time.unwrap_or(member.time);
                    member.head = Some(record);
                    heap.push(Reverse((member.time, number)));
                }
                Step::Wait | Step::End => {}
            }
            self.unasked.pop();
        }
        let Some(Reverse((_, number))) = self.heap.pop() else { return Ok((Step::Wait, 0)) };
        self.unasked.push(number);
        Ok((self.members[number].head.take().map_or(Step::Wait, Step::Record), number))
    }

    /// Has `batch` return after so long a search, in place of 100 ms, even if it has found nothing.
    pub const fn search_at_most(&mut self, longest: Duration) {
        self.longest_search = longest;
    }

    /// The next records: at most so many, and not many more bytes. If there is none, they are waited for so long.
    ///
    /// # Errors
    /// When a directory cannot be read any more.
    pub fn batch(&mut self, most: usize, most_bytes: usize, patience: Duration) -> Result<Batch> {
        let started = Instant::now();
        let mut sleep = SHORTEST_SLEEP;
        let mut batch = Batch::default();
        loop {
            if self.looked.is_some_and(|looked| looked.elapsed() >= LOOK_FOR_SETS) && self.context.follow {
                self.find_sets()?;
            }
            self.ask_all();
            self.context.time = Time::until(Instant::now() + self.longest_search);
            let mut bytes = 0;
            while batch.records.len() < most && bytes < most_bytes {
                match self.step() {
                    Ok(Step::Record(record)) => {
                        bytes += record.raw.len();
                        batch.records.push(*record);
                    }
                    Ok(Step::Later) => {
                        batch.is_searching = true;
                        return Ok(batch);
                    }
                    Ok(Step::Wait | Step::End) => break,
                    // What was read is given first; the error comes again.
                    Err(_) if !batch.records.is_empty() => return Ok(batch),
                    Err(error) => return Err(error),
                }
            }
            if !batch.records.is_empty() {
                return Ok(batch);
            }
            if !self.context.follow {
                batch.is_last = true;
                return Ok(batch);
            }
            if self.looked.is_some() && self.members.is_empty() {
                self.find_sets()?;
            }
            let Some(left) = patience.checked_sub(started.elapsed()).filter(|left| !left.is_zero()) else {
                return Ok(batch);
            };
            thread::sleep(sleep.min(left));
            sleep = (sleep * 2).min(LONGEST_SLEEP);
        }
    }

    /// What was noticed since the last call and could be done without, such as an index that is damaged.
    pub fn remarks(&mut self) -> Vec<String> {
        self.context.remarks.take()
    }

    /// Whether something could not be read, as a remark has said.
    #[must_use]
    pub const fn has_unread(&self) -> bool {
        self.context.remarks.has_unread
    }
}
