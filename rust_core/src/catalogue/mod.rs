//! Which files a log directory has, and had: each has a generation, which stays with it through renames, packing and restarts. What is known
//! stands in a file beside the boxes, which all processes of the directory share. It can be made again from the files, so nothing depends
//! on it: where it is missing or damaged, it is made again, and where it cannot be written, what is known stays in memory.

mod copies;
mod entry;
mod form;
mod found;
mod known;
mod lines;
mod open;
mod rebuild;
pub mod ship;
mod view;
mod whose;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

pub use copies::is_same;
pub use entry::{Closed, Entry, Generation, Mark};
pub use form::Form;
pub use found::{beginning, find, find_at_once, generation_in, is_packed, names, open_packed};
pub use known::{Foreign, Found, Known};
pub use lines::{Change, Unreadable};
pub use view::{Unseen, View};
pub use whose::{is_closed_to_us, is_it, tell_foreign};

use crate::error_handler::remark;
use crate::platform::{self, Identity};
use crate::table::lock_briefly;

const NAME: &str = "catalogue";
/// A catalogue that is to replace the one that is there.
const NEW: &str = "catalogue.tmp";
/// Where one goes that cannot be read.
const ASIDE: &str = "catalogue.damaged";
/// The file is written anew when so much of it is about what changed since.
const SPARE: u64 = 64 << 10;

/// The catalogue of one directory, as one process sees it. Others change it too: what matters is read again, with the directory's lock.
#[derive(Debug)]
pub struct Catalogue {
    /// The directory of the boxes.
    home: PathBuf,
    known: Known,
    /// The file that was read, and how much of it.
    seen: Option<(Identity, u64)>,
    /// Bytes of it when it was written whole.
    base: u64,
    /// Whether more is known than the file says.
    is_ahead: bool,
    /// A later version of this library keeps the catalogue: it is left alone.
    is_foreign: bool,
    /// It could not be read at the last look, and may say more than is known here: nothing is written, and no file gets a generation.
    is_refused: bool,
    /// Nothing is written, whatever is found.
    is_read_only: bool,
    /// What the lines of each set look like.
    forms: Arc<BTreeMap<String, Form>>,
}

/// Catalogues of later versions of which this process has told.
static NEWER: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

/// Whether root logs into the directory of another user.
#[must_use]
pub fn is_of_another(log_directory: &Path) -> bool {
    platform::is_root() && log_directory.symlink_metadata().is_ok_and(|meta| !platform::is_roots(&meta))
}

/// Whether the directory of the boxes is there, and belongs to another user.
#[must_use]
pub fn is_home_of_another(home: &Path) -> bool {
    match home.symlink_metadata() {
        Ok(meta) => meta.is_dir() && !platform::is_mine(&meta),
        // The process may not even enter the log directory any more.
        Err(error) => error.kind() == io::ErrorKind::PermissionDenied,
    }
}

/// Whether it was told that rotated files are left to another user.
static WAS_LEFT: AtomicBool = AtomicBool::new(false);

/// Tells once that nothing is done here for rotated files in the directory of another user.
pub fn tell_left(log_directory: &Path) {
    if !WAS_LEFT.swap(true, Ordering::Relaxed) {
        let reason = format!(
            "{} is another user's: packing and bounds but that of rotations with numbers are left to processes of that user",
            log_directory.display()
        );
        remark("look after log files", reason);
    }
}

/// A catalogue that the sinks of one engine share. None where no file is written.
#[derive(Clone, Debug, Default)]
pub struct SharedCatalogue(Option<Arc<Mutex<Catalogue>>>);

impl SharedCatalogue {
    #[must_use]
    pub fn of(log_directory: &Path) -> Self {
        Self(Some(Arc::new(Mutex::new(Catalogue::of(log_directory)))))
    }

    /// The same, with what the lines of each set look like.
    #[must_use]
    pub fn with_forms(log_directory: &Path, forms: BTreeMap<String, Form>) -> Self {
        Self(Some(Arc::new(Mutex::new(Catalogue::of(log_directory).with_forms(forms)))))
    }

