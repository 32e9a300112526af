//! Our code without locks, run by loom through every order of events that the memory model allows (up to a number of
//! preemptions): the modules are those of the crate, compiled with loom's atomics. Run by `scripts/check.py`.
//!
//! What a recovery finds after a kill is what a reader finds that looks at any moment and is not disturbed: so the readers
//! here look twice, and only what stood still between their looks counts.
#![allow(clippy::pedantic, dead_code)]

use std::collections::HashSet;
use std::time::Duration;

use loom::model::Builder;
use loom::sync::Arc;
use loom::thread;

/// In the place of `crate::sync`: loom's where it has them, and what follows the same rules where it has not.
mod sync {
    use std::time::Duration;

    use loom::cell::UnsafeCell;
    use loom::sync::{Arc, Condvar};

    pub use loom::sync::Mutex;
    pub use loom::sync::atomic::{AtomicU8, AtomicU32, AtomicU64, Ordering, fence};
    pub use std::sync::PoisonError;

    /// A flag that one thread stores and the others swap. There is one order of all that, and each swap reads what comes just
    /// before it; loom knows no order of a store and a swap of two threads, and lets a third read what both had replaced. As
    /// swaps alone they have one. Nothing is lost by it: it would be otherwise if two threads stored.
    #[derive(Debug, Default)]
    pub struct AtomicBool(loom::sync::atomic::AtomicBool);

    impl AtomicBool {
        pub fn load(&self, order: Ordering) -> bool {
            self.0.load(order)
        }

        pub fn store(&self, value: bool, order: Ordering) {
            self.0.swap(value, order);
        }

        pub fn swap(&self, value: bool, order: Ordering) -> bool {
            self.0.swap(value, order)
        }
    }

    loom::thread_local! {
        static CURRENT: Thread = Thread::default();
    }

    /// A thread that can be woken. Not loom's: there a token is lost that is given to a thread which waits for a mutex, and
    /// orders of `park` and `unpark` are not tried for their own sake.
    #[derive(Clone, Debug, Default)]
    pub struct Thread(Arc<(Mutex<bool>, Condvar)>);

    impl Thread {
        pub fn unpark(&self) {
            *self.0.0.lock().unwrap() = true;
            self.0.1.notify_one();
        }
    }

    pub fn current() -> Thread {
        CURRENT.with(Clone::clone)
    }

    /// Time never passes: who is not woken sleeps for ever, and loom tells of a deadlock.
    pub fn park_timeout(_: Duration) {
        let (token, given) = &*current().0;
        let mut token = token.lock().unwrap();
        while !*token {
            token = given.wait(token).unwrap();
        }
        *token = false;
    }

    /// Set once, by one thread.
    #[derive(Debug)]
    pub struct OnceLock<T> {
        is_set: loom::sync::atomic::AtomicBool,
        value: UnsafeCell<Option<T>>,
    }

    /// SAFETY: the value is only read once it is set, and loom checks each access.
    unsafe impl<T: Send + Sync> Sync for OnceLock<T> {}

    impl<T> Default for OnceLock<T> {
        fn default() -> Self {
            Self { is_set: loom::sync::atomic::AtomicBool::new(false), value: UnsafeCell::new(None) }
        }
    }

    impl<T> OnceLock<T> {
        pub fn get(&self) -> Option<&T> {
            // SAFETY: nobody changes the value any more.
            self.is_set.load(Ordering::Acquire).then(|| self.value.with(|value| unsafe { (*value).as_ref() }))?
        }

        pub fn get_or_init(&self, make: impl FnOnce() -> T) -> &T {
            if self.get().is_none() {
                // SAFETY: only one thread sets it, and nobody reads it before.
                self.value.with_mut(|value| unsafe { *value = Some(make()) });
                self.is_set.store(true, Ordering::Release);
            }
            self.get().unwrap()
        }
    }
}

#[path = "../src/blackbox/note.rs"]
mod note;
#[path = "../src/slab/prefix.rs"]
mod prefix;
#[path = "../src/slab/stack.rs"]
mod stack;
#[path = "../src/slab/units.rs"]
mod units;
#[path = "../src/queue/waker.rs"]
mod waker;

