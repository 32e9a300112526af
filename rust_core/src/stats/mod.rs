//! What the pipeline counts. One for the process: counts go on over re-initialisation.
//!
//! After a flush, accepted = written + dropped + failed, exactly.

mod counted;
mod counts;
mod named;
mod parts;
mod words;

pub use counted::{Counted, Kind};
pub use counts::{COUNTS, FILE_COUNTS, FUNCTION_COUNTS, METRIC_COUNTS, RULE_COUNTS, STREAM_COUNTS};
pub use named::{Named, NamedCounts, Split};
pub use parts::{Cause, FileStats, FunctionStats, MetricStats, RuleStats, StreamStats};
pub use words::left_out::{self, LeftOut};
pub use words::observed;
pub use words::{Blank, Block, Count, Early, Entry, How, LENGTH, Left, Words, tally};

use counted::Placing;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};

use crate::level;
use crossbeam_utils::CachePadded;

/// Why a record was dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dropped {
    /// The queue was full (`drop_new`).
    New,
    /// Room was made for a newer record (`drop_old`).
    Old,
    /// The queue passed the mark of the record's level (`drop_low`).
    Low,
    /// Waited `overflow_timeout` for room, or came while another had waited in vain.
    Timeout,
    /// Not written before shutdown ran out of time.
    Shutdown,
    /// There was no memory to hold it.
    Memory,
    /// Capturing it failed in a way that never should be.
    Panic,
}

pub const REASONS: [&str; 7] = ["drop_new", "drop_old", "drop_low", "timeout", "shutdown", "memory", "panic"];

/// The files that are counted from the beginning, whether they are written or not.
const FILES: [&str; 3] = ["app", "errors", "ai"];
/// The stream that is counted from the beginning.
pub const CONSOLE: &str = "console";

/// Calls below their logger's level, and records represented in part. They are counted where there may be no engine.
pub static FILTERED: Early = Early::new(&FILTERED_FIRST);
pub static MALFORMED: Early = Early::new(&MALFORMED_FIRST);
/// Calls of processors that raised or returned what cannot be used.
pub static PROCESSOR_ERRORS: Early = Early::new(&PROCESSOR_ERRORS_FIRST);

static FILTERED_FIRST: AtomicU64 = AtomicU64::new(0);
static MALFORMED_FIRST: AtomicU64 = AtomicU64::new(0);
static PROCESSOR_ERRORS_FIRST: AtomicU64 = AtomicU64::new(0);

/// In seconds.
const WRITES: [f64; 11] = [1e-4, 2.5e-4, 5e-4, 1e-3, 5e-3, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0];
const CALLS: [f64; 12] = [1e-6, 2e-6, 3e-6, 5e-6, 1e-5, 2e-5, 5e-5, 1e-4, 1e-3, 0.01, 0.1, 1.0];

/// The labels of a metric, as they follow its name.
#[must_use]
pub fn labels(label: &str, value: &str) -> String {
    labelled(&[(label, value)])
}

/// The same of several.
#[must_use]
pub fn labelled(labels: &[(&str, &str)]) -> String {
    if labels.is_empty() {
        return String::new();
    }
    let escaped = |value: &str| value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    let all: Vec<_> = labels.iter().map(|(label, value)| format!("{label}=\"{}\"", escaped(value))).collect();
    format!("{{{}}}", all.join(","))
}

/// The name of the word that holds how many records of processes that died were written.
pub const RECOVERED: &str = "records_recovered_total";

/// The name of the words that hold the lines written to a file.
#[must_use]
pub fn lines_of(output: &str) -> String {
    format!("{}{}", FILE_COUNTS[0].metric, labels("file", output))
}

/// A value of the copy of a block. None if it has no entry of this name.
#[must_use]
pub fn value_in(words: &[u64], name: &str) -> Option<u64> {
    place_in(words, name).map(|at| words[at])
}

/// Sets a value of the copy of a block, if it has an entry of this name.
pub fn set_in(words: &mut [u64], name: &str, value: u64) {
    if let Some(at) = place_in(words, name) {
        words[at] = value;
    }
}

fn place_in(words: &[u64], name: &str) -> Option<usize> {
    let entry = Block::of(words)?.entries().find(|entry| entry.name == name)?;
    (!entry.values.is_empty()).then_some(entry.at)
}

/// What went through one queue. Its two counts are written by different threads.
#[derive(Debug, Default)]
pub struct Traffic {
    /// Records that entered the queue; numbers them too.
    pub queued: CachePadded<AtomicU64>,
    /// Records that left the queue: released by the writer, or dropped from it.
    pub departed: CachePadded<AtomicU64>,
}

impl Traffic {
    /// Records in the queue, or on their way through the writer.
    #[inline]
    #[must_use]
    pub fn depth(&self) -> u64 {
        // `departed` first: read the other way round, records passing through between the reads would count twice.
        let departed = self.departed.load(Ordering::Relaxed);
        self.queued.load(Ordering::Relaxed).saturating_sub(departed)
    }
}

