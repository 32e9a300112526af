//! The thread behind the queue: takes what is there, hands it on, sleeps while there is nothing.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::{Duration, Instant};

use crossbeam_channel::Sender;
use crossbeam_queue::SegQueue;
use crossbeam_utils::CachePadded;

use crate::blackbox::{Distrust, Harm, Watch};
use crate::error_handler::ErrorHandler;
use crate::level;
use crate::pipeline::{self, Batch, Pipeline};
use crate::queue::Queue;
use crate::recovery::{self, Recovered, Strays};
use crate::sink::{self, Progress};
use crate::slab::{self, Pool};
use crate::stats::{Count, Stats};
use crate::value::Value;
use crate::worker::Worker;

/// Sleep after work, doubled up to the longest while there is none.
const SHORTEST_SLEEP: Duration = Duration::from_millis(1);
const LONGEST_SLEEP: Duration = Duration::from_millis(50);
/// After so many of the longest, about a second, it sleeps until somebody wakes it or the next sweep is due. Less often, a caller who
/// wakes it costs less than they do.
const NAPS: u32 = 20;
/// A batch of fewer records is followed by a sleep, though there may be some again.
const FEW: usize = 64;
/// Pause after a panic, doubled up to this while there is one after the other.
const LONGEST_SETBACK: Duration = Duration::from_millis(100);
/// Time between two looks for records of processes that died.
const SWEEP: Duration = Duration::from_secs(2);
/// Time between two records about dropped ones.
const NOTICE_PAUSE: Duration = Duration::from_secs(1);

/// Asks to be told when everything accepted so far is on disk.
#[derive(Debug)]
pub struct Flush {
    pub done: Sender<bool>,
    /// Waits for a failing sink to mend instead of answering false at once.
    pub patient: bool,
}

/// The states of a pipeline, in order.
pub mod state {
    pub const OPEN: u8 = 0;
    /// The writer finishes what is queued, then ends.
    pub const CLOSING: u8 = 1;
    /// Callers write themselves.
    pub const CLOSED: u8 = 2;
}

/// Whether there is a writer at work.
pub mod rest {
    pub const WORKS: u8 = 0;
    /// It is to end for a fork.
    pub const ASKED: u8 = 1;
    /// It has ended, or is about to.
    pub const RESTS: u8 = 2;
}

/// What is behind the queue. Whoever holds it, a writer or a caller, goes on where the one before was stopped by a panic or
/// by the end of its thread.
#[derive(Debug)]
pub struct Desk {
    pub pipeline: Pipeline,
    batch: Batch,
    /// Records taken since the start.
    taken: u64,
}

impl Desk {
    #[must_use]
    pub fn new(pipeline: Pipeline) -> Self {
        Self { pipeline, batch: Batch::default(), taken: 0 }
    }

    /// Writes the next batch, and what there is to say about dropped records unless that was said within `pause`. Tells what
    /// came of it.
    fn write(&mut self, shared: &Shared, pause: Duration) -> Written {
        let Self { pipeline, batch, taken } = self;
        *taken += pipeline.take(&shared.queue, batch) as u64;
        shared.note_in_hand(batch, pipeline);
        // What was dropped from the queue is never taken: whoever waits for it waits for an empty queue.
        let passed = if shared.queue.is_empty() { u64::MAX } else { *taken };
        // Before the records that were logged after them.
        while let Some(notice) = shared.notices.pop() {
            pipeline.say_notice(&notice);
        }
        pipeline.deliver(batch);
        pipeline.tell_drops(pause);
        let clear = pipeline.commit();
        let count = pipeline.release(batch);
        shared.note_in_hand(batch, pipeline);
        if count > 0 {
            shared.queue.depart(count);
        }
        Written { count, passed, clear }
    }
}

struct Written {
    /// Records that left the queue.
    count: usize,
    /// What waited for so many records to be taken waits no longer.
    passed: u64,
    /// Nothing is left in memory.
    clear: bool,
}

/// What was done for processes that died, by one writer after the other.
#[derive(Debug, Default)]
pub struct Swept {
    /// When boxes of other processes were last looked for.
    at: Option<Instant>,
    /// Directories of boxes that are not believed, which has been said.
    distrusted: Vec<Distrust>,
    /// Whether boxes of other log directories were looked for.
    strays: bool,
    /// Recovers those.
    worker: Option<Worker>,
}