use note::Note;
use prefix::Prefix;
use stack::Stack;
use sync::{AtomicU32, AtomicU64, Ordering, fence};
use units::{Begins, Units};
use waker::Waker;

/// Enough for everything that is known to go wrong here: each model fails with fewer when its mechanism is weakened.
fn model(preemptions: usize, body: impl Fn() + Sync + Send + 'static) {
    let mut builder = Builder::new();
    builder.preemption_bound = Some(preemptions);
    builder.check(body);
}

/// Who has which slot.
struct Owners(Vec<loom::cell::UnsafeCell<u32>>);

impl Owners {
    fn new(count: usize) -> Self {
        Self((0..count).map(|_| loom::cell::UnsafeCell::new(0)).collect())
    }

    /// Writes into a slot as its owner does; loom tells if anybody else is there, or was and cannot be seen to have gone.
    fn use_slot(&self, index: u32) {
        self.0[index as usize].with_mut(|slot| unsafe { *slot += 1 });
    }
}

/// SAFETY (of the sharing): loom checks each access.
unsafe impl Sync for Owners {}
unsafe impl Send for Owners {}

/// One thread takes a slot while another takes two and gives the first back: no slot is ever two owners'.
///
/// Seen to fail with the count of changes left out of the head (ABA), and with `push_chain` relaxed in place of release.
#[test]
fn a_slot_has_one_owner() {
    model(3, || {
        let shared = Arc::new((Stack::new(2), Owners::new(2)));
        // Both were in use and are back: the stack is 0, 1.
        assert_eq!((shared.0.pop(), shared.0.pop()), (Some(0), Some(1)));
        shared.0.link(0, 1);
        shared.0.push_chain(0, 1);
        let other = Arc::clone(&shared);
        let taker = thread::spawn(move || {
            let (stack, owners) = &*other;
            let taken = stack.pop();
            taken.into_iter().for_each(|index| owners.use_slot(index));
            taken
        });
        let (stack, owners) = &*shared;
        let first = stack.pop();
        let mut held: Vec<u32> = stack.pop().into_iter().collect();
        if let Some(index) = first {
            owners.use_slot(index);
            stack.push_chain(index, index);
        }
        held.extend(stack.pop());
        held.iter().for_each(|index| owners.use_slot(*index));
        held.extend(taker.join().unwrap());
        assert_eq!(held.iter().collect::<HashSet<_>>().len(), held.len(), "a slot was taken twice: {held:?}");
        // None is lost either.
        assert_eq!(held.len() as u32 + stack.free(), 2);
    });
}

/// A batch given back as one chain meets single slots given back and taken: all are there again, none twice.
///
/// Seen to fail with the link of the chain's last slot made once, before the loop.
#[test]
fn chains_lose_no_slot() {
    model(3, || {
        let shared = Arc::new((Stack::new(3), Owners::new(3)));
        let stack = &shared.0;
        let taken: Vec<u32> = std::iter::from_fn(|| stack.pop()).collect();
        assert_eq!(taken, [0, 1, 2]);
        let other = Arc::clone(&shared);
        let single = thread::spawn(move || {
            let (stack, owners) = &*other;
            owners.use_slot(2);
            stack.push_chain(2, 2);
            let taken = stack.pop();
            taken.into_iter().for_each(|index| owners.use_slot(index));
            taken
        });
        for index in [0, 1] {
            shared.1.use_slot(index);
        }
        stack.link(1, 0);
        stack.push_chain(1, 0);
        let held = single.join().unwrap();
        let mut all: Vec<u32> = std::iter::from_fn(|| stack.pop()).chain(held).collect();
        all.sort_unstable();
        assert_eq!(all, [0, 1, 2]);
    });
}

/// Slots never used before go to one owner each.
///
/// Seen to fail with a load and a store in `pop_fresh` in place of the one update.
#[test]
fn fresh_slots_have_one_owner() {
    model(3, || {
        let stack = Arc::new(Stack::new(3));
        let takers: Vec<_> = (0..2)
            .map(|_| {
                let stack = Arc::clone(&stack);
                thread::spawn(move || stack.pop())
            })
            .collect();
        let mut taken: Vec<_> = takers.into_iter().map(|taker| taker.join().unwrap()).collect();
        taken.push(stack.pop());
        taken.sort_unstable();
        assert_eq!(taken, [Some(0), Some(1), Some(2)]);
        assert_eq!(stack.pop(), None);
    });
}

