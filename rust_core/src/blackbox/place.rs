//! Where black boxes lie, and finding those whose owner is gone.

use std::fs::{self, File};
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::ops::{ControlFlow, Deref};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::format::{Head, SETTINGS};
use crate::config::BlackBoxPlace;
use crate::platform::{self, Identity, Mapping};
use crate::table::lock_briefly;

/// Beside the logs.
const DIRECTORY: &str = ".unified_logger";
const BOX: &str = "box";
/// A box in the making: its owner has no lock yet.
const NEW: &str = "new";
/// Set aside: of another format, or damaged.
const ASIDE: &str = "aside";
/// The largest box that options allow, in bytes.
const LARGEST: u64 = 1 << 30;
/// Nobody takes as long to make a box.
const MAKING: Duration = Duration::from_secs(60);

/// The boxes of this process: it must never open them again, or it would lose their locks.
static OWN: Mutex<Vec<Identity>> = Mutex::new(Vec::new());

/// A directory for boxes, and what the names of those for one log directory begin with.
#[derive(Clone, Debug)]
pub struct Place {
    pub directory: PathBuf,
    prefix: String,
    pub shared_memory: bool,
}

/// A directory of boxes that this process does not believe, and why. A box decides which files are written and how, so one that
/// another user could have planted must not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Distrust {
    pub directory: PathBuf,
    pub reason: &'static str,
}

/// The places where the boxes of a log directory may be.
#[must_use]
pub fn all(log_directory: &Path) -> Vec<Place> {
    let beside = Place { directory: log_directory.join(DIRECTORY), prefix: String::new(), shared_memory: false };
    let shared = platform::shared_memory_directory().map(|directory| Place {
        directory,
        prefix: format!("{:016x}-", name_of(log_directory)),
        shared_memory: true,
    });
    shared.into_iter().chain([beside]).collect()
}

/// Where to make a box, the first choice first.
#[must_use]
pub fn choices(log_directory: &Path, wanted: BlackBoxPlace) -> Vec<Place> {
    let mut places = all(log_directory);
    match wanted {
        BlackBoxPlace::Off => places.clear(),
        // What is in a container's memory goes with it: second best there, and better than nothing.
        BlackBoxPlace::Auto if platform::is_in_container() => places.reverse(),
        BlackBoxPlace::Auto | BlackBoxPlace::SharedMemory => {}
        BlackBoxPlace::Directory => places.retain(|place| !place.shared_memory),
    }
    places
}

/// A name for a directory that is the same in every process (FNV-1a of its real path).
fn name_of(directory: &Path) -> u64 {
    let real = directory.canonicalize().unwrap_or_else(|_| directory.to_owned());
    real.as_os_str()
        .as_encoded_bytes()
        .iter()
        .fold(0xCBF2_9CE4_8422_2325, |name, byte| (name ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01B3))
}

/// A file in the making, this process's already.
#[derive(Debug)]
pub struct Making {
    pub file: File,
    path: PathBuf,
    identity: Identity,
}

impl Place {
    /// Begins a box: a file of `size` bytes that are really there.
    ///
    /// # Errors
    /// When the place cannot be made, is another user's, has no room or no locks.
    pub fn begin(&self, size: u64) -> io::Result<Making> {
        platform::private_directory(&self.directory)?;
        let random = RandomState::new().hash_one(crate::clock::now());
        let name = format!("{}{}-{random:016x}.{NEW}", self.prefix, platform::process_id());
        let path = self.directory.join(name);
        let file = platform::open_private(&path, true)?;
        let making = Making { identity: platform::identity(&file)?, file, path };
        match own(making.identity)
            .and_then(|()| platform::reserve(&making.file, size))
            .and_then(|()| platform::lock_as_owner(&making.file))
        {
            Ok(true) => Ok(making),
            Ok(false) => Err(making.abandon(io::ErrorKind::WouldBlock.into())),
            Err(error) => Err(making.abandon(error)),
        }
    }

    /// Who may have made the boxes here: this user alone, whose they are to be. Root believes the owner of a log directory as well,
    /// where nobody else may write in it. In shared memory, which all may write to, the name says whose a directory is.
    fn trusted(&self) -> Result<Option<fs::Metadata>, Distrust> {
        let distrust = |reason| Err(self.distrust(reason));
        let Ok(meta) = self.directory.symlink_metadata() else { return Ok(None) };
        if !meta.is_dir() {
            return distrust("it is no directory");
        }
        if platform::others_may_write(&meta) {
            return distrust("other users may write in it");
        }
        if platform::is_mine(&meta) {
            return Ok(Some(meta));
        }
        let of_the_logs = |meta: &fs::Metadata| {
            let logs = self.directory.parent().and_then(|logs| logs.metadata().ok());
            logs.is_some_and(|logs| platform::same_owner(&logs, meta) && !platform::others_may_write(&logs))
        };
        if !self.shared_memory && platform::is_root() && of_the_logs(&meta) {
            return Ok(Some(meta));
        }
        distrust("it belongs to another user")
    }

