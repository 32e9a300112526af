//! Memory of the heap, for records that outgrow the slots or find none. Large pieces come from the system and go back
//! to it, because an allocator would keep the largest amount that each thread ever had. Pages of the system are
//! expensive: each is zeroed, and faulted in one by one. So some pieces are kept for the next records while there is
//! work.

use std::alloc::{Layout, alloc, dealloc};
use std::hint::spin_loop;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard};

use super::ALIGN;
use crate::platform::Mapping;

/// Pieces of this many bytes or more are taken from the system itself.
const LARGE: usize = 16 << 10;
/// Sizes of pieces that are kept: 16 KiB and its doubles.
const KINDS: usize = 7;
/// Bytes kept of all sizes together.
const MOST: usize = 8 << 20;
/// Attempts to take the lock, which is held for a few instructions.
const TRIES: usize = 100;

/// Large pieces without a buffer.
struct FreePieces {
    pieces: [Vec<Piece>; KINDS],
    bytes: usize,
}

/// Memory from the system, as it goes into a buffer and comes back.
struct Piece(NonNull<u8>);

// SAFETY: a piece is the only owner of its memory.
unsafe impl Send for Piece {}

static KEEP: Mutex<FreePieces> = Mutex::new(FreePieces { pieces: [const { Vec::new() }; KINDS], bytes: 0 });
/// The number in `FreePieces`, to be read without the lock.
static BYTES: AtomicUsize = AtomicUsize::new(0);

impl FreePieces {
    /// The free pieces. `None` if another thread held the lock when the process was forked; the caller then asks the
    /// system.
    fn now() -> Option<MutexGuard<'static, Self>> {
        (0..TRIES).find_map(|_| {
            let guard = KEEP.try_lock().ok();
            if guard.is_none() {
                spin_loop();
            }
            guard
        })
    }

    fn take(&mut self, size: usize) -> Option<NonNull<u8>> {
        let Piece(start) = self.pieces[kind(size)?].pop()?;
        self.bytes -= size;
        BYTES.store(self.bytes, Ordering::Relaxed);
        Some(start)
    }

    /// False when the piece is not kept.
    fn put(&mut self, start: NonNull<u8>, size: usize) -> bool {
        let Some(kind) = kind(size).filter(|_| self.bytes + size <= MOST) else { return false };
        if self.pieces[kind].try_reserve(1).is_err() {
            return false;
        }
        self.pieces[kind].push(Piece(start));
        self.bytes += size;
        BYTES.store(self.bytes, Ordering::Relaxed);
        true
    }
}

/// Which of the kept sizes this is.
fn kind(size: usize) -> Option<usize> {
    let kind = (size / LARGE).trailing_zeros() as usize;
    (size == LARGE << kind.min(KINDS) && kind < KINDS).then_some(kind)
}

/// Room for `size` bytes, or `None` when there is no memory.
pub fn block(size: usize) -> Option<NonNull<u8>> {
    if size >= LARGE {
        let kept = FreePieces::now().and_then(|mut kept| kept.take(size));
        return kept.or_else(|| Mapping::anonymous(size).ok().map(Mapping::into_start));
    }
    let layout = Layout::from_size_align(size, ALIGN).ok()?;
    // SAFETY: the size is never zero.
    NonNull::new(unsafe { alloc(layout) })
}

/// # Safety
/// `bytes` was made by `block` with this size, and nobody uses it any more.
pub unsafe fn free_block(bytes: NonNull<u8>, size: usize) {
    if size >= LARGE {
        if !FreePieces::now().is_some_and(|mut kept| kept.put(bytes, size)) {
            // SAFETY: passed on to the caller.
            drop(unsafe { Mapping::from_start(bytes, size) });
        }
    } else if let Ok(layout) = Layout::from_size_align(size, ALIGN) {
        // SAFETY: allocated with this layout.
        unsafe { dealloc(bytes.as_ptr(), layout) };
    }
}

/// Gives the free pieces back to the system. The writer calls it when there is no work.
pub fn give_back_kept() {
    if BYTES.load(Ordering::Relaxed) == 0 {
        return;
    }
    let Some(mut kept) = FreePieces::now() else { return };
    let pieces = std::mem::take(&mut kept.pieces);
    kept.bytes = 0;
    BYTES.store(0, Ordering::Relaxed);
    drop(kept);
    for (kind, pieces) in pieces.into_iter().enumerate() {
        for Piece(start) in pieces {
            // SAFETY: a piece of this size, taken from the list.
            drop(unsafe { Mapping::from_start(start, LARGE << kind) });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_kept_by_their_size() {
        assert_eq!([LARGE, 2 * LARGE, LARGE << 6].map(kind), [Some(0), Some(1), Some(6)]);
        assert_eq!([LARGE + 1, 3 * LARGE, LARGE << 7, LARGE << 8].map(kind), [None; 4]);
    }

    #[test]
    fn no_more_is_kept_than_its_bound() {
        let mut kept = FreePieces { pieces: [const { Vec::new() }; KINDS], bytes: 0 };
        let put = |kept: &mut FreePieces, size: usize| {
            let start = Mapping::anonymous(size).unwrap().into_start();
            kept.put(start, size)
        };
        let mut count = 0;
        while put(&mut kept, 4 * LARGE) {
            count += 1;
        }
        assert_eq!(count, MOST / (4 * LARGE));
        assert!(kept.take(LARGE).is_none());
        let first = kept.take(4 * LARGE).unwrap();
        assert!(kept.put(first, 4 * LARGE));
    }
}
