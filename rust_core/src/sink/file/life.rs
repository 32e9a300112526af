//! Which file it is: its generation, its period, and when it is changed for a new one.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use super::super::Origin;
use super::{FileSink, FileTarget};
use crate::catalogue::{self, Catalogue, Change, Closed, Entry, Generation, Look, Mark};
use crate::clock;
use crate::error_handler::remark;
use crate::platform::{self, Identity};
use crate::rotation::{Calendar, Every, Period, Step, There, Turns};
use crate::table::lock_briefly;

const NANOSECONDS: i64 = 1_000_000_000;
/// A file that is younger, in seconds, was made by the same start.
const STARTING: i64 = 10;

/// What is known of the file that is open, and of those that the pending lines need.
#[derive(Debug)]
pub(super) struct Life {
    /// The file.
    of: Option<Identity>,
    /// Its own. None while nothing stands in it.
    generation: Option<Generation>,
    /// Its period, where files are changed by time.
    period: Option<Period>,
    /// When this process has begun with it. None for one that was there before.
    since: Option<Instant>,
    /// Whether a file was identified before.
    has_begun: bool,
    /// The period of the next line.
    front: Option<Period>,
    /// The period of the last one, and those after it.
    turns: Option<Turns>,
    /// Times of records, in nanoseconds, that belong to the same period.
    calm: Range<i64>,
    /// Whether a new file is wanted, whatever the old one has.
    wanted: bool,
    /// Whether it is, because a program starts.
    is_start: bool,
    /// Whether it was told that another program changes files, too.
    has_told: bool,
    /// Whether it was told that the file is a link.
    pub(super) has_told_link: bool,
}

/// The files with which this process, or one that it was forked from, has started.
static STARTED: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

/// Whether a file is opened for the first time. A further start of the same program goes on in it.
fn is_first(path: &Path) -> bool {
    let Some(mut started) = lock_briefly(&STARTED) else { return false };
    let is_first = !started.iter().any(|known| known == path);
    if is_first {
        started.push(path.to_owned());
    }
    is_first
}

impl Life {
    pub fn new(target: &FileTarget) -> Self {
        let when = &target.rotation.when;
        Self {
            of: None,
            generation: None,
            period: None,
            since: None,
            has_begun: false,
            front: None,
            turns: None,
            // Without a calendar no time is ever asked about.
            calm: if when.calendar.is_some() { 0..0 } else { i64::MIN..i64::MAX },
            wanted: when.at_start && target.is_start && is_first(&target.path),
            is_start: true,
            has_told: false,
            has_told_link: false,
        }
    }

    /// Whether a new file is wanted because a program starts.
    pub fn is_wanted_by_start(&self) -> bool {
        self.wanted
    }

    /// To be called when the file was changed for a new one.
    pub fn is_new(&mut self) {
        self.wanted = false;
        self.doubt();
    }

    /// The generation of a file, if it is the one that is open and known.
    pub fn generation_of(&self, identity: Identity) -> Option<Generation> {
        self.generation.filter(|_| self.of == Some(identity))
    }

    /// To be called when the file is not what it was: it was emptied, or changed for another.
    pub fn doubt(&mut self) {
        self.of = None;
    }
}

impl FileSink {
    #[inline]
    pub(super) fn note_time(&mut self, origin: Origin) {
        if !self.life.calm.contains(&origin.time) {
            self.note_turn(origin.time);
        }
    }

    /// Notes that the lines to come belong to another period.
    #[cold]
    fn note_turn(&mut self, time: i64) {
        let Some(calendar) = &self.target.rotation.when.calendar else { return };
        let (now, life) = (time.div_euclid(NANOSECONDS), &mut self.life);
        let turns = match &mut life.turns {
            Some(turns) => {
                let Some(period) = turns.turn(now, life.since.map(|since| since.elapsed())) else { return };
                turns.begin(period);
                turns
            }
            none => none.insert(Turns::new(calendar, self.target.delay(), None, now)),
        };
        self.pending.turn(turns.period());
        let (start, end) = (turns.period().start, turns.ends());
        life.calm = start.saturating_mul(NANOSECONDS)..end.saturating_mul(NANOSECONDS);
    }

