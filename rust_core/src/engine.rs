//! The handle callers have on a queue, its writer and its sinks.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, bounded};
use crossbeam_queue::SegQueue;
use crossbeam_utils::CachePadded;

use crate::blackbox::{self, BlackBox, Wanted};
use crate::clock;
use crate::config::Settings;
use crate::error::{Error, Result};
use crate::error_handler::ErrorHandler;
use crate::level;
use crate::memory;
use crate::names;
use crate::pipeline::Pipeline;
use crate::queue::{Offered, Queue};
use crate::slab::{Buffer, Pool};
use crate::stats::{Dropped, Stats};
use crate::value::{Put, Value};
use crate::worker::Worker;
use crate::writer::{self, Desk, Ending, Flush, Shared, rest, state};

/// What a start takes of memory in pieces that cannot fail, the queue aside.
const MEMORY: usize = 1 << 20;
/// How long the writer is waited for around a fork: a stuck disk must not hang it.
const FORK_PATIENCE: Duration = Duration::from_millis(100);
const CONSOLE_PATIENCE_AT_FORK: Duration = Duration::from_millis(10);
/// Time between two attempts to start a writer that could not be started.
const START_PAUSE: Duration = Duration::from_millis(100);
/// How long a late record waits for a writer that shutdown could not stop.
const LATE_PATIENCE: Duration = Duration::from_millis(200);
const CONSOLE_PATIENCE: Duration = Duration::from_secs(1);
/// How long the threads beside the writer are waited for at an end; they were told, and go by themselves.
const END_PATIENCE: Duration = Duration::from_millis(100);

/// A flush under way.
#[derive(Debug)]
pub struct Flushing(Receiver<bool>);

impl Flushing {
    /// Whether everything is on disk; `None` if that is not known within `time`.
    #[must_use]
    pub fn wait(&self, time: Duration) -> Option<bool> {
        match self.0.recv_timeout(time) {
            Ok(on_disk) => Some(on_disk),
            Err(RecvTimeoutError::Disconnected) => Some(false),
            Err(RecvTimeoutError::Timeout) => None,
        }
    }
}

#[derive(Debug)]
pub struct Engine {
    shared: Arc<Shared>,
    settings: Settings,
    writer: Mutex<Option<Worker>>,
    /// When a caller last tried to start a writer that was missing.
    tried: Mutex<Option<Instant>>,
    /// Forks under way.
    forks: AtomicU32,
    black_box: Option<BlackBox>,
}

impl Engine {
    /// Opens the sinks and makes the queue. Records can be offered; they are written once `start` is called.
    ///
    /// # Errors
    /// When the directory or a file cannot be made or written.
    pub fn open(settings: Settings, stats: Arc<Stats>) -> Result<Self> {
        clock::use_counter();
        let errors = Arc::new(ErrorHandler::new(Arc::clone(&stats)));
        let output = &settings.output;
        crate::sink::prepare_directory(&output.directory, output.directory_mode)?;
        let made = blackbox::make(settings.black_box, &output.directory, &output.kept(), names::here());
        let black_box = made.black_box;
        let take_back = || {
            if let Some(black_box) = &black_box {
                black_box.remove(made.pool.as_ref());
            }
        };
        Self::look_for_memory(&settings).inspect_err(|_| take_back())?;
        // Right after the look: a thread that tells of an error takes memory as well.
        let queue = Queue::new(settings.queue, Arc::clone(&stats), black_box.is_some());
        let mut pipeline = Pipeline::open(output, black_box.as_ref(), &stats, &errors).inspect_err(|_| take_back())?;
        for reason in &made.refused {
            match &black_box {
                Some(made) => errors.handle(
                    "make the black box where it is wanted most",
                    &format!("{reason}; it is {}", instead(made)),
                ),
                None => errors.handle("make a black box", reason),
            }
        }
        if let Some(message) = complaint(&settings, black_box.as_ref(), &made.refused) {
            pipeline.say(level::WARNING, "black_box", &message, &[]);
        }
        stats.protected.set(u64::from(black_box.is_some()));
        let shared = Shared {
            queue,
            flushes: SegQueue::new(),
            notices: SegQueue::new(),
            behind: pipeline.progress(),
            watch: black_box.as_ref().map(BlackBox::watch),
            swept: CachePadded::default(),
            strays_go_on: Arc::default(),
            pool: made.pool,
            desk: CachePadded::new(Mutex::new(Desk::new(pipeline))),
            state: AtomicU8::new(state::OPEN),
            rest: AtomicU8::new(rest::WORKS),
            held: AtomicBool::new(false),
            unattended: AtomicBool::new(false),
            in_hand: CachePadded::default(),
            given_up: AtomicBool::new(false),
            stats,
            errors,
            endings: AtomicU32::new(0),
            stuck: AtomicBool::new(false),
        };
        shared.prepare_pool();
        Ok(Self {
            shared: Arc::new(shared),
            settings,
            writer: Mutex::new(None),
            tried: Mutex::new(None),
            forks: AtomicU32::new(0),
            black_box,
        })
    }

