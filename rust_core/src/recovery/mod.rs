//! Writing what processes that died had accepted and not written: once, in order, by whoever comes first.
//!
//! A record in a box is written already if the journal of its file says so, or if its line stands where the process was about
//! to append when it died. The recovery keeps the same journal in the same box, so that one that dies itself is gone on with
//! by the next.

mod one_box;
mod strays;

use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use crate::blackbox::{self, Ownerless};
use crate::platform;
use one_box::recover;

pub use strays::{Ask, Strays, anywhere, sweep_strays};

/// What was done for one directory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recovered {
    /// Boxes whose records are all written now.
    pub boxes: u64,
    pub records: u64,
    /// Slots that were said to hold a record, and do not.
    pub damaged: u64,
    /// Boxes of another format, or damaged as a whole: set aside.
    pub aside: Vec<(PathBuf, String)>,
    /// What stands in the way of writing the rest; it is tried again.
    pub failed: Vec<String>,
    /// Boxes with records whose log directory is not there.
    pub waiting: Vec<String>,
    /// Directories whose boxes were not read, because another user could have planted them.
    pub distrusted: Vec<blackbox::Distrust>,
}

/// Held by the one thread of a process that recovers a given log directory: another would find every box taken, and call it dealt with.
static BUSY: AtomicU32 = AtomicU32::new(0);

struct Busy;

impl Busy {
    fn take() -> Option<Self> {
        let me = platform::process_id();
        let before = BUSY.load(Ordering::Relaxed);
        // What another process left there was inherited over a fork.
        (before != me && BUSY.compare_exchange(before, me, Ordering::Acquire, Ordering::Relaxed).is_ok())
            .then_some(Self)
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        BUSY.store(0, Ordering::Release);
    }
}

/// Recovers every box of a log directory whose owner is gone. `None` while another thread is at it.
#[must_use]
pub fn sweep(directory: &Path) -> Option<Recovered> {
    let _busy = Busy::take()?;
    let mut recovered = Recovered::default();
    let mut one = |found: Ownerless| {
        let path = found.path.clone();
        // One box that cannot be dealt with keeps no other from being.
        catch_unwind(AssertUnwindSafe(|| recover(directory, found, &mut recovered))).unwrap_or_else(|_| {
            recovered.failed.push(format!("{}: the recovery panicked", path.display()));
            ControlFlow::Continue(())
        })
    };
    let mut distrusted = Vec::new();
    let _ = blackbox::all(directory).iter().try_for_each(|location| {
        location.each_ownerless(&mut one).unwrap_or_else(|distrust| {
            distrusted.push(distrust);
            ControlFlow::Continue(())
        })
    });
    recovered.distrusted = distrusted;
    Some(recovered)
}
