//! Which files a set has, in the order in which they were written: by the catalogue, or by the directory where the catalogue does not tell.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use super::remarks::Remarks;
use crate::catalogue::{self, Change, Entry, Found, Generation, Known, Look, Mark, Unseen, View};
use crate::error::{Error, Result};
use crate::rotation::{Names, PACKED};
use crate::{clock, platform};

/// How often names are looked up again while a rotation or the upkeep changes them.
pub const LOOKS: usize = 12;
pub const PAUSE: Duration = Duration::from_millis(2);

/// How often a directory is looked at while its names change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Looks {
    /// It is looked at later again.
    Few,
    /// There is no later.
    Many,
}

impl Looks {
    const fn count(self) -> u32 {
        match self {
            Self::Few => 8,
            Self::Many => 100,
        }
    }
}

/// A log directory, which is read and never changed.
#[derive(Debug)]
pub struct Directory {
    pub path: PathBuf,
    view: View,
    /// Whether the catalogue tells anything.
    pub(super) is_told: bool,
    /// Whether there is none, or nothing stands in it.
    pub(super) is_missing: bool,
}

impl Directory {
    pub fn of(path: &Path) -> Self {
        Self { path: path.to_owned(), view: View::of(path), is_told: false, is_missing: false }
    }

    /// Reads what was written into the catalogue.
    pub fn look(&mut self, remarks: &mut Remarks) {
        self.is_missing = false;
        self.is_told = match self.view.look() {
            Ok(look) => {
                self.is_missing = look == Look::Missing;
                !self.is_missing
            }
            Err(why) => {
                let why = match why {
                    Unseen::Refused(error) => error.to_string(),
                    Unseen::Damaged => "it is damaged".to_owned(),
                    Unseen::Newer => "a later version has written it".to_owned(),
                };
                remarks.make(format!("the catalogue of {} is not used: {why}", self.path.display()));
                false
            }
        };
    }

    pub const fn known(&self) -> &Known {
        self.view.known()
    }

    /// Files of a set that are gone since this was asked last, as far as the catalogue tells.
    pub fn take_gone(&mut self, set: &str) -> Vec<Entry> {
        self.view.take_gone(set)
    }

    /// The names of the sets that have files here.
    ///
    /// # Errors
    /// When the directory cannot be read.
    pub fn sets(&mut self, remarks: &mut Remarks) -> Result<BTreeSet<String>> {
        self.look(remarks);
        let mut sets: BTreeSet<String> = BTreeSet::new();
        if self.is_told {
            sets.extend(self.known().files().map(|entry| entry.set.clone()));
        }
        let failed = |error| Error::io("list", &self.path, error);
        for entry in fs::read_dir(&self.path).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let is_no_folder = entry.file_type().is_ok_and(|kind| kind.is_file() || kind.is_symlink());
            let Ok(name) = entry.file_name().into_string() else { continue };
            if name.starts_with('.') {
                continue;
            }
            if let Some(current) = Names::current_of(&name) {
                sets.insert(current);
            } else if Path::new(&name).extension().is_some_and(|end| end == "log") && is_no_folder {
                sets.insert(name);
            }
        }
        Ok(sets)
    }
}

/// A file of a set.
#[derive(Clone, Debug)]
pub struct FileRef {
    /// A number that the file keeps as long as the reader lives.
    pub id: Generation,
    /// Its generation, where the catalogue tells it.
    pub generation: Option<Generation>,
    pub name: String,
    pub mark: Mark,
    pub is_closed: bool,
    /// The number of its first record.
    pub first: Option<u64>,
}

/// The files of one set.
#[derive(Debug)]
pub struct SetFiles {
    pub name: String,
    /// What the reader knows of its own, where the catalogue does not tell all: then the order is that in which files were found.
    own: Option<Own>,
    /// What the catalogue told the last time.
    told: Vec<Entry>,
    /// Which catalogue that was.
    reading: u64,
    /// The number that it would have given next.
    next: Generation,
    /// How often it was another one, which gives the same numbers to other files.
    epoch: u64,
    /// Why the catalogue did not do, where that is to be told.
    pub why_own: Option<String>,
}

/// Files as a reader knows them by itself.
#[derive(Debug, Default)]
struct Own {
    known: Known,
    /// Which of them have their numbers from the catalogue.
    told: BTreeSet<Generation>,
    order: Vec<Generation>,
}

impl SetFiles {
    pub const fn of(name: String) -> Self {
        Self { name, own: None, told: Vec::new(), reading: 0, next: 0, epoch: 0, why_own: None }
    }

    /// How often the files that were here are gone, with their catalogue.
    pub const fn epoch(&self) -> u64 {
        self.epoch
    }

    /// Whether files are in the order of their generations.
    pub const fn is_by_catalogue(&self) -> bool {
        self.own.is_none()
    }