    /// Asks for what a start takes before it is taken, piece by piece, in ways that would end the process.
    ///
    /// # Errors
    /// When there is less.
    pub fn look_for_memory(settings: &Settings) -> Result<()> {
        if memory::has(Queue::bytes_of(settings.queue.size) + MEMORY) {
            return Ok(());
        }
        Err(Error::io("find memory to log into", &settings.output.directory, io::ErrorKind::OutOfMemory.into()))
    }

    /// Lets captures take their buffers from this engine's pool from now on; see `Pool::make_current`.
    pub fn make_current(&self) {
        if let Some(pool) = &self.shared.pool {
            pool.make_current();
        }
    }

    /// Writes what processes that died left for the log directory: at the start, since the process may give up the rights that it takes
    /// right after. The writer looks again, every two seconds.
    pub fn look_for_boxes(&self) {
        self.shared.look_for_boxes(&self.settings.output.directory);
    }

    /// Starts the writer.
    ///
    /// # Errors
    /// When the system gives no thread. Callers write themselves then, and try again.
    pub fn start(&self) -> Result<()> {
        self.start_writer(&mut self.writer())
    }

    /// As `start`, but nothing is written before `release`: another engine may have records to write first.
    ///
    /// # Errors
    /// As `start`.
    pub fn start_held(&self) -> Result<()> {
        self.shared.held.store(true, Ordering::SeqCst);
        self.start()
    }

    pub fn release(&self) {
        self.shared.held.store(false, Ordering::SeqCst);
        self.shared.queue.waker().wake_at_once();
    }

    /// Takes back what `open` has made, where nothing was ever offered.
    pub fn discard(self) {
        if let Some(black_box) = &self.black_box {
            black_box.remove(self.shared.pool.as_ref());
        }
    }

    /// Without a thread to be had, the writer counts as one that rests, and callers see to what they log.
    fn start_writer(&self, writer: &mut Option<Worker>) -> Result<()> {
        let shared = Arc::clone(&self.shared);
        let directory = self.settings.output.directory.clone();
        let name = "unified_logger";
        let worker = Worker::start(name, move || writer::run(&shared, &directory));
        self.shared.unattended.store(worker.is_err(), Ordering::SeqCst);
        let worker = worker
            .inspect_err(|_| self.shared.rest.store(rest::RESTS, Ordering::SeqCst))
            .map_err(|source| Error::Thread { name, source })?;
        *writer = Some(worker);
        Ok(())
    }

    fn writer(&self) -> MutexGuard<'_, Option<Worker>> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has the writer at work again after a fork. Without a thread to be had, callers write themselves, and try again.
    pub fn go_on_writing(&self) {
        let shared = &self.shared;
        if shared.rest.load(Ordering::SeqCst) == rest::WORKS {
            return;
        }
        let mut writer = self.writer();
        let change = |from, to| shared.rest.compare_exchange(from, to, Ordering::SeqCst, Ordering::SeqCst).is_ok();
        // One that was too busy to notice simply goes on.
        if self.forks.load(Ordering::SeqCst) == 0
            && shared.state.load(Ordering::SeqCst) == state::OPEN
            && !change(rest::ASKED, rest::WORKS)
            && change(rest::RESTS, rest::WORKS)
            && let Err(error) = self.start_writer(&mut writer)
        {
            shared.errors.handle("go on writing after a fork", &error);
        }
    }

    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    #[must_use]
    pub fn stats(&self) -> &Stats {
        &self.shared.stats
    }

    /// Offers a captured record. Never waits while there is a writer; without one it writes the record itself.
    #[inline]
    pub fn offer(&self, record: Buffer) -> Offered {
        let offered = self.hand_in(record);
        if self.is_unattended() { self.see_to(offered) } else { offered }
    }

    /// The first half of `offer`, which never waits: where `is_unattended` says so afterwards, the other half is `see_to`.
    #[inline]
    pub fn hand_in(&self, record: Buffer) -> Offered {
        let record = match &self.shared.pool {
            Some(pool) if !pool.owns(&record) => Self::bring_in(pool, record),
            _ => record,
        };
        self.shared.queue.offer(record)
    }

    /// Whether there is no writer, and callers see to what they log.
    #[inline]
    #[must_use]
    pub fn is_unattended(&self) -> bool {
        self.shared.unattended.load(Ordering::Relaxed)
    }