    /// Calls a function with the catalogue. `None` where there is none.
    pub fn with<R>(&self, function: impl FnOnce(&mut Catalogue) -> R) -> Option<R> {
        lock_briefly(self.0.as_ref()?).map(|mut catalogue| function(&mut catalogue))
    }
}

/// What a look into the file told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    Same,
    Changed,
    /// There is none, or none that can be read: it must be made from the files.
    Missing,
    /// It cannot be read now, and may be as good as ever.
    Refused,
}

impl Catalogue {
    /// That of a log directory. Nothing is read before `look`.
    #[must_use]
    pub fn of(log_directory: &Path) -> Self {
        let home = crate::blackbox::home(log_directory);
        Self {
            home,
            known: Known::default(),
            seen: None,
            base: 0,
            is_ahead: false,
            is_foreign: false,
            is_refused: false,
            is_read_only: false,
            forms: Arc::default(),
        }
    }

    /// The same catalogue, that knows what the lines of each set look like.
    #[must_use]
    pub fn with_forms(self, forms: BTreeMap<String, Form>) -> Self {
        Self { forms: Arc::new(forms), ..self }
    }

    /// The same catalogue, of which nothing is ever written: changes are known to this process alone.
    #[must_use]
    pub fn read_only(self) -> Self {
        Self { is_read_only: true, ..self }
    }

    /// Whether a later version of this library keeps it. Then nothing is known here of generations.
    #[must_use]
    pub const fn is_of_later_version(&self) -> bool {
        self.is_foreign
    }

    #[must_use]
    pub fn known(&self) -> &Known {
        &self.known
    }

    /// Reads what others have written since. What this process knows and could not write is forgotten where they have. To be called with the
    /// directory's lock, because a catalogue that is damaged is set aside.
    pub fn look(&mut self) -> Look {
        let read = self.read_on();
        self.is_refused = false;
        match read {
            Ok(look) => look,
            Err(error) if platform::is_missing(&error) => {
                self.seen = None;
                self.tell_loss();
                if self.is_ahead { Look::Same } else { Look::Missing }
            }
            // Only that user's processes may read it. What is known here stays in memory.
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied && self.is_of_another_user() => Look::Same,
            // Where descriptors have run out, what was known goes on until a later look finds some.
            Err(error) if platform::is_want_of_descriptors(&error) && self.seen.is_some() => Look::Same,
            Err(error) => {
                self.is_refused = true;
                // Where descriptors have run out, a later look finds some.
                if !platform::is_want_of_descriptors(&error) {
                    let reason = format!("{}: {error}", self.home.join(NAME).display());
                    remark("read the catalogue of log files", reason);
                }
                Look::Refused
            }
        }
    }

    /// Whether it could not be read at the last look.
    #[must_use]
    pub const fn is_refused(&self) -> bool {
        self.is_refused
    }

    fn read_on(&mut self) -> io::Result<Look> {
        let Some((mut file, meta)) = open::open(&self.home, NAME)? else { return Ok(self.set_aside()) };
        let identity = platform::identity_of(&meta);
        let from = match self.seen {
            Some((seen, upto)) if seen == identity && upto <= meta.len() => upto,
            _ => 0,
        };
        if from > 0 && from == meta.len() {
            return Ok(Look::Same);
        }
        let mut text = Vec::new();
        file.seek(SeekFrom::Start(from))?;
        file.take(open::LONGEST).read_to_end(&mut text)?;
        match lines::read(&text) {
            Ok((changes, whole)) => {
                if from == 0 {
                    (self.known, self.is_ahead, self.base) = (Known::default(), false, whole as u64);
                }
                let is_new = !changes.is_empty() || from == 0;
                self.known.apply(changes);
                self.seen = Some((identity, from + whole as u64));
                if from == 0 && whole == 0 {
                    return Ok(Look::Missing);
                }
                if from == 0 {
                    self.note_sight();
                }
                Ok(if is_new { Look::Changed } else { Look::Same })
            }
            Err(Unreadable::Newer) => {
                self.is_foreign = true;
                self.seen = Some((identity, meta.len()));
                let is_told = lock_briefly(&NEWER).is_none_or(|mut told| !told.insert(self.home.clone()));
                if !is_told {
                    let reason = format!(
                        "a later version has written {}: it is left alone, and no file is deleted here",
                        self.home.join(NAME).display()
                    );
                    remark("read the catalogue of log files", reason);
                }
                Ok(Look::Same)
            }
            Err(Unreadable::Damaged) if from > 0 => {
                // It may be another file, which the system gave the number of the one that was read before.
                self.seen = None;
                self.read_on()
            }
            Err(Unreadable::Damaged) => Ok(self.set_aside()),
        }
    }