/// A slot in a mapping: its prefix, and a record of two words whose sum is the check.
struct Slot {
    prefix: Prefix,
    record: [AtomicU32; 2],
}

impl Slot {
    fn new() -> Self {
        Self {
            prefix: Prefix {
                accepted: AtomicU64::new(0),
                position: AtomicU64::new(0),
                length: AtomicU32::new(0),
                check: AtomicU32::new(0),
            },
            record: [AtomicU32::new(0), AtomicU32::new(0)],
        }
    }

    /// What `Slab::buffer`, capture and `Buffer::accept` do, for record 10, 20, …
    fn capture(&self, number: u32) {
        self.prefix.begin(7);
        self.record.iter().for_each(|word| word.store(number, Ordering::Relaxed));
        self.prefix.accept(u64::from(number), number, number * 2);
    }

    /// What a recovery sees, if the process is killed before it does anything more.
    fn read(&self) {
        self.read_unless(|| false);
    }

    /// The same, unless what is seen is gone afterwards.
    fn read_unless(&self, gone: impl Fn() -> bool) {
        let accepted = self.prefix.accepted.load(Ordering::Acquire);
        let number = accepted.wrapping_sub(1);
        let position = self.prefix.position.load(Ordering::Relaxed);
        let length = self.prefix.length.load(Ordering::Relaxed);
        let check = self.prefix.check.load(Ordering::Relaxed);
        let record = [self.record[0].load(Ordering::Relaxed), self.record[1].load(Ordering::Relaxed)];
        fence(Ordering::Acquire);
        if accepted != 0 && self.prefix.accepted.load(Ordering::Relaxed) == accepted && !gone() {
            assert_eq!((u64::from(length), check), (number, length * 2), "the prefix is torn");
            assert_eq!(record, [length, length], "the record is torn");
            assert!(position == 0 || position == number * 100, "its position is another's");
        }
    }
}

/// A slot that is accepted, taken, cleared and used again shows no record, or a whole one, at any moment.
///
/// Seen to fail with `accepted` stored first in `accept`, or relaxed; without the fence in `begin`; without `clear`.
#[test]
fn a_kill_leaves_no_record_or_a_whole_one() {
    model(3, || {
        let slot = Arc::new(Slot::new());
        let owner = {
            let slot = Arc::clone(&slot);
            thread::spawn(move || {
                slot.capture(10);
                slot.prefix.note_position(1_000);
                slot.prefix.clear();
                slot.capture(20);
            })
        };
        slot.read();
        owner.join().unwrap();
        slot.read();
    });
}

/// As above, with the slot given back by one thread and taken by another.
///
/// Seen to fail without the fence in `begin`.
#[test]
fn a_kill_while_a_slot_changes_hands_leaves_no_torn_record() {
    model(2, || {
        let shared = Arc::new((Slot::new(), Stack::new(1)));
        assert_eq!(shared.1.pop(), Some(0));
        shared.0.capture(10);
        let writer = {
            let shared = Arc::clone(&shared);
            thread::spawn(move || {
                shared.0.prefix.clear();
                shared.1.push_chain(0, 0);
            })
        };
        let caller = {
            let shared = Arc::clone(&shared);
            thread::spawn(move || {
                if shared.1.pop().is_some() {
                    shared.0.capture(20);
                }
            })
        };
        shared.0.read();
        writer.join().unwrap();
        caller.join().unwrap();
        shared.0.read();
    });
}