    /// The files, the oldest first. With `thorough` the directory is asked whether there are others than the catalogue knows. None if names change
    /// faster than they can be read.
    ///
    /// # Errors
    /// When the directory cannot be read.
    pub fn refresh(
        &mut self,
        directory: &mut Directory,
        thorough: bool,
        looks: Looks,
        remarks: &mut Remarks,
    ) -> Result<Option<Vec<FileRef>>> {
        let failed = |path: &Path, error| Error::io("list", path, error);
        let current = directory.path.join(&self.name);
        if thorough && current.symlink_metadata().is_ok_and(|meta| meta.is_symlink()) {
            remarks.make_of_link(&current);
        }
        if self.own.as_ref().is_some_and(|own| own.known.next() == 1) {
            // There was nothing that could be known. By now there may be a catalogue.
            self.own = None;
        }
        for _ in 0..LOOKS {
            directory.look(remarks);
            if directory.is_told && self.is_of_another_catalogue(directory) {
                (self.own, self.next) = (None, 0);
                self.told.clear();
                self.epoch += 1;
            }
            if self.own.is_some() || !directory.is_told || self.is_renumbered(directory) {
                break;
            }
            // One that was made again may say less than the one before.
            let reading = directory.view.readings();
            let thorough = thorough || reading != self.reading;
            if self.is_all(directory, thorough).map_err(|error| failed(&directory.path, error))? {
                (self.reading, self.next) = (reading, directory.known().next());
                self.told = directory.known().of_set(&self.name).cloned().collect();
                return Ok(Some(self.by_catalogue(directory.known())));
            }
            thread::sleep(PAUSE);
        }
        let found = catalogue::find_at_once(&directory.path, &self.name, looks.count());
        let (found, is_agreed) = found.map_err(|error| failed(&directory.path, error))?;
        if !is_agreed {
            if looks == Looks::Few {
                return Ok(None);
            }
            remarks.make(format!("the files of {} have changed their names faster than they could be read", self.name));
        }
        let mut found = without_both(found);
        // What other programs have put there is no log of this set.
        found.retain(|found| {
            let foreign = directory.known().foreign_at(&found.name);
            foreign.is_none_or(|foreign| foreign.mark.inode != found.inode)
        });
        if thorough && self.own.is_none() {
            self.why_own = self.why_not_by_catalogue(directory, &found);
        }
        let Own { known, told, order } = self.own.get_or_insert_with(|| {
            let mut known = Known::default();
            let entries = if self.told.is_empty() && directory.is_told {
                directory.view.known().of_set(&self.name).cloned().collect()
            } else {
                std::mem::take(&mut self.told)
            };
            let told = entries.iter().map(|entry: &Entry| entry.generation).collect();
            known.apply(entries.into_iter().map(Change::File));
            Own { known, told, order: Vec::new() }
        });
        let found: Vec<Found> = found
            .into_iter()
            .map(|found| Found {
                // A generation of which nothing is known would say nothing about the order.
                generation: found.generation.filter(|number| told.contains(number)),
                head: whole_lines(&found.head).to_vec(),
                ..found
            })
            .collect();
        let now = clock::now().div_euclid(1_000_000_000);
        let is_same = |one: &Found, other: &Found| catalogue::is_same(&directory.path, one, other);
        let mut changes = known.reconcile_with(&self.name, &found, now, &|_| true, &is_same);
        changes.retain(|change| {
            let Change::Foreign { name, mark, .. } = change else { return true };
            // A file that was renamed in the meantime has two names for once.
            let is_listed_twice = found.iter().filter(|found| found.inode == mark.inode).count() > 1;
            if !is_listed_twice {
                remarks.make_of_copy(&directory.path.join(name));
            }
            !is_listed_twice
        });
        known.apply(changes);
        let id = |found: &Found| {
            known.of_set(&self.name).find(|entry| entry.name == found.name).map(|entry| entry.generation)
        };
        *order = found.iter().filter_map(id).collect();
        let refer = |id: &Generation| {
            let entry = known.get(*id)?;
            let is_told = directory.view.known().get(*id).is_some_and(|told| told.mark == entry.mark);
            Some(FileRef {
                id: *id,
                generation: is_told.then_some(*id),
                is_closed: entry.name != self.name,
                name: entry.name.clone(),
                mark: entry.mark,
                first: None,
            })
        };
        Ok(Some(order.iter().filter_map(refer).collect()))
    }

    /// Whether somebody has removed all files and their catalogue, or has put another directory here, so that numbers begin again.
    fn is_of_another_catalogue(&self, directory: &Directory) -> bool {
        let known = directory.known();
        let is_another = |told: &Entry| {
            known.get(told.generation).is_some_and(|entry| {
                let (one, other) = (told.mark, entry.mark);
                let may_be = one.length > 0 && other.length > 0 && (one.length, one.sum) != (other.length, other.sum);
                // The mark of a file grows with it.
                may_be
                    && catalogue::beginning(&directory.path.join(&entry.name))
                        .is_ok_and(|(head, _)| other.fits(&head) && !one.fits(&head))
            })
        };
        known.next() < self.next || self.told.iter().any(is_another)
    }

