//! Where black boxes lie, and finding those whose owner is gone.

use std::fs::{self, File};
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::ops::{ControlFlow, Deref};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::format::{CATALOG, Head, Kept, SETTINGS, SPENT};
use serde::Deserialize;

use crate::platform::{self, BoxLock, Identity, Mapping, Number, OwnFile};
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

/// The boxes that this process has open: those it writes and those it recovers.
static OWN: Mutex<Vec<Number>> = Mutex::new(Vec::new());

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
    /// Said to who asks for a recovery only: it is nothing that a process has to warn of.
    pub expected: bool,
}

/// The places where the boxes of a log directory may be.
#[must_use]
pub fn all(log_directory: &Path) -> Vec<Place> {
    let beside = Place { directory: log_directory.join(DIRECTORY), prefix: String::new(), shared_memory: false };
    let shared = name_of(log_directory).and_then(|name| Some(Place { prefix: prefix(name), ..strays()? }));
    shared.into_iter().chain([beside]).collect()
}

/// The boxes of this user in shared memory, of whichever log directory.
#[must_use]
pub fn strays() -> Option<Place> {
    let directory = platform::shared_memory_directory()?;
    Some(Place { directory, prefix: String::new(), shared_memory: true })
}

/// Where records wait that must survive the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum Wanted {
    /// In shared memory where that outlives the process's container, else beside the logs.
    #[serde(rename = "auto")]
    Auto,
    #[serde(rename = "shm")]
    SharedMemory,
    /// Beside the logs.
    #[serde(rename = "dir")]
    Directory,
    #[serde(rename = "off")]
    Off,
}

/// Where to make a box, the first choice first.
#[must_use]
pub fn choices(log_directory: &Path, wanted: Wanted) -> Vec<Place> {
    let mut places = all(log_directory);
    match wanted {
        Wanted::Off => places.clear(),
        // What is in a container's memory goes with it: second best there, and better than nothing.
        Wanted::Auto if platform::is_in_container() => places.reverse(),
        Wanted::Auto | Wanted::SharedMemory => {}
        Wanted::Directory => places.retain(|place| !place.shared_memory),
    }
    places
}

/// A name for a directory that is the same in every process, and no other directory's: neither that of one at the same path in another
/// container, nor of one that was there before (FNV-1a of its identity). `None` where there is no directory.
fn name_of(directory: &Path) -> Option<u64> {
    let bytes = platform::birth(directory).ok()?.into_iter().flat_map(u64::to_le_bytes);
    Some(bytes.fold(0xCBF2_9CE4_8422_2325, |name, byte| (name ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3)))
}

fn prefix(name: u64) -> String {
    format!("{name:016x}-")
}

/// A file in the making, this process's already.
#[derive(Debug)]
pub struct Making {
    pub file: OwnFile,
    /// Opened on its own: what is mapped keeps its file open, in children too, and with it the lock.
    lock: OwnFile,
    place: Place,
    /// Its name without the prefix of the place and without its kind.
    name: String,
    identity: Identity,
    size: u64,
}

impl Place {
    /// Begins a box: a file of `size` bytes that are really there.
    ///
    /// # Errors
    /// When the place cannot be made, is another user's, has no room or no locks.
    pub fn begin(&self, size: u64) -> io::Result<Making> {
        platform::private_directory(&self.directory)?;
        let random = RandomState::new().hash_one(crate::clock::now());
        let name = format!("{}-{random:016x}", platform::process_id());
        let path = self.path(&name, NEW);
        let file = platform::open_private(&path, true)?;
        let lock = platform::open_private(&path, false).inspect_err(|_| drop(fs::remove_file(&path)))?;
        let (file, lock) = (OwnFile::new(file)?, OwnFile::new(lock)?);
        let making = Making { identity: lock.identity(), file, lock, place: self.clone(), name, size };
        match own(making.lock.number())
            .and_then(|()| platform::reserve(&making.file, size))
            .and_then(|()| platform::lock_box(&making.lock, BoxLock::Owner))
        {
            Ok(true) => Ok(making),
            Ok(false) => Err(making.abandon(io::ErrorKind::WouldBlock.into())),
            Err(error) => Err(making.abandon(error)),
        }
    }