    /// Whether a new file is due before the next line. To be called with the lock held.
    pub(super) fn is_due_for_another(&mut self) -> bool {
        while let Some(period) = self.pending.next_turn() {
            self.life.front = Some(period);
            self.pending.pass_turn();
        }
        let size = self.file.as_ref().map_or(0, |open| open.size);
        let life = &mut self.life;
        let is_over = match (life.period, life.front) {
            (Some(of), Some(next)) => {
                let is_old = life.since.is_none_or(|since| since.elapsed().as_secs() >= of.length().unsigned_abs());
                // A clock that was set back into the period right before changes nothing, and that period may be the longer one.
                next.start > of.start || next.end < of.start && is_old
            }
            _ => false,
        };
        if size == 0 || life.period.is_none() {
            life.period = life.front;
            life.wanted &= size > 0;
            return life.wanted;
        }
        is_over || life.wanted
    }

    /// Finds out which file is open. To be called with the lock held.
    pub(super) fn identify(&mut self) {
        let Some(open) = &self.file else { return };
        let identity = open.identity();
        if self.life.of == Some(identity) || !open.regular || open.astray {
            return;
        }
        let Some((directory, set)) = self.target.place() else { return };
        let Ok(head) = catalogue::head_of(&open.file) else { return };
        let (size, now, own) = (open.size, seconds(), self.life.generation);
        let mut is_taken = false;
        let found = self.target.catalogue.with(|catalogue| {
            if catalogue.look() == Look::Refused {
                return None;
            }
            let mut entry = current(catalogue, set, identity, &head);
            // Nothing is known of an empty file. Other files of the set are found by the upkeep.
            if entry.is_none() && (size > 0 || catalogue.known().current(set).is_some()) {
                // This process has written to it, and none has noted a rotation.
                let open = catalogue.known().current(set).map(|entry| entry.generation);
                let taken = own.filter(|own| open == Some(*own));
                match catalogue.reconcile(directory, set, now) {
                    Ok(foreign) => {
                        catalogue::tell_foreign(directory, catalogue.known(), foreign.iter().map(String::as_str));
                    }
                    // Who may not list a directory may log there all the same.
                    Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {}
                    Err(error) => remark("look for log files", format!("{}: {error}", directory.display())),
                }
                is_taken =
                    taken.and_then(|taken| catalogue.known().get(taken)).is_some_and(|entry| entry.closed.is_some());
                entry = current(catalogue, set, identity, &head);
            }
            let calendar = self.target.rotation.when.calendar.as_ref();
            let begins = || catalogue.begins(set, &open.file, now);
            if let Some(entry) = &mut entry
                && let Some(period) = calendar.map(|calendar| period_of(calendar, entry.period, now, begins))
                && entry.period != Some(period)
            {
                entry.period = Some(period);
                catalogue.change(vec![Change::File(entry.clone())]);
            }
            Some(entry)
        });
        // Nothing can be said now: the next write asks again.
        let Some(entry) = found.unwrap_or(Some(None)) else { return };
        let life = &mut self.life;
        let when = &self.target.rotation.when;
        // Another program may rotate what this one does not.
        if is_taken && !life.has_told && (when.max_bytes > 0 || when.calendar.is_some()) {
            let path = self.target.path.display();
            let reason = format!(
                "{path} was renamed or emptied by something else: let one program alone rotate it (max_bytes=0 leaves it to another)"
            );
            remark("keep a log file to this library", reason);
            life.has_told = true;
        }
        // Processes of one program start one after the other, and the first has made the file.
        if life.is_start && entry.as_ref().is_some_and(|entry| (0..STARTING).contains(&(now - entry.made))) {
            life.wanted = false;
        }
        life.is_start = false;
        life.of = Some(identity);
        life.generation = entry.as_ref().map(|entry| entry.generation);
        life.period = entry.and_then(|entry| entry.period).filter(|_| self.target.rotation.when.calendar.is_some());
        life.since = (life.has_begun || size == 0).then(Instant::now);
        life.has_begun = true;
    }

