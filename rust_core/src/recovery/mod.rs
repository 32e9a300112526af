//! Writing the records that a process had accepted, and not written, when it died. They are written once, in order, by
//! the first process that finds them.
//!
//! A record in a box is written already if the journal of its file says so, or if its line stands where the process
//! was about to append when it died. What a stream has taken cannot be read again: the records of a write that was not
//! noted as done are written once more. The recovery keeps the same journal in the same box. If it dies itself, the next
//! recovery continues from there.

mod appended;
mod counted;
mod one_box;
mod strays;

use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::blackbox::{self, Home, Ownerless};
use crate::platform;
use one_box::recover;

pub use strays::{Ask, Strays, anywhere, sweep_strays};

/// What was done for one directory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recovered {
    /// Boxes whose records are all written now.
    pub boxes: u64,
    pub records: u64,
    /// Those of them that are in the counts of their directory.
    pub kept: u64,
    /// Slots that should hold a record, and do not.
    pub damaged: u64,
    /// Boxes that were set aside, because they are of another format or damaged as a whole.
    pub aside: Vec<(PathBuf, String)>,
    /// Why the remaining records could not be written. They are tried again.
    pub failed: Vec<String>,
    /// Boxes with records whose log directory is not there.
    pub waiting: Vec<String>,
    /// Directories whose boxes were not read, because another user could have planted them.
    pub distrusted: Vec<blackbox::Distrust>,
}

/// Set while one thread of this process recovers a log directory. A second thread would find every box locked, and
/// take it for recovered.
static BUSY: AtomicU32 = AtomicU32::new(0);

struct Busy;

impl Busy {
    fn take() -> Option<Self> {
        let me = platform::process_id();
        let before = BUSY.load(Ordering::Relaxed);
        // The number of another process was inherited over a fork.
        (before != me && BUSY.compare_exchange(before, me, Ordering::Acquire, Ordering::Relaxed).is_ok())
            .then_some(Self)
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        BUSY.store(0, Ordering::Release);
    }
}

/// Recovers every box of a log directory or of a service whose owner is gone. `None` while another thread does.
#[must_use]
pub fn sweep(home: &Home) -> Option<Recovered> {
    sweep_of(home, false)
}

/// The same for a log directory that was copied from another machine, none of whose processes lives here.
#[must_use]
pub fn sweep_copy(home: &Home) -> Option<Recovered> {
    sweep_of(home, true)
}

fn sweep_of(home: &Home, copied: bool) -> Option<Recovered> {
    let _busy = Busy::take()?;
    let mut recovered = Recovered::default();
    let mut one = |found: Ownerless| {
        let path = found.path.clone();
        // A panic over one box does not keep other boxes from being recovered.
        catch_unwind(AssertUnwindSafe(|| recover(home.directory(), found, copied, &mut recovered))).unwrap_or_else(
            |_| {
                recovered.failed.push(format!("{}: the recovery panicked", path.display()));
                ControlFlow::Continue(())
            },
        )
    };
    let mut distrusted = Vec::new();
    let _ = home.locations().iter().try_for_each(|location| {
        location.each_ownerless(copied, &mut one).unwrap_or_else(|distrust| {
            distrusted.push(distrust);
            ControlFlow::Continue(())
        })
    });
    recovered.distrusted = distrusted;
    Some(recovered)
}