/// What callers and the writer share.
#[derive(Debug)]
pub struct Shared {
    pub queue: Queue,
    pub flushes: SegQueue<Flush>,
    /// Records of the library's own that wait to be written.
    pub notices: SegQueue<Vec<u8>>,
    /// How far the sinks behind threads have come.
    pub behind: Vec<Progress>,
    pub watch: Option<Arc<Watch>>,
    /// Apart, as the desk is: the writer locks it for each batch.
    pub swept: CachePadded<Mutex<Swept>>,
    /// Whether what is done for other log directories is to go on.
    pub strays_go_on: Arc<AtomicBool>,
    /// What the queue holds is of this pool, or plain memory.
    pub pool: Option<Pool>,
    /// Apart from what every call reads: the writer stores here for each record, and each store would take the line from all callers.
    pub desk: CachePadded<Mutex<Desk>>,
    pub state: AtomicU8,
    /// Whether the writer is to rest, one of `rest`.
    pub rest: AtomicU8,
    /// Whether the writer waits with everything: another engine may have records to write first.
    pub held: AtomicBool,
    /// There is no writer, since it has ended or none could be started: callers see to what they log.
    pub unattended: AtomicBool,
    /// Records that have left the queue and are not written, and those of them that are in plain memory: told by whoever has the desk,
    /// to those who cannot have it. Apart, as the desk is.
    pub in_hand: CachePadded<[Count; 2]>,
    /// A shutdown has left something unwritten.
    pub given_up: AtomicBool,
    pub stats: Arc<Stats>,
    pub errors: Arc<ErrorHandler>,
    /// Shutdowns that are at what is left: callers do not get between.
    pub endings: AtomicU32,
    /// A caller waited in vain for a writer that shutdown could not stop: until it is done, no other does.
    pub stuck: AtomicBool,
}

impl Shared {
    fn desk(&self) -> MutexGuard<'_, Desk> {
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sees to it that callers find memory that is there.
    pub fn prepare_pool(&self) {
        if let Some(pool) = &self.pool {
            pool.prepare();
        }
    }