    /// Whether any process has rotated the file so short a time ago. To be called with the lock held.
    pub(super) fn was_rotated_within(&self, time: Duration) -> bool {
        let Some((_, set)) = self.target.place() else { return false };
        let last = self.target.catalogue.with(|catalogue| {
            catalogue.look();
            catalogue.known().of_set(set).filter_map(|entry| Some(entry.closed?.at)).max()
        });
        let time = i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
        // A clock that was set back makes no rotation a recent one.
        last.flatten().is_some_and(|last| (0..time).contains(&seconds().saturating_sub(last)))
    }

    /// Gives a file its generation, before its first lines are appended. To be called with the lock held.
    pub(super) fn register(&mut self, identity: Identity, lines: &[u8]) {
        if self.life.generation.is_some() || self.life.of != Some(identity) {
            return;
        }
        let Some((directory, set)) = self.target.place() else { return };
        let period = self.life.period;
        let generation = self.target.catalogue.with(|catalogue| {
            catalogue.look_or_find(directory, set, seconds());
            if catalogue.is_refused() {
                return None;
            }
            let generation = catalogue.known().next();
            catalogue.change(vec![Change::File(Entry {
                generation,
                set: set.to_owned(),
                name: set.to_owned(),
                mark: Mark::of(identity.inode, lines),
                made: seconds(),
                period,
                closed: None,
            })]);
            Some(generation)
        });
        self.life.generation = generation.flatten();
        if generation == Some(None) {
            // The next write asks again which file it is.
            self.life.doubt();
        }
    }

    /// How the file is dated when it is rotated.
    pub(super) fn label(&self) -> String {
        let rotation = &self.target.rotation;
        let period = self.life.period;
        let daily = || Calendar { every: Every::Days(1), at: 0, zone: rotation.zone.clone() };
        let calendar = rotation.when.calendar.clone().unwrap_or_else(daily);
        Turns::new(&calendar, 0, period, seconds()).label()
    }

    /// Notes the new names of files, and that the current one gets no more records.
    pub(super) fn note_rotation(&mut self, done: &[Step]) {
        let Some((directory, set)) = self.target.place() else { return };
        let bytes = self.file.as_ref().map_or(0, |open| open.size);
        self.target.catalogue.with(|catalogue| {
            if catalogue.look_or_find(directory, set, seconds()) || catalogue.is_refused() {
                // As the files are by now, or will be found by the next look that is not refused.
                return;
            }
            let known = catalogue.known();
            let mut names: BTreeMap<&str, Generation> =
                known.of_set(set).map(|entry| (entry.name.as_str(), entry.generation)).collect();
            let current = names.get(set).copied();
            let (mut moved, mut changes) = (Vec::new(), Vec::new());
            for step in done {
                let (gone, from, to) = match step {
                    Step::Remove(name) => (name, None, None),
                    Step::Rename(from, to) | Step::Replace(from, to) => (to, names.remove(from.as_str()), Some(to)),
                };
                changes.extend(names.remove(gone.as_str()).map(Change::Gone));
                if let Some((generation, to)) = from.zip(to) {
                    moved.push((generation, to.clone()));
                    names.insert(to, generation);
                }
            }
            let closed = current.filter(|current| moved.iter().any(|(generation, _)| generation == current));
            if !moved.is_empty() {
                changes.push(Change::Moved(moved));
            }
            changes
                .extend(closed.map(|closed| Change::Closed(closed, Closed { at: seconds(), bytes, sequence: None })));
            if !changes.is_empty() {
                catalogue.change(changes);
            }
        });
    }
}