/// One thread takes half of a chunk's units while another takes a half, gives it back and takes again: no unit is ever two owners', and
/// none is lost.
///
/// Seen to fail with a load and a store in `alloc` in place of the exchange, and with `give_back` relaxed.
#[test]
fn units_have_one_owner() {
    model(3, || {
        let shared = Arc::new((Units::new(1), Owners::new(2)));
        let other = Arc::clone(&shared);
        let taker = thread::spawn(move || {
            let (units, owners) = &*other;
            let taken = units.alloc(32);
            taken.into_iter().for_each(|first| owners.use_slot(first / 32));
            taken
        });
        let (units, owners) = &*shared;
        let first = units.alloc(32).expect("there is a half for each");
        owners.use_slot(first / 32);
        units.give_back(first, 0);
        let again = units.alloc(32).expect("there is a half for each");
        owners.use_slot(again / 32);
        let other = taker.join().unwrap().expect("there is a half for each");
        assert_ne!(again, other);
        assert_eq!(units.alloc(1), None);
        [again, other].into_iter().for_each(|first| units.give_back(first, 0));
        assert!(units.are_free());
    });
}

/// A unit that one record begins at, and that the text of the next lies over, is looked at only while a record begins there.
///
/// Seen to fail without `forget`, and with `note` before the prefix is cleared.
#[test]
fn no_text_is_taken_for_a_record() {
    model(3, || {
        let shared = Arc::new((Slot::new(), Begins(AtomicU64::new(0))));
        // What was there before looked like a record.
        shared.0.prefix.accepted.store(7, Ordering::Relaxed);
        let owner = {
            let shared = Arc::clone(&shared);
            thread::spawn(move || {
                let (slot, begins) = &*shared;
                slot.prefix.clear();
                begins.note(0);
                slot.capture(10);
                slot.prefix.clear();
                begins.forget(0);
                // The next begins before, and its text comes here.
                fence(Ordering::Release);
                slot.prefix.accepted.store(8, Ordering::Relaxed);
            })
        };
        let read = || {
            let (slot, begins) = &*shared;
            if begins.0.load(Ordering::Acquire) == 1 {
                slot.read_unless(|| begins.0.load(Ordering::Relaxed) == 0);
            }
        };
        read();
        owner.join().unwrap();
        read();
    });
}

/// What of a note a recovery believes: `upto` above `passed`, with the words of the same append.
fn read_note(note: &Note) {
    let passed = note.passed.load(Ordering::Acquire);
    let upto = note.upto.load(Ordering::Acquire);
    let words = [0, 1, 2, 3].map(|index| note.words[index].load(Ordering::Relaxed));
    let lines = note.lines.load(Ordering::Relaxed);
    fence(Ordering::Acquire);
    let still = (note.upto.load(Ordering::Relaxed), note.passed.load(Ordering::Relaxed)) == (upto, passed);
    if still && upto > passed {
        assert_eq!((words, lines), ([upto, upto + 1, upto + 2, upto + 3], upto + 4), "half the note is another's");
    }
}

/// At any moment the journal of a file holds no note of an append under way, or a whole one.
///
/// Seen to fail with `upto` stored before the words, without the 0 stored before them, and without the fence between.
#[test]
fn a_kill_leaves_no_note_or_a_whole_one() {
    model(3, || {
        let zero = || AtomicU64::new(0);
        let note =
            Arc::new(Note { passed: zero(), upto: zero(), words: [zero(), zero(), zero(), zero()], lines: zero() });
        let writer = {
            let note = Arc::clone(&note);
            thread::spawn(move || {
                // The first append failed and was tried again with more: `passed` does not cover it.
                note.intend([10, 11, 12, 13], 14, 10);
                note.intend([20, 21, 22, 23], 24, 20);
                note.pass(20);
            })
        };
        read_note(&note);
        writer.join().unwrap();
        read_note(&note);
    });
}

/// A queue and its writer. Of the queue there is what `Waker` relies on: whether a record can be seen. It is relaxed, less
/// than any queue promises, so that what holds here rests on the waker alone.
struct Queue {
    sent: AtomicU32,
    waker: Waker,
}

impl Queue {
    fn new() -> Arc<Self> {
        Arc::new(Self { sent: AtomicU32::new(0), waker: Waker::new(1) })
    }

    /// Another thread sends the record of this bit, and wakes.
    fn send(this: &Arc<Self>, record: u32, wake: fn(&Waker)) -> thread::JoinHandle<()> {
        let queue = Arc::clone(this);
        thread::spawn(move || {
            queue.sent.fetch_or(record, Ordering::Relaxed);
            wake(&queue.waker);
        })
    }