    fn path(&self, name: &str, kind: &str) -> PathBuf {
        self.directory.join(format!("{}{name}.{kind}", self.prefix))
    }

    /// Who may have made the boxes here: this user alone, whose they are to be. Root believes the owner of a log directory as well,
    /// where nobody else may write in it. In shared memory, which all may write to, the name says whose a directory is.
    fn trusted(&self) -> Result<Option<fs::Metadata>, Distrust> {
        let distrust = |reason| Err(self.distrust(reason));
        let meta = match self.directory.symlink_metadata() {
            Ok(meta) => meta,
            Err(error) if platform::is_missing(&error) => return Ok(None),
            // As for a process that may not enter its log directory any more.
            Err(_) => return Err(Distrust { expected: true, ..self.distrust("it cannot be looked at") }),
        };
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
        // Root plants nothing, and lets nobody look: its boxes are its own processes' to recover.
        if platform::is_roots(&meta) {
            return Err(Distrust {
                expected: true,
                ..self.distrust("it belongs to root, who alone may recover from it")
            });
        }
        distrust("it belongs to another user")
    }

    /// Looks at the boxes of other processes, and at those in the making. What belongs to another user is looked at with that user's
    /// rights. `None` where there is no directory for boxes.
    ///
    /// # Errors
    /// When another user could have planted boxes here, or the rights of the boxes' user are not to be had.
    fn look_around<R: Send>(
        &self,
        look: impl FnOnce(Vec<PathBuf>, &fs::Metadata) -> R + Send,
    ) -> Result<Option<R>, Distrust> {
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
        Distrust { directory: self.directory.clone(), reason, expected: false }
    }

    /// The first bytes of every box of another process, alive or not.
    pub fn each_front(&self, bytes: usize, mut look: impl FnMut(&[u8]) + Send) {
        let mut front = vec![0; bytes];
        // A place that is not believed is told by the next recovery.
        let _ = self.look_around(|paths, meta| {
            for path in paths {
                if let Some(file) = open_others(&path, meta)
                    && let Ok(count) = platform::read_at(&file, &mut front, 0)
                {
                    look(&front[..count]);
                }
            }
        });
    }

    /// Removes what was set aside, if nobody has looked after it for so long. Tells which files those were.
    ///
    /// # Errors
    /// As for `look_around`.
    pub fn remove_aside(&self, age: Duration) -> Result<Vec<PathBuf>, Distrust> {
        let Some(_) = self.trusted()? else { return Ok(Vec::new()) };
        let is_left = |path: &PathBuf| {
            kind(path) == ASIDE && path.symlink_metadata().is_ok_and(|meta| meta.is_file() && is_older(&meta, age))
        };
        let Ok(entries) = fs::read_dir(&self.directory) else { return Ok(Vec::new()) };
        let left = entries.filter_map(|entry| Some(entry.ok()?.path())).filter(is_left);
        Ok(left.filter(|path| fs::remove_file(path).is_ok()).collect())
    }