    /// Makes room for a new catalogue, where this process may make one. Elsewhere what is known stays in memory.
    fn set_aside(&mut self) -> Look {
        self.seen = None;
        let may_write = self.may_write();
        if !may_write && self.is_ahead {
            return Look::Same;
        }
        if may_write && fs::rename(self.home.join(NAME), self.home.join(ASIDE)).is_ok() {
            let reason = format!("{} is damaged, and made again from the files", self.home.join(NAME).display());
            remark("read the catalogue of log files", reason);
        }
        Look::Missing
    }

    /// Makes changes, which hold together. To be called with the directory's lock, after `look`.
    pub fn change(&mut self, changes: Vec<Change>) {
        if changes.is_empty() && !self.is_ahead {
            return;
        }
        let line = lines::write(&changes);
        self.known.apply(changes);
        if self.is_foreign || self.is_read_only || self.is_refused {
            self.is_ahead |= self.is_read_only || self.is_refused;
            return;
        }
        if let Err(error) = self.write(line.as_bytes()) {
            self.is_ahead = true;
            // Where descriptors have run out, the next change writes it. Where it is another user's, that user's processes make it from the files.
            if platform::is_want_of_descriptors(&error) || self.is_of_another_user() {
                return;
            }
            remark("write the catalogue of log files", format!("{}: {error}", self.home.join(NAME).display()));
        }
    }

    fn is_of_another_user(&self) -> bool {
        is_home_of_another(&self.home)
    }

    fn may_write(&self) -> bool {
        !self.is_read_only && !self.is_for_another() && !self.is_of_another_user()
    }

    fn is_for_another(&self) -> bool {
        self.home.parent().is_some_and(is_of_another)
    }

    fn write(&mut self, line: &[u8]) -> io::Result<()> {
        if let Some((identity, upto)) = self.seen
            && !self.is_ahead
            && upto < (2 * self.base + SPARE).min(open::LONGEST - SPARE)
        {
            // Never made here: what root makes in a user's directory, that user could not change.
            match platform::open_private(&self.home.join(NAME), false) {
                Ok(mut file) => {
                    let meta = file.metadata()?;
                    // What a process has written in part, which died, must not stand before this.
                    if platform::identity_of(&meta) == identity && meta.len() == upto {
                        file.seek(SeekFrom::Start(upto))?;
                        file.write_all(line)?;
                        self.seen = Some((identity, upto + line.len() as u64));
                        return Ok(());
                    }
                }
                Err(error) if platform::is_missing(&error) => self.tell_loss(),
                Err(error) => return Err(error),
            }
        }
        self.write_whole()
    }

    fn write_whole(&mut self) -> io::Result<()> {
        if self.is_for_another() {
            // What root makes here, the user of the directory could not change.
            self.is_ahead = true;
            return Ok(());
        }
        platform::private_directory(&self.home)?;
        let (new, path) = (self.home.join(NEW), self.home.join(NAME));
        // One that a process has left, which died. A link there would lead elsewhere.
        platform::remove_if_there(&new)?;
        let text = self.known.write();
        let mut file = platform::open_private(&new, true)?;
        // Not synced: a catalogue that a power failure has cost is made again.
        file.write_all(text.as_bytes())?;
        let identity = platform::identity(&file)?;
        fs::rename(&new, &path)?;
        (self.seen, self.base, self.is_ahead) = (Some((identity, text.len() as u64)), text.len() as u64, false);
        self.note_sight();
        Ok(())
    }
}

/// The first bytes of a file, as many as a mark needs.
///
/// # Errors
/// When it cannot be read.
pub fn head_of(file: &File) -> io::Result<Vec<u8>> {
    let mut head = vec![0; Mark::enough()];
    let count = platform::read_at(file, &mut head, 0)?;
    head.truncate(count);
    Ok(head)
}
