//! Memory when there is none. Rust ends a process in which an ordinary allocation fails; a logging library must not.
//!
//! When the system has no memory, small pieces come from a reserve, which is part of the library's image and costs
//! nothing until it is touched. Code whose memory may grow large asks for it first (`Put`, `expect`). Code that uses
//! many small pieces checks in between whether the reserve is running low (`check`). Both end the call by unwinding,
//! with `OutOfMemory`. The allocator itself must not unwind, and never does. Only a piece that is too large for the
//! reserve, and was not asked for first, still ends the process.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::UnsafeCell;
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

/// The payload of a panic when there is no memory for a record. The call ends, and the process does not.
#[derive(Debug)]
pub struct OutOfMemory;

/// Memory is short until the system has this many bytes again.
const ENOUGH: usize = 256 << 10;
/// The alignment of every piece of the reserve.
const ALIGN: usize = 128;

/// Whether the system has refused memory, and was not seen to give any since.
static SHORT: AtomicBool = AtomicBool::new(false);
/// Nothing but zeros, which take no room in the image.
static BYTES: Area = Area::new();
static RESERVE: Reserve = Reserve::new(&BYTES);

/// Bytes of one piece of each class. All classes have as many bytes in all.
const SMALL: usize = 128;
const MIDDLE: usize = 1 << 10;
const LARGE: usize = 16 << 10;
const SHARE: usize = 512 << 10;
const AREA: usize = 3 * SHARE;

/// The allocator: the system's, with the reserve behind it.
#[derive(Debug)]
pub struct Memory;

// SAFETY: memory is the system's, or a piece of the reserve, which knows its own by their addresses. Neither unwinds.
unsafe impl GlobalAlloc for Memory {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: promised by the caller.
        let pointer = unsafe { System.alloc(layout) };
        if pointer.is_null() { RESERVE.alloc(layout) } else { pointer }
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: promised by the caller.
        let pointer = unsafe { System.alloc_zeroed(layout) };
        if !pointer.is_null() {
            return pointer;
        }
        let pointer = RESERVE.alloc(layout);
        if !pointer.is_null() {
            // SAFETY: the piece has as many bytes.
            unsafe { pointer.write_bytes(0, layout.size()) };
        }
        pointer
    }

    #[inline]
    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        if RESERVE.has(pointer) {
            RESERVE.give_back(pointer);
        } else {
            // SAFETY: promised by the caller; it is the system's.
            unsafe { System.dealloc(pointer, layout) }
        }
    }

    #[inline]
    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        if !RESERVE.has(pointer) {
            // SAFETY: promised by the caller; it is the system's.
            let new = unsafe { System.realloc(pointer, layout, size) };
            if !new.is_null() {
                return new;
            }
        }
        // SAFETY: promised by the caller.
        unsafe { self.move_to(pointer, layout, size) }
    }
}

impl Memory {
    /// Moves a piece to another with `size` bytes. The piece is of the reserve, or the system has no more memory.
    #[cold]
    unsafe fn move_to(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: promised by the caller of `realloc`: `size` is not 0 and does not overflow with this alignment. Both blocks have the bytes
        // that are copied, and are different ones.
        unsafe {
            let new = self.alloc(Layout::from_size_align_unchecked(size, layout.align()));
            if !new.is_null() {
                std::ptr::copy_nonoverlapping(pointer, new, size.min(layout.size()));
                self.dealloc(pointer, layout);
            }
            new
        }
    }
}

/// Ends the call when memory is short and the reserve is half used. Costs a load of one word if it is not.
#[inline]
pub fn check() {
    if SHORT.load(Ordering::Relaxed) {
        check_reserve();
    }
}

#[cold]
fn check_reserve() {
    if has(ENOUGH) {
        SHORT.store(false, Ordering::Relaxed);
    } else if RESERVE.is_low() {
        give_up();
    }
}

/// Whether memory is short, so that caches should keep nothing.
#[must_use]
pub fn is_short() -> bool {
    SHORT.load(Ordering::Relaxed) && !has(ENOUGH)
}