    /// Moves a record into a buffer of this engine's pool, where one has room: it was captured before a start, for another
    /// engine, or has outgrown its slot.
    #[cold]
    fn bring_in(pool: &Pool, record: Buffer) -> Buffer {
        match pool.take(record.as_slice().len()) {
            Some(mut own) => {
                own.put(record.as_slice());
                own
            }
            None => record,
        }
    }

    fn write_late(&self) {
        writer::wait_for_endings(&self.shared, Duration::MAX);
        let patience = if self.shared.stuck.load(Ordering::Relaxed) { Duration::ZERO } else { LATE_PATIENCE };
        writer::write_now(&self.shared, patience, Duration::ZERO);
    }

    /// Tries to start the writer that is missing, unless that was just tried. True when there is one.
    fn attend(&self) -> bool {
        {
            // Another caller is at it.
            let Ok(mut tried) = self.tried.try_lock() else { return false };
            if tried.is_some_and(|last| last.elapsed() < START_PAUSE) {
                return false;
            }
            *tried = Some(Instant::now());
        }
        self.go_on_writing();
        !self.is_unattended()
    }

    /// Writes what was handed in without a writer, unless one can be started again. May wait.
    #[cold]
    pub fn see_to(&self, offered: Offered) -> Offered {
        if !self.is_closed() && self.attend() {
            return offered;
        }
        self.write_late();
        match offered {
            Offered::Full(record) => match self.shared.queue.offer(record) {
                Offered::Full(record) if self.is_closed() => self.refuse(record, Dropped::Shutdown),
                full @ Offered::Full(_) => full,
                other => {
                    self.write_late();
                    other
                }
            },
            other => other,
        }
    }

    /// Waits for room in the queue, at most `slice`. True when it is worth offering again.
    pub fn wait_for_room(&self, slice: Duration) -> bool {
        self.go_on_writing();
        self.shared.queue.wait_for_room(slice)
    }

    /// Makes room while the writer rests, for the thread that forks: nobody else would, and what that thread has locked it has
    /// let go of before the fork.
    pub fn make_room(&self, slice: Duration) {
        writer::write_now(&self.shared, slice, Duration::ZERO);
    }

    /// Drops a record that found no room; after `Timeout`, nobody waits until the writer has caught up.
    #[cold]
    pub fn refuse(&self, record: Buffer, reason: Dropped) -> Offered {
        if reason == Dropped::Timeout {
            self.shared.queue.give_up_waiting();
        }
        if crate::record::level_of(record.as_slice()) >= level::ERROR {
            self.shared
                .errors
                .handle("keep a record of level ERROR", &"the queue is full and its sink does not follow");
        }
        self.shared.queue.refuse(record, reason)
    }

    /// Asks for everything accepted so far to be written. A `patient` request waits for a failing disk to mend.
    #[must_use]
    pub fn request_flush(&self, patient: bool) -> Flushing {
        let (done, answer) = bounded(1);
        if !self.is_closed() {
            self.go_on_writing();
        }
        if self.is_unattended() {
            let _ = done.send(writer::write_now(&self.shared, LATE_PATIENCE, LATE_PATIENCE));
        } else {
            self.shared.flushes.push(Flush { done, patient });
            self.shared.queue.waker().wake_at_once();
            // The writer may have ended meanwhile.
            if self.is_unattended() {
                self.shared.answer_flushes(writer::write_now(&self.shared, LATE_PATIENCE, LATE_PATIENCE));
            }
        }
        Flushing(answer)
    }

    /// Waits until the console, and all else behind a thread, has written what it was given. Nobody who writes waits with it.
    pub fn flush_console(&self, timeout: Duration) -> bool {
        let deadline = Instant::now() + timeout;
        // One that is blocked may use up the time of the others, which are asked all the same.
        self.shared
            .behind
            .iter()
            .fold(true, |done, behind| done & behind.wait(deadline.saturating_duration_since(Instant::now())))
    }

    /// Writes what is queued and ends the writer, within `timeout`. True when nothing was left unwritten.
    pub fn shutdown(&self, timeout: Duration) -> bool {
        let deadline = Instant::now() + timeout;
        let shared = &self.shared;
        let _ = shared.state.compare_exchange(state::OPEN, state::CLOSING, Ordering::SeqCst, Ordering::SeqCst);
        shared.queue.waker().wake_at_once();
        let writer = self.writer().take();
        let ended = writer.is_none_or(|worker| worker.end(deadline).is_ok());
        // What is accepted from here on, its callers write, once this has written what came before.
        let ending = Ending::begin(shared);
        shared.state.store(state::CLOSED, Ordering::SeqCst);
        shared.unattended.store(true, Ordering::SeqCst);
        shared.queue.release_waiters();
        let left = deadline.saturating_duration_since(Instant::now());
        let written = ended && ending.write(left);
        drop(ending);
        if ended {
            shared.answer_flushes(written);
        }
        if written {
            if let Some(black_box) = &self.black_box {
                black_box.remove(self.shared.pool.as_ref());
            }
            let left = deadline.saturating_duration_since(Instant::now());
            self.flush_console(left.min(CONSOLE_PATIENCE));
            self.end_others(deadline);
            return true;
        }
        shared.given_up.store(true, Ordering::SeqCst);
        let (left, plain) = shared.unwritten();
        let rescue = self.rescue(left, plain);
        shared.errors.handle("write everything before shutdown", &format!("{left} records are not written{rescue}"));
        self.end_others(deadline);
        false
    }