    /// Has a record of the library's own written with the next batch.
    pub fn say(&self, level: i32, function: &str, message: &str, fields: &[(&str, Value<'_>)]) {
        if let Some(notice) = pipeline::notice(&self.errors, level, function, message, fields) {
            self.notices.push(notice);
        }
    }

    fn note_in_hand(&self, batch: &Batch, pipeline: &Pipeline) {
        let (taken, held) = (batch.held(), pipeline.held());
        self.in_hand[0].set((taken.len() + held.len()) as u64);
        // Mostly no record is in plain memory, and none is looked at.
        let plain =
            if slab::heap_bytes() > 0 { taken.chain(held).filter(|record| record.heap_size() > 0).count() } else { 0 };
        self.in_hand[1].set(plain as u64);
    }

    /// How many of the records that were accepted are not written, and how many of them wait in plain memory, and end with the process.
    #[must_use]
    pub fn unwritten(&self) -> (u64, u64) {
        let (queued, plain) = self.queue.count();
        (queued + self.in_hand[0].get(), plain + self.in_hand[1].get())
    }

    fn is_ending(&self) -> bool {
        self.endings.load(Ordering::SeqCst) > 0
    }

    /// How many records have been taken once all that are in the queue now are.
    fn all_that_is_there(&self, desk: &Desk) -> u64 {
        desk.taken + self.queue.len() as u64
    }

    fn is_idle(&self) -> bool {
        self.queue.is_empty() && self.notices.is_empty()
    }

    /// Whoever ends the engine does not wait for another.
    fn is_held(&self) -> bool {
        self.held.load(Ordering::SeqCst) && self.state.load(Ordering::SeqCst) == state::OPEN
    }

    fn is_asked_to_rest(&self) -> bool {
        self.rest.load(Ordering::SeqCst) == rest::ASKED
    }

    /// Whether the writer may end now: it was asked to, and the asking was not taken back.
    fn rests(&self) -> bool {
        self.rest.compare_exchange(rest::ASKED, rest::RESTS, Ordering::SeqCst, Ordering::SeqCst).is_ok()
    }

    /// Answers flushes that came too late for the writer.
    pub fn answer_flushes(&self, on_disk: bool) {
        while let Some(flush) = self.flushes.pop() {
            // Whoever asked may have stopped waiting.
            let _ = flush.done.send(on_disk);
        }
    }

    /// Keeps the box where others look for it. What somebody did to it cannot be undone: that nothing survives any more is said once.
    fn look_after_box(&self) {
        let Some(watch) = self.watch.as_ref().filter(|_| self.stats.protected.get() == 1) else { return };
        watch.follow();
        let Some(harm) = watch.harm() else { return };
        let path = watch.path();
        let what = match harm {
            Harm::Removed => "was removed",
            Harm::Cut => {
                if let Err(error) = watch.mend() {
                    self.errors.handle("give the black box room again", &error);
                }
                "was cut"
            }
        };
        self.stats.protected.set(0);
        let message = format!(
            "the black box at {} {what}: records in memory do not survive the process until `init_logging` is called again",
            path.display()
        );
        self.errors.handle("keep the black box", &message);
        self.say(level::WARNING, "black_box", &message, &[]);
    }

    fn swept(&self) -> MutexGuard<'_, Swept> {
        self.swept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn sweep(&self, directory: &Path) {
        let mut swept = self.swept();
        self.look(&mut swept, directory);
        if !std::mem::replace(&mut swept.strays, true) {
            self.sweep_strays(&mut swept);
        }
    }

    pub fn look_for_boxes(&self, directory: &Path) {
        let look = || self.look(&mut self.swept(), directory);
        if catch_unwind(AssertUnwindSafe(look)).is_err() {
            self.errors.handle("look for black boxes", &"the look panicked");
        }
    }

    /// Writes what processes that died left for this directory, if nobody has looked for a while.
    fn look(&self, swept: &mut Swept, directory: &Path) {
        if swept.at.is_some_and(|last| last.elapsed() < SWEEP) {
            return;
        }
        // Before it begins: if it panics, it is not tried at once again.
        swept.at = Some(Instant::now());
        self.look_after_box();
        sink::look_after_watched();
        if let Some(recovered) = recovery::sweep(directory) {
            self.tell(swept, recovered);
        }
    }

    /// Once, after the start: nobody else may ever look for what processes of this user left for other log directories.
    fn sweep_strays(&self, swept: &mut Swept) {
        let (_, left) = recovery::sweep_strays(Strays::Tidy, || true, &recovery::anywhere);
        if left == 0 {
            return;
        }
        // Disks of others may be slow or stuck: the writer does not wait for them.
        let (stats, errors) = (Arc::clone(&self.stats), Arc::clone(&self.errors));
        let goes_on = Arc::clone(&self.strays_go_on);
        goes_on.store(true, Ordering::SeqCst);
        let worker = Worker::start("unified_logger_recovery", move || {
            let goes_on = || goes_on.load(Ordering::SeqCst);
            let (recovered, _) = recovery::sweep_strays(Strays::Recover, goes_on, &recovery::anywhere);
            stats.recovered.add(recovered.records);
            for reason in &recovered.failed {
                errors.handle("recover a black box of another log directory", reason);
            }
        });
        // Without a thread the next process tries.
        swept.worker = worker.ok();
    }

    /// Ends the thread that recovers for other directories; one that was at it goes on after the next start of the writer.
    pub fn rest_strays(&self, deadline: Instant) {
        self.strays_go_on.store(false, Ordering::SeqCst);
        // Held by a writer that looks for boxes, and may wait for a disk.
        let Ok(mut swept) = self.swept.try_lock() else { return };
        if let Some(worker) = swept.worker.take() {
            swept.strays = worker.is_at_its_end();
            swept.worker = worker.end(deadline).err();
        }
    }

    fn tell(&self, swept: &mut Swept, recovered: Recovered) {
        self.stats.recovered.add(recovered.records);
        for (path, reason) in &recovered.aside {
            self.errors.handle("recover a black box", &format!("{reason}: set aside as {}", path.display()));
        }
        for reason in &recovered.failed {
            self.errors.handle("recover a black box", reason);
        }
        if recovered.distrusted != swept.distrusted {
            for Distrust { directory, reason, .. } in recovered.distrusted.iter().filter(|distrust| !distrust.expected)
            {
                let message = format!("{}: {reason}, so that no black box in it is read", directory.display());
                self.errors.handle("look for black boxes", &message);
            }
            swept.distrusted = recovered.distrusted;
        }
    }

    fn count_panic(&self) {
        self.stats.writer_restarts.add(1);
        self.errors.handle("go on writing", &"the writer panicked and was started again");
    }
}

/// Runs until the pipeline is closed, or the process is about to fork. After a panic it goes on where it was; if there is one
/// after the other, in longer and longer pauses.
pub fn run(shared: &Shared, directory: &Path) {
    let mut writer = Writer {
        shared,
        directory,
        waiting: Vec::new(),
        last: None,
        sleep: SHORTEST_SLEEP,
        naps: 0,
        setback: SHORTEST_SLEEP,
    };
    shared.queue.waker().attach(std::thread::current());
    while catch_unwind(AssertUnwindSafe(|| writer.run())).is_err() {
        shared.count_panic();
        std::thread::sleep(writer.setback);
        writer.setback = (writer.setback * 2).min(LONGEST_SETBACK);
    }
}

struct Writer<'a> {
    shared: &'a Shared,
    directory: &'a Path,
    /// Flushes, and how many records must have been taken to answer them.
    waiting: Vec<(u64, Flush)>,
    /// How many records must have been taken until it may end: those that were accepted when the pipeline was closed. Threads that go on
    /// logging do not hold up the end.
    last: Option<u64>,
    sleep: Duration,
    /// How many of the longest sleeps there were since there was something to do.
    naps: u32,
    /// Pause after the next panic.
    setback: Duration,
}

impl Writer<'_> {
    fn run(&mut self) {
        loop {
            if self.shared.rests() {
                // Asked again, of the next writer, with all that came meanwhile.
                self.hand_flushes_on();
                return;
            }
            if self.shared.is_held() {
                let shared = self.shared;
                shared.queue.waker().sleep(LONGEST_SLEEP, || !shared.is_held() || shared.is_asked_to_rest());
                continue;
            }
            self.shared.prepare_pool();
            self.shared.sweep(self.directory);
            self.note_flushes();
            // Read before taking: what is queued when it says so is still written.
            let closing = self.shared.state.load(Ordering::SeqCst) != state::OPEN;
            if closing && self.last.is_none() {
                self.last = Some(self.shared.all_that_is_there(&self.shared.desk()));
            }
            let pause = if self.waiting.is_empty() { NOTICE_PAUSE } else { Duration::ZERO };
            let Written { count, passed, clear } = self.shared.desk().write(self.shared, pause);
            self.setback = SHORTEST_SLEEP;
            self.answer_flushes(passed, clear);
            let all_is_taken = self.last.is_some_and(|last| passed >= last);
            if closing && clear && (all_is_taken || self.shared.is_idle() && self.waiting.is_empty()) {
                // For whoever ends the engine, who writes what came meanwhile.
                self.hand_flushes_on();
                return;
            }
            if count == 0 {
                self.rest(clear);
            } else {
                self.be_awake();
                if count < FEW {
                    self.gather();
                }
            }
        }
    }