    /// Opens every box whose owner is gone, with its owner's lock taken over, and hands it to `recover`, which may break off.
    ///
    /// # Errors
    /// As for `look_around`.
    pub fn each_ownerless(
        &self,
        mut recover: impl FnMut(Ownerless) -> ControlFlow<()> + Send,
    ) -> Result<ControlFlow<()>, Distrust> {
        let each = |paths: Vec<PathBuf>, meta: &fs::Metadata| {
            for path in paths {
                let whole = kind(&path) == BOX;
                // One in the making is left alone: its owner could not have the lock while it is looked at.
                if !whole && !path.symlink_metadata().is_ok_and(|meta| is_older(&meta, MAKING)) {
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
    pub fn finish(self, log_directory: &Path) -> io::Result<Own> {
        let path = self.place.path(&self.name, BOX);
        if let Err(error) = fs::rename(self.place.path(&self.name, NEW), &path) {
            return Err(self.abandon(error));
        }
        drop(self.file);
        // Again, where locks belong to the process: with a descriptor they went.
        let _ = platform::lock_box(&self.lock, BoxLock::Owner);
        // A path that leads there whatever becomes of links on the way.
        let path = path.canonicalize().unwrap_or(path);
        Ok(Own(Arc::new(Watch {
            lock: self.lock,
            identity: self.identity,
            size: self.size,
            name: self.name,
            shared_memory: self.place.shared_memory,
            log_directory: log_directory.to_owned(),
            path: Mutex::new(path),
        })))
    }

    /// Takes the file away again, and passes the reason on.
    pub fn abandon(self, error: io::Error) -> io::Error {
        let _ = fs::remove_file(self.place.path(&self.name, NEW));
        disown(self.lock.number());
        error
    }
}

/// A box of this process, whose lock it holds for as long as this lives.
#[derive(Debug)]
pub struct Own(Arc<Watch>);

/// Where a box of this process is, and what becomes of it there.
#[derive(Debug)]
pub struct Watch {
    /// Closed with the rest.
    lock: OwnFile,
    identity: Identity,
    size: u64,
    /// See `Making`.
    name: String,
    shared_memory: bool,
    log_directory: PathBuf,
    path: Mutex<PathBuf>,
}

/// What somebody did to the box of a living process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Harm {
    Removed,
    /// Cut: what is no longer there ends whoever writes to it.
    Cut,
}

impl Watch {
    #[must_use]
    pub fn path(&self) -> PathBuf {
        lock_briefly(&self.path).map(|path| path.clone()).unwrap_or_default()
    }

    /// What was done to the box, if anything.
    #[must_use]
    pub fn harm(&self) -> Option<Harm> {
        let path = self.path();
        match path.symlink_metadata() {
            Ok(meta) if platform::identity_of(&meta) != self.identity => Some(Harm::Removed),
            Ok(meta) => (meta.len() < self.size).then_some(Harm::Cut),
            Err(error) => (error.kind() == io::ErrorKind::NotFound).then_some(Harm::Removed),
        }
    }

    /// Gives a box that was cut its room again, so that the next store does not end the process, and takes its name away: what it held
    /// is gone.
    ///
    /// # Errors
    /// When there is no room any more.
    pub fn mend(&self) -> io::Result<()> {
        let path = self.path();
        // Not by the descriptor: the program may have closed it.
        let file = platform::open_private(&path, false)?;
        if platform::identity(&file)? == self.identity {
            platform::reserve(&file, self.size)?;
            fs::remove_file(&path)?;
        }
        Ok(())
    }

    /// Moves the box to the log directory that its path leads to now: a link on the way may lead elsewhere since, or the directory may
    /// have been made again. Others look for it there.
    pub fn follow(&self) {
        let place = all(&self.log_directory).into_iter().find(|place| place.shared_memory == self.shared_memory);
        let Some(place) = place.filter(|place| place.directory.parent().is_some_and(Path::is_dir)) else { return };
        let now = self.path();
        let is_there = |wanted: &Path| platform::identity_at(wanted).is_ok_and(|found| found == self.identity);
        let wanted = place.path(&self.name, BOX);
        if is_there(&wanted) || !is_there(&now) || platform::private_directory(&place.directory).is_err() {
            return;
        }
        // To another file system it cannot be moved, and stays where it is.
        if fs::rename(&now, &wanted).is_ok()
            && let Some(mut path) = lock_briefly(&self.path)
        {
            *path = wanted.canonicalize().unwrap_or(wanted);
        }
    }
}

impl Own {
    #[must_use]
    pub fn watch(&self) -> Arc<Watch> {
        Arc::clone(&self.0)
    }

    #[must_use]
    pub fn path(&self) -> PathBuf {
        self.0.path()
    }

    #[must_use]
    pub fn is_in_shared_memory(&self) -> bool {
        self.0.shared_memory
    }

    /// Takes the box away: nothing in it is left to write. False if it is still there, or may be.
    pub fn remove(&self) -> bool {
        // If the directory is gone, so is the box.
        fs::remove_file(self.path()).map_or_else(|error| platform::is_missing(&error), |()| true)
    }

    /// Marks a box that cannot be removed as one that holds nothing, through what is open of it: whoever may removes it, and says nothing of it.
    /// If nobody stores into it any more, it is cut off behind the mark.
    pub fn spend(&self, cut: bool) {
        let lock = &self.0.lock;
        // If the program has closed it, the box stays as it is; a recovery finds no record in it.
        if lock.write_at(&SPENT, 0).is_ok() && cut {
            let _ = lock.set_len(SPENT.len() as u64);
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        disown(self.lock.number());
    }
}

/// A box whose owner is gone, held by this process for as long as it is open.
#[derive(Debug)]
pub struct Ownerless {
    pub file: Arc<OwnFile>,
    pub path: PathBuf,
}

impl Drop for Ownerless {
    fn drop(&mut self) {
        disown(self.file.number());
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

    /// Whether its name says that it was made for this log directory. In shared memory only: beside the logs any box is.
    #[must_use]
    pub fn is_of(&self, log_directory: &Path) -> bool {
        let name = self.path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        name_of(log_directory).is_some_and(|wanted| name.starts_with(&prefix(wanted)))
    }

    /// Whether nobody has written to it for so long.
    #[must_use]
    pub fn is_older_than(&self, age: Duration) -> bool {
        self.file.metadata().is_ok_and(|meta| is_older(&meta, age))
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

/// Opens a file of the directory's owner and takes the locks that keep everybody else away. `None` for all others, and while it lives.
fn take_over(path: PathBuf, directory: &fs::Metadata) -> Option<Ownerless> {
    let file = open_others(&path, directory)?;
    let found = Ownerless { file: Arc::new(OwnFile::new(file).ok()?), path };
    own(found.file.number()).ok()?;
    if !platform::lock_box(&found.file, BoxLock::Recovery).ok()? {
        return None;
    }
    if !platform::lock_box(&found.file, BoxLock::Owner).ok()? {
        if !has_died(&found.file) {
            return None;
        }
    } else if is_mapped_by_owner(&found) {
        return None;
    }
    // Somebody may have dealt with it between the opening and the lock.
    found.file.metadata().ok().filter(platform::has_name)?;
    found.path.exists().then_some(found)
}

/// Whether the owner lives though its lock is free: the program has closed its descriptor. (This process knows its own boxes.)
fn is_mapped_by_owner(found: &Ownerless) -> bool {
    let mut front = vec![0; CATALOG];
    if platform::read_at(&found.file, &mut front, 0).is_err() {
        return false;
    }
    let Ok(Head { process, .. }) = Head::read(&front) else { return false };
    let name = found.path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    process != platform::process_id()
        && platform::maps(process, found.file.identity(), name).unwrap_or_else(|_| {
            // Nobody may look into a process that changed its user. It is the owner if it began when the owner did.
            Kept::read(&front)
                .is_some_and(|kept| kept.born.is_some() && kept.born == platform::birth_of_process(process))
        })
}

/// Whether the owner is dead though its lock is held: by a child that C code forked, which has not noticed yet.
fn has_died(file: &File) -> bool {
    let mut front = vec![0; CATALOG];
    let Ok(count) = platform::read_at(file, &mut front[..SETTINGS], 0) else { return false };
    // Nearly all owners live, and are known to without a look at the rest.
    if !Head::read(&front[..count]).is_ok_and(|head| platform::is_no_process(head.process)) {
        return false;
    }
    platform::read_at(file, &mut front, 0).is_ok()
        && Kept::read(&front)
            .is_some_and(|kept| kept.namespace.is_some() && kept.namespace == platform::process_namespace())
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

fn is_older(meta: &fs::Metadata, age: Duration) -> bool {
    meta.modified().ok().and_then(|time| time.elapsed().ok()).is_some_and(|elapsed| elapsed > age)
}

fn is_own(path: &Path) -> bool {
    let Ok(identity) = platform::identity_at(path) else { return true };
    // Not known, it counts as own.
    lock_briefly(&OWN).is_none_or(|own| own.iter().any(|known| known.identity == identity))
}

fn own(number: Number) -> io::Result<()> {
    let mut own = lock_briefly(&OWN).ok_or(io::ErrorKind::WouldBlock)?;
    own.push(number);
    Ok(())
}

fn disown(number: Number) {
    if let Some(mut own) = lock_briefly(&OWN) {
        own.retain(|known| *known != number);
    }
}

/// In a forked child: the boxes are the parent's. A lock is held for as long as any copy of its descriptor is open, so a child would
/// hold it past the death of its parent.
pub fn disown_all() {
    if let Some(mut own) = lock_briefly(&OWN) {
        own.drain(..).for_each(Number::close);
    }
}