    /// Whether files have other generations than before, because the catalogue was made again.
    fn is_renumbered(&self, directory: &Directory) -> bool {
        let known = directory.known();
        let is_told = |entry: &&Entry| self.told.iter().any(|told| told.generation == entry.generation);
        let mut missing = self.told.iter().filter(|told| known.get(told.generation).is_none() && told.mark.length > 0);
        // Mostly there are none: a file that is missing was deleted.
        let others: Vec<_> = known.of_set(&self.name).filter(|entry| !is_told(entry)).collect();
        missing.any(|told| {
            others.iter().any(|other| {
                let path = directory.path.join(&other.name);
                // The number that the system gave it says nothing: a packed file is another one.
                catalogue::beginning(&path).is_ok_and(|(head, _)| told.mark.fits(&head))
            })
        })
    }

    /// Whether the catalogue knows the current file, and all others if `thorough`.
    fn is_all(&self, directory: &Directory, thorough: bool) -> io::Result<bool> {
        let known = directory.known();
        if thorough {
            let told: BTreeSet<&str> = known.of_set(&self.name).map(|entry| &*entry.name).collect();
            for entry in fs::read_dir(&directory.path)? {
                let entry = entry?;
                let Ok(name) = entry.file_name().into_string() else { continue };
                // Nothing is known of a file in which nothing stands.
                if Names::is_rotated(&self.name, &name)
                    && !told.contains(&*name)
                    && known.foreign_at(&name).is_none()
                    && entry.metadata().is_ok_and(|meta| meta.is_file() && meta.len() > 0)
                {
                    return Ok(false);
                }
            }
        }
        let path = directory.path.join(&self.name);
        // Where it is there all the same, its opening by the reader tells why.
        let Ok(file) = platform::open_to_read(&path) else { return Ok(true) };
        if !file.metadata()?.is_file() {
            return Ok(true);
        }
        let head = catalogue::head_of(&file)?;
        let current = known.current(&self.name);
        Ok(head.is_empty() || current.is_some_and(|entry| entry.mark.length > 0 && entry.mark.fits(&head)))
    }

    fn by_catalogue(&self, known: &Known) -> Vec<FileRef> {
        // Files that are not counted yet follow those that are.
        let mut next = Some(known.counted(&self.name));
        let refer = |entry: &Entry| {
            let first = match entry.closed.and_then(|closed| closed.sequence) {
                Some((first, _)) => Some(first),
                None => next.take(),
            };
            FileRef {
                id: entry.generation,
                generation: Some(entry.generation),
                name: entry.name.clone(),
                mark: entry.mark,
                is_closed: entry.closed.is_some(),
                first,
            }
        };
        known.of_set(&self.name).map(refer).collect()
    }
}

/// What will still be there when a torn line was cut. If that is all there is, nothing else tells the file from others.
pub fn whole_lines(head: &[u8]) -> &[u8] {
    let end = memchr::memrchr(b'\n', head).filter(|_| head.len() < Mark::enough());
    &head[..end.map_or(head.len(), |end| end + 1)]
}

/// Files that are there packed and not, because they are being packed, are one.
fn without_both(found: Vec<Found>) -> Vec<Found> {
    let names: BTreeSet<String> = found.iter().map(|found| found.name.clone()).collect();
    let is_copy = |found: &Found| {
        PACKED.iter().any(|end| found.name.strip_suffix(end).is_some_and(|plain| names.contains(plain)))
    };
    found.into_iter().filter(|found| !is_copy(found)).collect()
}

/// A file of a set that was opened under its name, and its first bytes, if it is the one that was meant.
///
/// # Errors
/// When it cannot be opened or read, or must not be.
pub fn open(directory: &Path, wanted: &FileRef) -> Result<Option<(File, fs::Metadata, Vec<u8>)>> {
    let path = directory.join(&wanted.name);
    let failed = |error| Error::io("read", &path, error);
    let (file, meta) = crate::archive::open_log("read", &path)?;
    let (head, generation) = if catalogue::is_packed(&wanted.name) {
        beginning(&file, meta.len(), wanted.generation).map_err(failed)?
    } else {
        (catalogue::head_of(&file).map_err(failed)?, None)
    };
    let mark = &wanted.mark;
    let is_it = generation.is_some() && generation == wanted.generation
        || mark.length > 0 && mark.fits(&head)
        || mark.length == 0 && mark.inode == platform::identity_of(&meta).inode;
    Ok(is_it.then_some((file, meta, head)))
}

/// The first bytes of a packed file. If it says that it is the one that is wanted, nothing is unpacked.
fn beginning(file: &File, length: u64, wanted: Option<Generation>) -> io::Result<(Vec<u8>, Option<Generation>)> {
    use std::io::Read;
    let mut archive = crate::archive::Archive::of(file.try_clone()?, length, None)?;
    let generation = archive.mark().map(|mark| mark.generation);
    let mut head = Vec::new();
    if generation.is_none() || generation != wanted {
        archive.stream(0)?.take(Mark::enough() as u64).read_to_end(&mut head)?;
    }
    Ok((head, generation))
}