#[derive(Debug)]
pub struct Stats {
    words: &'static Words,
    /// Traffic of all queues. While one queue replaces another, both are at work.
    traffic: Mutex<Vec<Arc<Traffic>>>,
    /// Records that went through queues that are gone.
    past: Count,
    /// Calls below their logger's level, records represented in part, failures of processors and headers that name no trace. Most are
    /// counted where there may be no engine.
    filtered: Count,
    malformed: Count,
    processor_errors: Count,
    trace_headers_ignored: Count,
    /// Records that the writer has taken, by level.
    pub taken: tally::Tally,
    /// Records handed to every file they are routed to.
    pub written: Count,
    /// Records that could not be written, and had to go.
    pub failed: Count,
    /// Records for metrics alone, which went through queues and count nowhere else.
    pub aside: Count,
    /// Records refused before they entered the queue, also part of `dropped`.
    pub refused: Count,
    dropped: [[Count; level::NAMES.len()]; REASONS.len()],
    /// How many of the dropped records are reported in the log.
    pub dropped_reported: Count,
    /// By the names of their outputs, as streams are.
    pub files: Named<FileStats>,
    pub streams: Named<StreamStats>,
    pub functions: Named<FunctionStats>,
    /// By the names of the metrics.
    pub metrics: Named<MetricStats>,
    /// By the names of the rules of sampling.
    pub rules: Named<RuleStats>,
    /// Calls that rules left out whose own words found no room.
    unplaced: LeftOut,
    /// Keys that had to be forgotten for others.
    pub keys_evicted: Count,
    /// Calls that sampling left out and that metrics have missed.
    pub metrics_missed: Count,
    /// Records that waited with their traces, those of them that were written, those that had to go, and the traces that were written.
    pub recorded: Count,
    pub recorded_written: Count,
    pub recorded_lost: Count,
    pub recorded_traces: Count,
    /// Bytes that wait now.
    pub recorder_bytes: Count,
    /// Records of the pipeline itself ("N records dropped"), beside the application's.
    pub notices: Count,
    pub queue_high_water: Count,
    /// Records in the queue when that was last looked at, and at most.
    pub queue_records: Count,
    pub queue_capacity: Count,
    /// How long the writer takes for a batch, and a call for its record, in seconds.
    pub write_duration: observed::Histogram,
    pub call_duration: observed::Histogram,
    /// Age of the oldest record of the last batch when it was drained, in microseconds.
    pub lag_us: Count,
    pub lag_max_us: Count,
    pub writer_restarts: Count,
    pub lock_timeouts: Count,
    /// Batches written without the directory's lock: its file could not be opened, or the file system has no locks.
    pub lock_unopened: Count,
    pub lock_unsupported: Count,
    pub errors: Count,
    /// 1 while there is a black box, else 0.
    pub protected: Count,
    /// Records that found no room in the black box and would not survive the process.
    pub unprotected: Count,
    /// Records of processes that died, written by this one.
    pub recovered: Count,
    /// Values and texts of records that were replaced, in part or whole.
    pub redacted: Count,
}

impl Default for Stats {
    /// Counts that no other process reads.
    fn default() -> Self {
        Self::at(Words::apart())
    }
}

impl Stats {
    /// Counts in the words of a process.
    #[must_use]
    pub fn at(words: &'static Words) -> Self {
        let at = Placing { words, list: &COUNTS, labels: String::new() };
        let dropped = |reason: &str, level: &str| {
            // Nobody asked for what is lost, wherever it is.
            let labels = format!("{{reason=\"{reason}\",level=\"{level}\",intentional=\"false\"}}");
            words.count(&format!("records_discarded_total{labels}"), How::Sum)
        };
        Self {
            words,
            traffic: Mutex::default(),
            past: Count::private(),
            filtered: at.count("filtered"),
            malformed: at.count("malformed"),
            processor_errors: at.count("processor_errors"),
            trace_headers_ignored: at.count("trace_headers_ignored"),
            taken: tally::Tally::at(words),
            written: at.count("written"),
            failed: at.count("failed"),
            aside: Count::private(),
            refused: Count::private(),
            dropped: REASONS.map(|reason| level::NAMES.map(|level| dropped(reason, level))),
            dropped_reported: Count::private(),
            files: Named::new(words, &FILES),
            streams: Named::new(words, &[CONSOLE]),
            functions: Named::new(words, &[]),
            metrics: Named::new(words, &[]),
            rules: Named::new(words, &[]),
            unplaced: LeftOut::unplaced(words),
            keys_evicted: at.count("sampling_keys_evicted"),
            metrics_missed: at.count("metrics_missed"),
            recorded: at.count("recorded"),
            recorded_written: at.count("recorded_written"),
            recorded_lost: at.count("recorded_lost"),
            recorded_traces: at.count("recorded_traces"),
            recorder_bytes: at.count("recorder_bytes"),
            notices: at.count("notices"),
            queue_high_water: at.count("queue_high_water"),
            queue_records: at.count("queue_depth"),
            queue_capacity: at.count("queue_capacity"),
            write_duration: at.histogram("batches", &WRITES),
            call_duration: at.histogram("calls_timed", &CALLS),
            lag_us: at.count("writer_lag_us"),
            lag_max_us: at.count("writer_lag_max_us"),
            writer_restarts: at.count("writer_restarts"),
            lock_timeouts: at.count("lock_timeouts"),
            lock_unopened: at.count("lock_unopened"),
            lock_unsupported: at.count("lock_unsupported"),
            errors: at.count("errors"),
            protected: at.count("black_box"),
            unprotected: at.count("unprotected"),
            recovered: at.count("recovered"),
            redacted: at.count("redacted"),
        }
    }