/// Whether the system has this many bytes now. The next allocation gets them, unless other threads are faster.
#[must_use]
#[inline(never)]
pub fn has(bytes: usize) -> bool {
    let Ok(layout) = Layout::from_size_align(bytes.max(1), 16) else { return false };
    // SAFETY: the layout has bytes; what was taken is given back.
    unsafe {
        // The compiler may take memory that nobody uses for granted, and leave the call out.
        let pointer = std::hint::black_box(System.alloc(layout));
        if pointer.is_null() {
            return false;
        }
        System.dealloc(pointer, layout);
    }
    true
}

/// Ends the call unless there are this many bytes. Called before allocations that cannot fail.
#[inline]
pub fn expect(bytes: usize) {
    if bytes > LARGE && !has(bytes) {
        give_up();
    }
    check();
}

/// Ends the call unless there is memory to encode a record, which is done with allocations that cannot fail.
#[inline]
pub fn expect_to_encode(record: &[u8]) {
    expect(8 * record.len());
}

/// Ends the call.
#[cold]
pub fn give_up() -> ! {
    resume_unwind(Box::new(OutOfMemory))
}

/// Puts an item at the end, where there is memory for it.
#[inline]
pub fn push<T>(items: &mut Vec<T>, item: T) {
    if items.try_reserve(1).is_err() {
        give_up();
    }
    items.push(item);
}

/// Texts in one.
#[must_use]
pub fn joined(parts: &[&str]) -> String {
    let mut text = String::new();
    if text.try_reserve_exact(parts.iter().map(|part| part.len()).sum()).is_err() {
        give_up();
    }
    parts.iter().for_each(|part| text.push_str(part));
    text
}

#[repr(align(128))]
struct Area(UnsafeCell<[u8; AREA]>);

impl Area {
    const fn new() -> Self {
        Self(UnsafeCell::new([0; AREA]))
    }
}

// SAFETY: a piece is touched only by the thread that allocated it.
unsafe impl Sync for Area {}

struct Reserve {
    area: &'static Area,
    classes: [Class; 3],
}

impl Reserve {
    const fn new(area: &'static Area) -> Self {
        Self { area, classes: [Class::new(SMALL, 0), Class::new(MIDDLE, SHARE), Class::new(LARGE, 2 * SHARE)] }
    }

    fn start(&self) -> *mut u8 {
        self.area.0.get().cast()
    }

    #[inline]
    fn has(&self, pointer: *mut u8) -> bool {
        (pointer as usize).wrapping_sub(self.start() as usize) < AREA
    }

    /// A piece of so many bytes, or null.
    #[cold]
    fn alloc(&self, layout: Layout) -> *mut u8 {
        SHORT.store(true, Ordering::Relaxed);
        if layout.align() > ALIGN {
            return std::ptr::null_mut();
        }
        let pointer = self.classes.iter().filter(|class| layout.size() <= class.piece).find_map(Class::alloc);
        // SAFETY: within the area.
        pointer.map_or(std::ptr::null_mut(), |pointer| unsafe { self.start().add(pointer) })
    }

    #[cold]
    fn give_back(&self, pointer: *mut u8) {
        let offset = pointer as usize - self.start() as usize;
        self.classes[offset / SHARE].give_back(offset);
    }

    /// Whether half of any class is used.
    fn is_low(&self) -> bool {
        self.classes.iter().any(|class| class.used.load(Ordering::Relaxed) * class.piece * 2 > SHARE)
    }
}

/// Pieces of one size.
struct Class {
    piece: usize,
    /// Where the first is in the area.
    start: usize,
    used: AtomicUsize,
    /// A bit for each.
    taken: [AtomicU64; SHARE / SMALL / 64],
}

impl Class {
    const fn new(piece: usize, start: usize) -> Self {
        Self { piece, start, used: AtomicUsize::new(0), taken: [const { AtomicU64::new(0) }; SHARE / SMALL / 64] }
    }