    fn note_flushes(&mut self) {
        while let Some(flush) = self.shared.flushes.pop() {
            let last = self.shared.all_that_is_there(&self.shared.desk());
            self.waiting.push((last, flush));
        }
    }

    fn hand_flushes_on(&mut self) {
        self.waiting.drain(..).for_each(|(_, flush)| self.shared.flushes.push(flush));
    }

    fn answer_flushes(&mut self, passed: u64, clear: bool) {
        self.waiting.retain(|(target, flush)| {
            let answered = passed >= *target && (clear || !flush.patient);
            if answered {
                // Whoever asked may have stopped waiting.
                let _ = flush.done.send(clear);
            }
            !answered
        });
    }

    /// Lets a few more records come before they are written: each batch costs the same few system calls, and takes memory that
    /// callers are about to write to from their cores.
    fn gather(&self) {
        let shared = self.shared;
        let busy = || {
            shared.queue.is_filling()
                || !self.waiting.is_empty()
                || !shared.flushes.is_empty()
                || !shared.notices.is_empty()
                || shared.is_asked_to_rest()
                || shared.state.load(Ordering::SeqCst) != state::OPEN
        };
        shared.queue.waker().sleep(SHORTEST_SLEEP, busy);
    }

    /// `clear` says that nothing is left in memory, which would have to be tried again.
    fn rest(&mut self, clear: bool) {
        let shared = self.shared;
        let waker = shared.queue.waker();
        // Where a sink fails and holds all that it may, records wait in the queue for the next try: they are no reason to hurry.
        let busy = || {
            (clear && !shared.is_idle())
                || !shared.notices.is_empty()
                || !shared.flushes.is_empty()
                || shared.is_asked_to_rest()
        };
        if self.naps < NAPS || !clear || shared.stats.has_untold_drops() {
            waker.sleep(self.sleep, busy);
        } else {
            let until_sweep = shared.swept().at.map_or(Duration::ZERO, |last| SWEEP.saturating_sub(last.elapsed()));
            // Counted, not looked for: see `Waker::wake_for`.
            let busy = || shared.queue.depth() > 0 || shared.state.load(Ordering::SeqCst) != state::OPEN || busy();
            waker.sleep_soundly(until_sweep.max(SHORTEST_SLEEP), busy);
        }
        self.sleep = (self.sleep * 2).min(LONGEST_SLEEP);
        if self.sleep == LONGEST_SLEEP {
            self.naps = self.naps.saturating_add(1);
            slab::give_back_kept();
        }
        if !self.waiting.is_empty() || shared.state.load(Ordering::SeqCst) != state::OPEN {
            self.be_awake();
        }
    }

