//! The flight recorder: records that their level would leave out wait with their trace, and are written if it fails.
//!
//! `recording` is what waits of one trace. Here is which traces there are, and how much all of them may hold. Nothing here writes: see
//! `handover::recorded`.

mod recording;

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use pyo3::prelude::*;
use pyo3::types::PyString;
use unified_logger_core::forks;
use unified_logger_core::sampling::{Share, Threshold};
use unified_logger_core::slab::Buffer;

use crate::interpreter::counts::STATS;
use crate::interpreter::gil::Gil;
use crate::value::shown::text_of;

pub use recording::{Recording, Released};

/// What is recorded, and when it is written.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// Records from this level on are recorded.
    pub least: i32,
    /// A record from this level on has its trace written.
    pub trigger: i32,
    /// A trace that takes so long is written.
    pub slow: Option<Duration>,
    /// This share of the other traces is written.
    pub background: Option<Share>,
    /// Bytes that the records of one trace, and of all traces, hold at most.
    pub trace_bytes: usize,
    pub bytes: usize,
}

static RULE: Gil<Option<Rule>> = Gil::new(None);
static TRACES: Gil<Option<Traces>> = Gil::new(None);

/// The traces of which something may be recorded.
#[derive(Default)]
struct Traces {
    /// By their ids.
    named: HashMap<String, Weak<Recording>>,
    /// Those of which something waits, in the order in which their first record came. Of some of them, nothing may wait any more.
    listed: VecDeque<Weak<Recording>>,
    /// Traces that another library has begun, which nobody tells the end of.
    held: VecDeque<Held>,
    /// Bytes that all of them hold.
    bytes: usize,
    forks: u32,
}

struct Held {
    recording: Arc<Recording>,
    since: Instant,
}

/// For so long the records of a trace wait that another library has begun. A trace is over then, or what follows waits anew.
const LONGEST: Duration = Duration::from_secs(30);
/// No more of them are held.
const MOST_HELD: usize = 4_096;

/// So many traces that are over may be listed beside those that are not.
const CROWD: usize = 64;

/// Sets what is recorded of traces that begin from now on. Guards must ask again after that.
pub fn set_rule(py: Python<'_>, rule: Option<Rule>) {
    RULE.replace(py, rule);
}

pub fn rule(py: Python<'_>) -> Option<Rule> {
    RULE.copied(py)
}

#[inline]
pub fn is_on(py: Python<'_>) -> bool {
    RULE.copied(py).is_some()
}

/// The share of traces that is written although nothing is wrong with them.
pub fn background(rate: f64) -> Option<Share> {
    (rate > 0.0).then(|| Share::Consistent(Threshold::of(rate)))
}

/// The recording of a trace. `None` while nothing is recorded.
pub fn of_trace(py: Python<'_>, trace_id: Option<&Bound<'_, PyString>>) -> Option<Arc<Recording>> {
    let rule = rule(py)?;
    let trace_id = text_of(trace_id?.as_any());
    let traces = traces(py);
    if let Some(known) = traces.named.get(&trace_id).and_then(Weak::upgrade) {
        return Some(known);
    }
    let recording = Arc::new(Recording::new(trace_id.clone(), rule));
    traces.named.insert(trace_id, Arc::downgrade(&recording));
    Some(recording)
}

/// Keeps what waits of a trace that another library has begun: its contexts are made anew now and then.
pub fn hold(py: Python<'_>, recording: &Arc<Recording>) {
    let now = Instant::now();
    let mut over = Vec::new();
    let traces = traces(py);
    let is_over = |oldest: &Held| now.duration_since(oldest.since) >= LONGEST;
    while traces.held.len() >= MOST_HELD || traces.held.front().is_some_and(is_over) {
        over.extend(traces.held.pop_front());
    }
    if recording.note_held(py) {
        traces.held.push_back(Held { recording: Arc::clone(recording), since: now });
    }
    over.iter().for_each(|held| held.recording.note_released(py));
    // Dropped where nothing of the traces is borrowed: a recording that goes changes them.
    drop(over);
}