    /// Looks at the boxes of other processes, and at those in the making. What belongs to another user is looked at with that user's
    /// rights. `None` where there is no directory for boxes.
    ///
    /// # Errors
    /// When another user could have planted boxes here, or the rights of the boxes' user are not to be had.
    fn look_around<R>(&self, look: impl FnOnce(Vec<PathBuf>, &fs::Metadata) -> R) -> Result<Option<R>, Distrust> {
        let Some(meta) = self.trusted()? else { return Ok(None) };
        let is_box = |path: &PathBuf| {
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            name.starts_with(&self.prefix) && [BOX, NEW].contains(&kind(path)) && !is_own(path)
        };
        let look = || match fs::read_dir(&self.directory) {
            Ok(entries) => {
                let paths = entries.filter_map(|entry| Some(entry.ok()?.path())).filter(is_box);
                let mut paths: Vec<PathBuf> = paths.collect();
                paths.sort();
                Ok(Some(look(paths, &meta)))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(_) => Err(self.distrust("its owner cannot read it")),
        };
        if platform::is_mine(&meta) {
            return look();
        }
        platform::with_rights_of(&meta, look)
            .unwrap_or_else(|_| Err(self.distrust("the rights of its owner are not to be had")))
    }

    fn distrust(&self, reason: &'static str) -> Distrust {
        Distrust { directory: self.directory.clone(), reason }
    }

    /// The first bytes of every box of another process, alive or not.
    pub fn each_front(&self, bytes: usize, mut look: impl FnMut(&[u8])) {
        let mut front = vec![0; bytes];
        // A place that is not believed is told by the next recovery.
        let _ = self.look_around(|paths, meta| {
            for path in paths {
                // A process in between may have made it its own: two threads of one never recover at the same time.
                if let Some(file) = open_others(&path, meta).filter(|_| !is_own(&path))
                    && let Ok(count) = platform::read_at(&file, &mut front, 0)
                {
                    look(&front[..count]);
                }
            }
        });
    }

    /// Opens every box whose owner is gone, with its owner's lock taken over, and hands it to `recover`, which may break off.
    ///
    /// # Errors
    /// As for `look_around`.
    pub fn each_ownerless(
        &self,
        mut recover: impl FnMut(Ownerless) -> ControlFlow<()>,
    ) -> Result<ControlFlow<()>, Distrust> {
        let each = |paths: Vec<PathBuf>, meta: &fs::Metadata| {
            for path in paths {
                let whole = kind(&path) == BOX;
                // One in the making is left alone: its owner could not have the lock while it is looked at.
                if !whole && !path.symlink_metadata().is_ok_and(|meta| is_old(&meta)) {
                    continue;
                }
                let Some(found) = take_over(path, meta) else { continue };
                if whole {
                    recover(found)?;
                } else {
                    let _ = found.remove();
                }
            }
            ControlFlow::Continue(())
        };
        Ok(self.look_around(each)?.unwrap_or(ControlFlow::Continue(())))
    }
}

impl Making {
    /// The box is whole: from now on others look at it.
    ///
    /// # Errors
    /// When it cannot be renamed.
    pub fn finish(self) -> io::Result<Own> {
        let path = self.path.with_extension(BOX);
        match fs::rename(&self.path, &path) {
            Ok(()) => Ok(Own { file: self.file, path, identity: self.identity }),
            Err(error) => Err(self.abandon(error)),
        }
    }

    /// Takes the file away again, and passes the reason on.
    pub fn abandon(self, error: io::Error) -> io::Error {
        let _ = fs::remove_file(&self.path);
        disown(self.identity);
        error
    }
}

/// A box of this process, whose lock it holds for as long as this lives.
#[derive(Debug)]
pub struct Own {
    file: File,
    path: PathBuf,
    identity: Identity,
}

/// Where a box of this process should be.
#[derive(Debug)]
pub struct Watch {
    pub path: PathBuf,
    identity: Identity,
}

impl Watch {
    /// Whether the box is no longer where others would find it.
    #[must_use]
    pub fn is_gone(&self) -> bool {
        platform::identity_at(&self.path).is_ok_and(|found| found != self.identity)
            || self.path.symlink_metadata().is_err_and(|error| error.kind() == io::ErrorKind::NotFound)
    }
}

impl Own {
    #[must_use]
    pub fn file(&self) -> &File {
        &self.file
    }

    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    #[must_use]
    pub fn watch(&self) -> Watch {
        Watch { path: self.path.clone(), identity: self.identity }
    }