    /// Counts that nobody reads.
    pub fn unread() -> &'static Self {
        static UNREAD: LazyLock<Stats> = LazyLock::new(Stats::default);
        &UNREAD
    }

    /// Those of this process, where everything is counted that has no engine.
    #[must_use]
    pub fn of_process() -> Self {
        let stats = Self::at(Words::here());
        FILTERED.go_on_in(stats.filtered);
        MALFORMED.go_on_in(stats.malformed);
        PROCESSOR_ERRORS.go_on_in(stats.processor_errors);
        stats
    }

    /// Where the counts are.
    #[must_use]
    pub const fn words(&self) -> &'static Words {
        self.words
    }

    pub fn drop_one(&self, reason: Dropped, level: i32) {
        self.dropped[reason as usize][level::bucket(level)].add(1);
    }

    /// Records dropped for each reason, by level.
    pub fn dropped(&self) -> impl Iterator<Item = (&'static str, [u64; level::NAMES.len()])> {
        REASONS.iter().zip(&self.dropped).map(|(reason, counts)| (*reason, counts.map(Count::get)))
    }

    /// A forked child starts its own count.
    pub fn restart(&self) {
        // The lock may have been held by a thread that exists only in the parent.
        if let Ok(mut traffic) = self.traffic.try_lock() {
            traffic.clear();
        }
        self.past.set(0);
        self.aside.set(0);
        let protected = self.protected.get();
        self.words.begin_anew();
        self.protected.set(protected);
        for (_, stream) in self.streams.iter() {
            stream.waiting.set(0);
        }
        for (_, function) in self.functions.iter() {
            function.lines.waiting.set(0);
        }
        for count in [self.refused, self.dropped_reported] {
            count.set(0);
        }
    }

    #[must_use]
    pub fn dropped_total(&self) -> u64 {
        self.dropped.iter().flatten().map(|count| count.get()).sum()
    }

    /// Where a rule counts the calls that it leaves out.
    #[must_use]
    pub fn left_out_by(&self, rule: &RuleStats) -> LeftOut {
        if rule.left_out.is_placed() { rule.left_out } else { self.unplaced }
    }

    /// What each rule left out.
    fn all_left_out(&self) -> impl Iterator<Item = LeftOut> {
        self.rules.iter().map(|(_, rule)| rule.left_out).chain([self.unplaced]).filter(LeftOut::is_placed)
    }

    /// Calls that rules left out, and that have no record.
    #[must_use]
    pub fn left_out(&self) -> u64 {
        self.all_left_out().map(|left_out| left_out.filtered()).sum()
    }

    /// Those of them of which some record tells.
    #[must_use]
    pub fn suppressed(&self) -> u64 {
        self.all_left_out().map(|left_out| left_out.by_count.get()).sum()
    }

    /// The same in the present block.
    #[must_use]
    pub fn suppressed_here(&self) -> u64 {
        self.all_left_out().map(|left_out| left_out.by_count.here()).sum()
    }

    /// How often files were rotated.
    #[must_use]
    pub fn rotations(&self) -> u64 {
        self.files.iter().map(|(_, file)| file.rotations.get()).sum()
    }

    /// Whether the log is still to report some drops.
    #[must_use]
    pub fn has_unreported_drops(&self) -> bool {
        self.dropped_total() > self.dropped_reported.get()
    }

    #[must_use]
    pub fn accepted(&self) -> u64 {
        let queued: u64 = self.traffic().iter().map(|traffic| traffic.queued.load(Ordering::Relaxed)).sum();
        (self.past.get() + queued).saturating_sub(self.aside.get()) + self.refused.get()
    }

    /// Records in all queues.
    #[must_use]
    pub fn depth(&self) -> u64 {
        self.traffic().iter().map(|traffic| traffic.depth()).sum()
    }

    /// Counts for a new queue.
    pub fn new_traffic(&self) -> Arc<Traffic> {
        let mut all = self.traffic();
        all.retain(|traffic| {
            let gone = Arc::strong_count(traffic) == 1;
            if gone {
                self.past.add(traffic.queued.load(Ordering::Relaxed));
            }
            !gone
        });
        let traffic = Arc::<Traffic>::default();
        all.push(Arc::clone(&traffic));
        traffic
    }

    fn traffic(&self) -> MutexGuard<'_, Vec<Arc<Traffic>>> {
        self.traffic.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