#[allow(clippy::mut_from_ref, reason = "the interpreter lock guards it")]
fn traces(py: Python<'_>) -> &mut Traces {
    // SAFETY: no function of this room runs Python code.
    let traces = unsafe { &mut *TRACES.get(py) }.get_or_insert_with(Traces::default);
    let forks = forks::count();
    if traces.forks != forks {
        // The records of the parent are the parent's to write. Recordings that go now change the new ones.
        let before = std::mem::replace(traces, Traces { forks, ..Traces::default() });
        std::mem::forget(before.held);
    }
    traces
}

impl Traces {
    /// Has whole traces go, the oldest first, until there is room for another record of `current`.
    fn make_room(&mut self, py: Python<'_>, current: &Arc<Recording>, bytes: usize, most: usize) {
        let mut at = 0;
        while self.bytes + bytes > most {
            let Some(oldest) = self.listed.get(at) else { return };
            let recording = oldest.upgrade();
            if recording.as_ref().is_some_and(|recording| Arc::ptr_eq(recording, current)) {
                at += 1;
                continue;
            }
            self.listed.remove(at);
            if let Some(recording) = recording {
                self.bytes -= recording.lose_all(py).min(self.bytes);
            }
        }
    }
}

/// Adds a record to those that wait. It comes from the black box, if there is one.
pub fn add(py: Python<'_>, recording: &Arc<Recording>, record: Buffer) {
    let rule = recording.rule;
    let bytes = record.footprint();
    STATS.recorded.add(1);
    // One on the heap would not survive, and the queue bounds what is there.
    if record.heap_size() > 0 || bytes > rule.trace_bytes || bytes > rule.bytes {
        return recording.lose(py, record);
    }
    let freed = recording.make_room(py, bytes);
    let traces = traces(py);
    traces.bytes = traces.bytes.saturating_sub(freed);
    traces.make_room(py, recording, bytes, rule.bytes);
    traces.bytes += bytes;
    if recording.push(py, record, bytes) {
        traces.listed.push_back(Arc::downgrade(recording));
    }
    STATS.recorder_bytes.set(traces.bytes as u64);
}

/// Forgets all that waits.
pub fn forget_all(py: Python<'_>) {
    let traces = traces(py);
    let (listed, held) = (std::mem::take(&mut traces.listed), std::mem::take(&mut traces.held));
    held.iter().for_each(|held| held.recording.note_released(py));
    for recording in listed.iter().filter_map(Weak::upgrade) {
        let (released, bytes) = recording.forget(py);
        give_back(py, bytes);
        drop(released);
    }
}

/// Moves all records that wait to where `keep` puts them.
pub fn move_all(py: Python<'_>, keep: impl Fn(Buffer) -> Buffer) {
    let listed: Vec<Arc<Recording>> = traces(py).listed.iter().filter_map(Weak::upgrade).collect();
    listed.iter().for_each(|recording| recording.move_all(py, &keep));
}

/// Takes what waits of a trace: it is written, or forgotten.
pub fn take(py: Python<'_>, recording: &Recording) -> Released {
    let (released, bytes) = recording.take(py);
    give_back(py, bytes);
    released
}

fn give_back(py: Python<'_>, bytes: usize) {
    if bytes > 0 {
        let traces = traces(py);
        traces.bytes = traces.bytes.saturating_sub(bytes);
        // Mostly those at the front are over.
        while traces.listed.front().is_some_and(|oldest| oldest.strong_count() == 0) {
            traces.listed.pop_front();
        }
        if traces.listed.len() > 2 * traces.named.len() + CROWD {
            traces.listed.retain(|one| one.strong_count() > 0);
        }
        STATS.recorder_bytes.set(traces.bytes as u64);
    }
}

impl Drop for Recording {
    /// What still waits is forgotten with the last that holds the recording: a context of its trace, or a call that is under way.
    fn drop(&mut self) {
        // SAFETY: all of these hold it attached, and let go of it attached.
        let py = unsafe { Python::assume_attached() };
        give_back(py, self.waiting_bytes(py));
        let named = &mut traces(py).named;
        if named.get(&self.trace_id).is_some_and(|known| known.strong_count() == 0) {
            named.remove(&self.trace_id);
        }
    }
}