impl FileTarget {
    /// What has a name in the directory. Without a catalogue everything there is of the set. To be called with the lock held.
    pub(super) fn whose(&self, directory: &Path, set: &str, name: &str) -> io::Result<There> {
        let known = self.catalogue.with(|catalogue| catalogue.whose(directory, set, name));
        known.unwrap_or_else(|| match directory.join(name).symlink_metadata() {
            Err(error) if platform::is_missing(&error) => Ok(There::Nothing),
            meta => meta.map(|_| There::Ours),
        })
    }

    /// Whether others have packed, renamed or brought files that are to be renamed or to go: then they are known by now. To be called with the lock held.
    pub(super) fn knows_better(&self, directory: &Path, set: &str, steps: &[Step]) -> bool {
        let is_new = self.catalogue.with(|catalogue| {
            // What is noted here must not stand over a catalogue that another process has made since.
            let is_missing = catalogue.look() == Look::Missing;
            let known = catalogue.known();
            let is_unknown = |name: &String| name != set && known.named(set, name).is_none();
            // What would go may be a copy that somebody has made.
            let is_unknown = |step: &Step| match step {
                Step::Rename(name, _) | Step::Remove(name) => is_unknown(name),
                Step::Replace(from, to) => is_unknown(from) || is_unknown(to),
            };
            if !is_missing && !steps.iter().any(is_unknown) {
                return false;
            }
            let foreign = catalogue.reconcile(directory, set, seconds());
            let foreign = foreign.inspect(|foreign| {
                catalogue::tell_foreign(directory, catalogue.known(), foreign.iter().map(String::as_str));
            });
            foreign.is_ok()
        });
        is_new.unwrap_or(false)
    }

    /// Tells once of something that somebody else has put where a rotated file would be. To be called with the lock held.
    pub(super) fn note_foreign(&self, directory: &Path, set: &str, names: BTreeSet<String>) {
        let note = |catalogue: &mut Catalogue| {
            let is_new = |name: &String| catalogue.known().foreign_at(name).is_none();
            let new: Vec<String> = names.into_iter().filter(is_new).collect();
            let change = |name: &String| {
                let path = directory.join(name);
                let inode = platform::identity_at(&path).map_or(0, |identity| identity.inode);
                let head = catalogue::beginning(&path).map(|(head, _)| head).unwrap_or_default();
                let (set, name, mark) = (set.to_owned(), name.clone(), Mark::of(inode, &head));
                Change::Foreign { set, name, mark, is_copy: false }
            };
            catalogue::tell_foreign(directory, catalogue.known(), new.iter().map(String::as_str));
            if !new.is_empty() {
                catalogue.change(new.iter().map(change).collect());
            }
        };
        self.catalogue.with(note);
    }
}

/// The current file of a set, if it is known, and is this one.
fn current(catalogue: &catalogue::Catalogue, set: &str, identity: Identity, head: &[u8]) -> Option<Entry> {
    let entry = catalogue.known().current(set)?;
    (entry.name == set && entry.mark.inode == identity.inode && entry.mark.fits(head)).then(|| entry.clone())
}

/// The period of a file, by what is known of it. It has that of another calendar if this one was set since: then that counts, where it is over.
/// Where none is known, because the catalogue was lost or periods are new here, it is the one in which the file's records begin.
fn period_of(calendar: &Calendar, known: Option<Period>, now: i64, begins: impl FnOnce() -> i64) -> Period {
    let periods = calendar.periods();
    match known {
        Some(known) if known.end <= now || periods.at(known.start) == known => known,
        Some(_) => periods.at(now),
        None => periods.at(begins()),
    }
}

fn seconds() -> i64 {
    clock::now().div_euclid(NANOSECONDS)
}