    /// What the writer does between two batches. In a model time never passes: a token ends this sleep.
    fn doze(&self) {
        self.waker.attach(sync::current());
        sync::current().unpark();
        self.waker.sleep(Duration::ZERO, || false);
    }

    /// What the writer does until it has these records.
    fn write(&self, records: u32) {
        self.write_after(records, |waker, busy| waker.sleep(Duration::MAX, busy));
    }

    /// The same, by a writer that had nothing to do for long.
    fn write_soundly(&self, records: u32) {
        self.write_after(records, |waker, busy| waker.sleep_soundly(Duration::MAX, busy));
    }

    fn write_after(&self, records: u32, sleep: fn(&Waker, &dyn Fn() -> bool)) {
        self.waker.attach(sync::current());
        let mut taken = 0;
        while taken & records != records {
            sleep(&self.waker, &|| self.sent.load(Ordering::Relaxed) != taken);
            taken = self.sent.load(Ordering::Relaxed);
        }
    }
}

/// Two callers send, and each wakes at once, or a sleeper: the writer never sleeps while there is a record, also when a token is
/// left that woke nobody.
///
/// Seen to fail without the fence in `wake_at_once`, without the one in `sleep` or with it before `asleep` is set, with
/// `busy` asked before, and with the swap relaxed: a writer just attached is not found then.
#[test]
fn who_wakes_at_once_leaves_no_writer_asleep() {
    let wakes: [fn(&Waker); 2] = [Waker::wake_at_once, Waker::wake_sleeper];
    for (wake, token_left) in wakes.into_iter().flat_map(|wake| [(wake, false), (wake, true)]) {
        model(3, move || {
            let queue = Queue::new();
            let callers = [1, 2].map(|record| Queue::send(&queue, record, wake));
            if token_left {
                sync::current().unpark();
            }
            queue.write(1 | 2);
            callers.into_iter().for_each(|caller| caller.join().unwrap());
        });
    }
}

/// A writer that dozed when an error was logged takes it when it comes by itself: it does not fall asleep over it.
///
/// Seen to fail without the fence in `wake_sleeper`, and with `dozes` stored after the fence in `sleep`.
#[test]
fn who_finds_the_writer_dozing_is_not_forgotten() {
    model(3, move || {
        let queue = Queue::new();
        let caller = Queue::send(&queue, 1, Waker::wake_sleeper);
        queue.doze();
        queue.write(1);
        caller.join().unwrap();
    });
}

/// A caller that wakes without a fence may find the writer awake that is about to sleep: but it never takes the next
/// one's wake-up away, who wakes at once.
///
/// Seen to fail with each of those, and with `asleep` set relaxed.
#[test]
fn a_wake_that_misses_costs_the_next_nothing() {
    for token_left in [false, true] {
        model(3, move || {
            let queue = Queue::new();
            let callers = [Queue::send(&queue, 1, Waker::wake), Queue::send(&queue, 2, Waker::wake_at_once)];
            if token_left {
                sync::current().unpark();
            }
            queue.write(2);
            callers.into_iter().for_each(|caller| caller.join().unwrap());
        });
    }
}

/// What a caller does whose record is of no hurry. loom takes sequentially consistent accesses for less: the fence behind the update of
/// `send` makes of it what it is.
fn wake_for_few(waker: &Waker) {
    fence(Ordering::SeqCst);
    waker.wake_for(0);
}

/// Two callers send, of no hurry: a writer that sleeps soundly never sleeps while there is a record. That holds also when
/// a token is left, and after a shorter sleep in which nobody was to wake it.
///
/// Seen to fail without the fence in `park`, and without that of the caller's update.
#[test]
fn who_sends_leaves_no_writer_sound_asleep() {
    for (dozes_first, token_left) in [(false, false), (false, true), (true, false)] {
        model(2, move || {
            let queue = Queue::new();
            let callers = [1, 2].map(|record| Queue::send(&queue, record, wake_for_few));
            if dozes_first {
                queue.doze();
            }
            if token_left {
                sync::current().unpark();
            }
            queue.write_soundly(1 | 2);
            callers.into_iter().for_each(|caller| caller.join().unwrap());
        });
    }
}
