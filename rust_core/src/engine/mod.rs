//! The handle of callers on a queue, its writer and its sinks.

mod end;
mod fork;
mod offer;

use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

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
use crate::queue::Queue;
use crate::record_metrics::Interest;
use crate::sampling::rules::Sampler;
use crate::sink::{self, Stream, Terminal};
use crate::stats::Stats;
use crate::value::Value;
use crate::worker::Worker;
use crate::writer::{self, Shared, Turn, pause, state};

pub use crate::writer::Flushing;

/// Bytes that a start allocates, apart from the queue, in ways that end the process if there is no memory.
const MEMORY: usize = 1 << 20;
/// How long the call of a late record waits for a writer that shutdown could not stop.
const LATE_PATIENCE: Duration = Duration::from_millis(200);

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
    /// Where the console is a terminal.
    terminal: Option<Terminal>,
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
        let directory = output.directory.as_deref();
        directory.map_or(Ok(()), |directory| crate::sink::prepare_directory(directory, output.directory_mode))?;
        let made = blackbox::make(&settings.black_box, &settings.home(), &output.box_settings(), names::here());
        let black_box = made.black_box;
        let take_back = || {
            if let Some(black_box) = &black_box {
                black_box.remove(made.pool.as_ref());
            }
        };
        Self::check_memory(&settings).inspect_err(|_| take_back())?;
        // Made right after the check, because a thread that reports an error takes memory as well.
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
            pipeline.notice(level::WARNING, "black_box", &message, &[]);
        }
        stats.protected.set(u64::from(black_box.is_some()));
        let shared = Shared {
            queue,
            flushes: SegQueue::new(),
            notices: SegQueue::new(),
            behind: pipeline.progress(),
            sampler: settings.sampling.as_ref().map(|spec| Arc::new(Sampler::new(spec, &stats))),
            interest: Interest::of(&settings.output.to.metrics).map(Arc::new),
            watch: black_box.as_ref().map(BlackBox::watch),
            box_is_harmed: AtomicBool::new(false),
            counts_copied: Mutex::default(),
            swept: CachePadded::default(),
            directory: settings.output.directory.clone(),
            upkeep: settings.output.upkeep(),
            rounds: CachePadded::default(),
            strays_go_on: Arc::default(),
            pool: made.pool,
            turn: CachePadded::new(Mutex::new(Turn::new(pipeline))),
            state: AtomicU8::new(state::OPEN),
            pause: AtomicU8::new(pause::RUNS),
            held: AtomicBool::new(false),
            unattended: AtomicBool::new(false),
            in_hand: CachePadded::default(),
            given_up: AtomicBool::new(false),
            has_lost: AtomicBool::new(false),
            stats,
            errors,
            endings: AtomicU32::new(0),
            stuck: AtomicBool::new(false),
        };
        shared.prepare_pool();
        let terminal = settings.output.to.console().and_then(|console| terminal_of(&console.to));
        Ok(Self {
            shared: Arc::new(shared),
            terminal,
            settings,
            writer: Mutex::new(None),
            tried: Mutex::new(None),
            forks: AtomicU32::new(0),
            black_box,
        })
    }

    /// Checks that there is memory for a start. The start itself allocates it in pieces, in ways that would end the
    /// process.
    ///
    /// # Errors
    /// When there is less.
    pub fn check_memory(settings: &Settings) -> Result<()> {
        if memory::has(Queue::bytes_of(settings.queue.size) + MEMORY) {
            return Ok(());
        }
        let directory = settings.output.directory.as_deref().unwrap_or(Path::new("a stream"));
        Err(Error::io("find memory to log into", directory, io::ErrorKind::OutOfMemory.into()))
    }

    /// Looks whether the black box was cut, in which the counts of the process are.
    pub fn check_for_cut(&self) {
        self.shared.check_for_cut();
    }

    /// The rules of sampling, if there are any.
    #[must_use]
    pub fn sampler(&self) -> Option<&Arc<Sampler>> {
        self.shared.sampler.as_ref()
    }

    /// What its metrics ask for, if there are any.
    #[must_use]
    pub fn interest(&self) -> Option<&Arc<Interest>> {
        self.shared.interest.as_ref()
    }

    /// Lets captures allocate from this engine's pool from now on; see `Pool::make_current`.
    pub fn make_current(&self) {
        if let Some(pool) = &self.shared.pool {
            pool.make_current();
        }
    }

    /// Writes what processes that died left for the log directory. This happens at the start, since the process may
    /// give up the necessary rights right after. The writer repeats it every two seconds.
    pub fn recover_boxes(&self) {
        self.shared.recover_boxes(&self.settings.home());
    }

    /// Starts the writer.
    ///
    /// # Errors
    /// When the system gives no thread. Callers write themselves then, and try again.
    pub fn start(&self) -> Result<()> {
        self.count_here();
        self.start_writer(&mut self.writer())
    }

    /// As `start`, but nothing is written before `release`: another engine may have records to write first.
    ///
    /// # Errors
    /// As `start`.
    pub fn start_held(&self) -> Result<()> {
        self.shared.held.store(true, Ordering::SeqCst);
        self.start_writer(&mut self.writer())
    }

    pub fn release(&self) {
        self.count_here();
        self.shared.held.store(false, Ordering::SeqCst);
        self.shared.queue.waker().wake_at_once();
    }

    /// Has the process count in this engine's black box from now on: what is counted belongs to the log directory.
    fn count_here(&self) {
        if let Some(black_box) = &self.black_box
            && let Err(error) = black_box.take_counts(self.shared.stats.words())
        {
            self.shared.errors.handle("count in the black box, where other processes see it", &error);
        }
    }

    /// Removes what `open` has made, if no record was ever offered.
    pub fn discard(self) {
        if let Some(black_box) = &self.black_box {
            black_box.remove(self.shared.pool.as_ref());
        }
    }

    /// If the system gives no thread, the writer counts as paused, and callers write their own records.
    fn start_writer(&self, writer: &mut Option<Worker>) -> Result<()> {
        let shared = Arc::clone(&self.shared);
        let home = self.settings.home();
        let name = "unified_logger";
        let worker = Worker::start(name, move || writer::run(&shared, &home));
        self.shared.unattended.store(worker.is_err(), Ordering::SeqCst);
        let worker = worker
            .inspect_err(|_| self.shared.pause.store(pause::PAUSED, Ordering::SeqCst))
            .map_err(|source| Error::Thread { name, source })?;
        *writer = Some(worker);
        Ok(())
    }

    fn writer(&self) -> MutexGuard<'_, Option<Worker>> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    #[must_use]
    pub fn stats(&self) -> &Stats {
        &self.shared.stats
    }

    /// Whether the writer has ended and callers write themselves.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.shared.state.load(Ordering::SeqCst) == state::CLOSED
    }

    /// Whether a shutdown has left records unwritten, for which it is useless to wait.
    #[must_use]
    pub fn has_given_up(&self) -> bool {
        self.shared.given_up.load(Ordering::SeqCst)
    }

    /// Whether calls show records on the console themselves: it is a terminal.
    #[must_use]
    pub fn has_terminal(&self) -> bool {
        self.terminal.is_some()
    }

    /// The terminal that is the console, unless records for it are still behind the queue: they come first.
    #[must_use]
    pub fn terminal(&self) -> Option<&Terminal> {
        let terminal = self.terminal.as_ref()?;
        if terminal.is_blocked() {
            if self.shared.unwritten().0 > 0 || !self.shared.behind.iter().all(|behind| behind.wait(Duration::ZERO)) {
                return None;
            }
            terminal.unblock();
        }
        Some(terminal)
    }

    /// Passes a record of the library's own to the writer, past the queue.
    pub fn notice(&self, level: i32, function: &str, message: &str, fields: &[(&str, Value<'_>)]) {
        self.shared.notice(level, function, message, fields);
        self.shared.queue.waker().wake_at_once();
    }
}

fn terminal_of(console: &sink::Settings) -> Option<Terminal> {
    let sink::Settings::Stream(stream) = console else { return None };
    Terminal::open(Stream::standard(*stream))
}

/// Where the black box is, since no better location could be used.
fn instead(black_box: &BlackBox) -> String {
    let location = if black_box.is_in_shared_memory() { "in shared memory" } else { "beside the logs" };
    format!("{location}, at {}", black_box.path().display())
}

/// The notice for the log if the black box is not at the wanted location.
fn complaint(settings: &Settings, black_box: Option<&BlackBox>, refused: &[String]) -> Option<String> {
    if settings.black_box.location == Wanted::Off || refused.is_empty() {
        return None;
    }
    let reasons = refused.join("; ");
    Some(match black_box {
        Some(black_box) => format!("the black box is {}: {reasons}", instead(black_box)),
        None => format!("there is no black box: records in memory will not survive the process ({reasons})"),
    })
}