    /// Takes the box away: nothing in it is left to write.
    pub fn remove(&self) {
        // If the directory is gone, so is the box.
        let _ = fs::remove_file(&self.path);
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        // First this: the lock goes with the file right after.
        disown(self.identity);
    }
}

/// A box whose owner is gone, held by this process for as long as it is open.
#[derive(Debug)]
pub struct Ownerless {
    pub file: Arc<File>,
    pub path: PathBuf,
    identity: Identity,
}

impl Drop for Ownerless {
    fn drop(&mut self) {
        disown(self.identity);
    }
}

impl Ownerless {
    /// Its bytes, copied: what is mapped could be cut off under the reader. As many as its head says, and only the head where that is
    /// none: the length that the file system tells is of unknown origin.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn read(&self) -> io::Result<Bytes> {
        let mut front = [0; SETTINGS];
        let count = platform::read_at(&self.file, &mut front, 0)?;
        let size = Head::read(&front[..count]).map_or(count as u64, |head| head.size.min(LARGEST));
        let length = usize::try_from(size.min(self.file.metadata()?.len())).unwrap_or(0);
        let mut bytes = Bytes { memory: Mapping::anonymous(length.max(1))?, length };
        bytes.length = platform::read_at(&self.file, bytes.all(), 0)?;
        Ok(bytes)
    }

    /// Takes the box away: nothing in it is left to write.
    ///
    /// # Errors
    /// When it cannot be removed.
    pub fn remove(&self) -> io::Result<()> {
        fs::remove_file(&self.path)
    }

    /// Sets the box aside for people to look at; nobody reads it again.
    ///
    /// # Errors
    /// When it cannot be renamed.
    pub fn set_aside(&self) -> io::Result<PathBuf> {
        let aside = self.path.with_extension(ASIDE);
        fs::rename(&self.path, &aside)?;
        Ok(aside)
    }
}

/// A box's bytes, in memory of the system's own that goes back to it: an allocator would keep as much for good.
#[derive(Debug)]
pub struct Bytes {
    memory: Mapping,
    length: usize,
}

impl Bytes {
    fn all(&mut self) -> &mut [u8] {
        // SAFETY: `length` bytes are mapped, zeroed, and borrowed mutably.
        unsafe { std::slice::from_raw_parts_mut(self.memory.start().as_ptr(), self.length) }
    }
}

impl Deref for Bytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        // SAFETY: as in `all`.
        unsafe { std::slice::from_raw_parts(self.memory.start().as_ptr(), self.length) }
    }
}

/// Opens a file of the directory's owner and takes the lock its owner would have. `None` for all others, and while it lives.
fn take_over(path: PathBuf, directory: &fs::Metadata) -> Option<Ownerless> {
    let file = open_others(&path, directory)?;
    // From here on nobody else in this process opens it: that would end in losing the lock.
    let found = Ownerless { identity: platform::identity(&file).ok()?, file: Arc::new(file), path };
    own(found.identity).ok()?;
    if !platform::lock_as_owner(&found.file).ok()? {
        return None;
    }
    // Somebody may have dealt with it between the opening and the lock.
    found.file.metadata().ok().filter(platform::has_name)?;
    found.path.exists().then_some(found)
}

/// Opens a box of another process, if it can be one at all.
fn open_others(path: &Path, directory: &fs::Metadata) -> Option<File> {
    let file = platform::open_private(path, false).ok()?;
    let meta = file.metadata().ok()?;
    let ours = platform::same_owner(&meta, directory) && !platform::others_may_write(&meta);
    (meta.is_file() && ours).then_some(file)
}

fn kind(path: &Path) -> &str {
    path.extension().and_then(|kind| kind.to_str()).unwrap_or_default()
}

fn is_old(meta: &fs::Metadata) -> bool {
    meta.modified().ok().and_then(|time| time.elapsed().ok()).is_some_and(|age| age > MAKING)
}

fn is_own(path: &Path) -> bool {
    let Ok(identity) = platform::identity_at(path) else { return true };
    // Not known, it counts as own: it must not be opened then.
    lock_briefly(&OWN).is_none_or(|own| own.contains(&identity))
}

fn own(identity: Identity) -> io::Result<()> {
    let mut own = lock_briefly(&OWN).ok_or(io::ErrorKind::WouldBlock)?;
    own.push(identity);
    Ok(())
}

fn disown(identity: Identity) {
    if let Some(mut own) = lock_briefly(&OWN) {
        own.retain(|known| *known != identity);
    }
}

/// In a forked child: the boxes are the parent's.
pub fn disown_all() {
    if let Some(mut own) = lock_briefly(&OWN) {
        own.clear();
    }
}