    fn be_awake(&mut self) {
        self.sleep = SHORTEST_SLEEP;
        self.naps = 0;
    }
}

/// Writes on the caller's thread what is in the queue of a closed pipeline. False when it is held for longer than `patience` by
/// a writer that cannot finish, or a sink fails for longer than `patience_with_sinks`.
pub fn write_now(shared: &Shared, patience: Duration, patience_with_sinks: Duration) -> bool {
    wait_for_endings(shared, patience) && write_by(shared, patience, patience_with_sinks, write_queued)
}

/// Waits while a shutdown writes what came before it: then what a call has queued is still to be written. False if that takes longer than
/// `patience`.
pub fn wait_for_endings(shared: &Shared, patience: Duration) -> bool {
    let started = Instant::now();
    while shared.is_ending() {
        if started.elapsed() >= patience {
            return false;
        }
        std::thread::sleep(SHORTEST_SLEEP);
    }
    true
}

/// While it lives, nobody but a shutdown writes what is queued: threads that log and write without a pause would keep it away from the
/// desk, and give it always more to write.
pub struct Ending<'a>(&'a Shared);

impl<'a> Ending<'a> {
    pub fn begin(shared: &'a Shared) -> Self {
        shared.endings.fetch_add(1, Ordering::SeqCst);
        Self(shared)
    }

    /// Writes what is queued now, and not what comes meanwhile. False if that takes longer than `patience`.
    pub fn write(&self, patience: Duration) -> bool {
        write_by(self.0, patience, patience, write_what_is_there)
    }
}

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        self.0.endings.fetch_sub(1, Ordering::SeqCst);
    }
}

fn write_by(
    shared: &Shared,
    patience: Duration,
    patience_with_sinks: Duration,
    write: fn(&Shared, &mut Desk) -> bool,
) -> bool {
    let started = Instant::now();
    loop {
        let desk = match shared.desk.try_lock() {
            Ok(desk) => Some(desk),
            Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        };
        let held = desk.is_none();
        if let Some(mut desk) = desk {
            shared.stuck.store(false, Ordering::Relaxed);
            match catch_unwind(AssertUnwindSafe(|| write(shared, &mut desk))) {
                Ok(true) => return true,
                Ok(false) if started.elapsed() >= patience_with_sinks => return false,
                Ok(false) => {}
                Err(_) => shared.count_panic(),
            }
        }
        if started.elapsed() >= patience {
            shared.stuck.store(held, Ordering::Relaxed);
            return false;
        }
        std::thread::sleep(SHORTEST_SLEEP);
    }
}

fn write_what_is_there(shared: &Shared, desk: &mut Desk) -> bool {
    let last = shared.all_that_is_there(desk);
    loop {
        let Written { count, passed, clear } = desk.write(shared, NOTICE_PAUSE);
        if count == 0 || passed >= last {
            return clear;
        }
    }
}

fn write_queued(shared: &Shared, desk: &mut Desk) -> bool {
    loop {
        let Written { count, clear, .. } = desk.write(shared, NOTICE_PAUSE);
        if count == 0 {
            return clear;
        }
    }
}