    /// Where a free piece is in the area.
    fn alloc(&self) -> Option<usize> {
        let count = SHARE / self.piece;
        for (index, word) in self.taken.iter().enumerate().take(count.div_ceil(64)) {
            let mut bits = word.load(Ordering::Relaxed);
            loop {
                let free = bits.trailing_ones() as usize;
                if free == 64 || index * 64 + free >= count {
                    break;
                }
                // Acquire pairs with the release in `give_back`: the stores of the last owner are over.
                match word.compare_exchange_weak(bits, bits | 1 << free, Ordering::Acquire, Ordering::Relaxed) {
                    Ok(_) => {
                        self.used.fetch_add(1, Ordering::Relaxed);
                        return Some(self.start + (index * 64 + free) * self.piece);
                    }
                    Err(now) => bits = now,
                }
            }
        }
        None
    }

    fn give_back(&self, offset: usize) {
        let index = (offset - self.start) / self.piece;
        self.used.fetch_sub(1, Ordering::Relaxed);
        self.taken[index / 64].fetch_and(!(1 << (index % 64)), Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A reserve of a test's own.
    macro_rules! reserve {
        () => {{
            static BYTES: Area = Area::new();
            static RESERVE: Reserve = Reserve::new(&BYTES);
            &RESERVE
        }};
    }

    fn layout(bytes: usize) -> Layout {
        Layout::from_size_align(bytes, 16).unwrap()
    }

    #[test]
    fn pieces_are_apart_and_all_come_back() {
        let reserve = reserve!();
        for round in 0_u8..2 {
            let mut taken = Vec::new();
            for bytes in [1, SMALL, SMALL + 1, MIDDLE, MIDDLE + 1, LARGE].into_iter().cycle() {
                let pointer = reserve.alloc(layout(bytes));
                if pointer.is_null() {
                    break;
                }
                assert!(reserve.has(pointer) && (pointer as usize).is_multiple_of(ALIGN));
                // SAFETY: the piece has as many bytes.
                unsafe { pointer.write_bytes(round, bytes) };
                taken.push((pointer as usize, bytes, pointer));
            }
            assert!(reserve.is_low());
            taken.sort_unstable();
            assert!(taken.windows(2).all(|pair| pair[0].0 + pair[0].1 <= pair[1].0));
            taken.into_iter().for_each(|(_, _, pointer)| reserve.give_back(pointer));
            assert!(!reserve.is_low());
            assert!(reserve.classes.iter().all(|class| class.used.load(Ordering::Relaxed) == 0));
        }
    }

    #[test]
    fn small_pieces_are_taken_of_a_larger_class_when_theirs_is_used_up() {
        let reserve = reserve!();
        let count =
            std::iter::repeat_with(|| reserve.alloc(layout(8))).take_while(|pointer| !pointer.is_null()).count();
        assert_eq!(count, SHARE / SMALL + SHARE / MIDDLE + SHARE / LARGE);
    }

    #[test]
    fn what_is_too_large_or_too_aligned_is_not_to_be_had() {
        let reserve = reserve!();
        assert!(reserve.alloc(layout(LARGE + 1)).is_null());
        assert!(reserve.alloc(Layout::from_size_align(8, 2 * ALIGN).unwrap()).is_null());
    }

    #[test]
    fn a_piece_of_the_reserve_grows_out_of_it() {
        let small = RESERVE.alloc(layout(8));
        // SAFETY: taken just now; what comes back has the bytes.
        unsafe {
            small.write_bytes(7, 8);
            let grown = Memory.realloc(small, layout(8), 100_000);
            assert!(!RESERVE.has(grown));
            assert_eq!(std::slice::from_raw_parts(grown, 8), [7; 8]);
            Memory.dealloc(grown, layout(100_000));
        }
        check();
        assert!(!is_short());
    }

    #[test]
    fn threads_do_not_share_a_piece() {
        let reserve = reserve!();
        std::thread::scope(|scope| {
            for number in 1_u8..5 {
                scope.spawn(move || {
                    for _ in 0..2_000 {
                        let pointer = reserve.alloc(layout(64));
                        // SAFETY: the piece has as many bytes, and nobody else has it.
                        unsafe {
                            pointer.write_bytes(number, 64);
                            assert_eq!(std::slice::from_raw_parts(pointer, 64), [number; 64]);
                        }
                        reserve.give_back(pointer);
                    }
                });
            }
        });
    }
}