    /// Ends the threads beside the writer. What is written later may start some of them again, and they end with the next shutdown.
    fn end_others(&self, deadline: Instant) {
        let shared = &self.shared;
        let deadline = deadline.min(Instant::now() + END_PATIENCE);
        match shared.desk.try_lock() {
            Ok(mut desk) => desk.pipeline.end_sinks(deadline),
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner().pipeline.end_sinks(deadline),
            // One who writes late holds it, for as long as a disk takes; the console then is as it was.
            Err(TryLockError::WouldBlock) => {}
        }
        shared.rest_strays(deadline);
        shared.errors.rest(deadline);
    }

    /// What becomes of records that are not written, of which so many are in plain memory.
    fn rescue(&self, left: u64, plain: u64) -> String {
        // One that somebody took away, or cut, holds nothing for anybody.
        let is_there = self.shared.watch.as_ref().is_some_and(|watch| watch.harm().is_none());
        match (left.saturating_sub(plain), plain) {
            _ if !is_there => String::new(),
            (0, _) => "; none of them is in the black box".into(),
            (_, 0) => "; the black box keeps them for `unified-logger recover`".into(),
            (kept, lost) => {
                format!(
                    "; the black box keeps {kept} of them for `unified-logger recover`, {lost} found no room in it and are lost with the process"
                )
            }
        }
    }

    /// Whether the writer has ended and callers write themselves.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.shared.state.load(Ordering::SeqCst) == state::CLOSED
    }

    /// Whether a shutdown has left something unwritten: whoever waits for that waits in vain.
    #[must_use]
    pub fn has_given_up(&self) -> bool {
        self.shared.given_up.load(Ordering::SeqCst)
    }

    /// Lets the writer write a record of the library's own, past the queue.
    pub fn say(&self, level: i32, function: &str, message: &str, fields: &[(&str, Value<'_>)]) {
        self.shared.say(level, function, message, fields);
        self.shared.queue.waker().wake_at_once();
    }

    /// Ends the writer and the other threads for a fork, waiting at most 100 ms for them: no lock is held and no batch half
    /// written in the child, and Python, which warns of threads at a fork, finds none of ours.
    pub fn rest(&self) {
        let shared = &self.shared;
        let deadline = Instant::now() + FORK_PATIENCE;
        self.forks.fetch_add(1, Ordering::SeqCst);
        let mut writer = self.writer();
        let _ = shared.rest.compare_exchange(rest::WORKS, rest::ASKED, Ordering::SeqCst, Ordering::SeqCst);
        shared.queue.waker().wake_at_once();
        *writer = writer.take().and_then(|worker| worker.end(deadline).err());
        drop(writer);
        // A terminal that shows nothing is nothing to wait for.
        let deadline = deadline.min(Instant::now() + CONSOLE_PATIENCE_AT_FORK);
        if let Ok(mut desk) = shared.desk.try_lock() {
            desk.pipeline.pause_sinks(deadline);
        }
        shared.errors.rest(deadline);
        shared.rest_strays(deadline);
    }

    /// The fork is over: `go_on_writing` may start the writer again.
    pub fn end_rest(&self) {
        // None, if this engine took another's place while the fork was under way.
        let _ = self.forks.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |forks| forks.checked_sub(1));
    }

    /// In a forked child: the parent's records are its own to write, and counts start anew.
    pub fn forget_in_child(&self) {
        crate::sink::leave_locks_to_parent();
        blackbox::disown_all();
        names::here().forget_followers();
        self.shared.stats.restart();
    }
}

/// Where the black box is instead of a better place, if it is anywhere.
fn instead(black_box: &BlackBox) -> String {
    let place = if black_box.is_in_shared_memory() { "in shared memory" } else { "beside the logs" };
    format!("{place}, at {}", black_box.path().display())
}

/// What to say in the log when there is no black box where one was wanted.
fn complaint(settings: &Settings, black_box: Option<&BlackBox>, refused: &[String]) -> Option<String> {
    if settings.black_box.place == Wanted::Off || refused.is_empty() {
        return None;
    }
    let reasons = refused.join("; ");
    Some(match black_box {
        Some(black_box) => format!("the black box is {}: {reasons}", instead(black_box)),
        None => format!("there is no black box: records in memory will not survive the process ({reasons})"),
    })
}
