use super::pool::{RETIRING, SLABS, retire};
use super::*;
use crate::checksum;
use crate::platform;
use crate::value::Put;

#[test]
fn a_record_keeps_its_bytes_while_it_grows() {
    let mut buffer = Buffer::alloc();
    let mut expected = Vec::new();
    for round in 0..40_000_u32 {
        buffer.put(&round.to_le_bytes());
        expected.extend_from_slice(&round.to_le_bytes());
    }
    assert_eq!(buffer.as_slice(), expected);
    assert!(buffer.heap_size() >= expected.len());
}

#[test]
fn threads_never_share_a_slot() {
    std::thread::scope(|scope| {
        for thread in 0..4_u8 {
            scope.spawn(move || {
                for round in 0..2_000_usize {
                    let mut held: Vec<Buffer> = (0..round % 37 + 1).map(|_| Buffer::alloc()).collect();
                    for buffer in &mut held {
                        buffer.put(&[thread; 200]);
                    }
                    assert!(held.iter().all(|buffer| buffer.as_slice() == [thread; 200]));
                    if round % 2 == 0 {
                        give_back(&mut held);
                    }
                }
            });
        }
    });
}

#[test]
fn an_empty_pool_gives_memory_of_the_heap() {
    let pool = Pool::anonymous(1 << 20).unwrap();
    let held: Vec<Buffer> = std::iter::from_fn(|| pool.alloc(1)).collect();
    let areas = areas(0, 1 << 20);
    // A small record takes what there is.
    assert_eq!(held.len(), (areas[0].count + areas[1].count + areas[2].count * UNITS) as usize);
    assert!(held.iter().all(|buffer| pool.owns(buffer)));
    assert!(pool.alloc(1).is_none());
    drop(held);
    let held: Vec<Buffer> = (0..10_000).map(|_| Buffer::alloc()).collect();
    assert!(held.iter().any(|buffer| buffer.heap_size() > 0));
}

// Seen to fail with either `prepare` left out. Where a system counts no faults of a thread, there is nothing to see.
#[test]
fn whoever_takes_a_prepared_slot_meets_no_page_fault() {
    let pool = Pool::anonymous(8 << 20).unwrap();
    let mut held = Vec::with_capacity(6_000);
    held.resize_with(6_000, || None);
    let mut taken = |slots: std::ops::Range<usize>| {
        let before = platform::page_faults();
        held[slots].fill_with(|| {
            let mut buffer = pool.alloc(100)?;
            buffer.put(&[1; 200]);
            Some(buffer)
        });
        platform::page_faults() - before
    };
    pool.prepare();
    assert_eq!(taken(0..1_000), 0);
    taken(1_000..2_000);
    pool.prepare();
    assert_eq!(taken(2_000..3_000), 0);
    assert!(held[..3_000].iter().flatten().all(|buffer| buffer.as_slice() == [1; 200]));
}

#[test]
fn a_pool_outlives_its_engine_until_its_last_buffer_is_back() {
    let pool = Pool::anonymous(1 << 20).unwrap();
    let number = pool.number as usize;
    let mut held = vec![pool.alloc(10).unwrap()];
    drop(pool);
    retire(None);
    assert!(!SLABS[number].load(Ordering::Acquire).is_null());
    held[0].put(b"still there");
    give_back(&mut held);
    retire(None);
    assert!(
        SLABS[number].load(Ordering::Acquire).is_null()
            || RETIRING.lock().unwrap().iter().all(|waiting| waiting.0 != number as u32)
    );
}

#[test]
fn large_records_share_all_units() {
    let pool = Pool::anonymous(8 << 20).unwrap();
    let chunks = areas(0, 8 << 20)[2].count as usize;
    for (bytes, each) in [(5_000, 12), (9_000, 7), (20_000, 3), (CHUNK - PREFIX, 1)] {
        let held: Vec<Buffer> = std::iter::from_fn(|| {
            let mut buffer = pool.alloc(bytes)?;
            buffer.put(&vec![7; bytes]);
            assert!(buffer.accept(1));
            Some(buffer)
        })
        .collect();
        assert!(held.iter().all(|buffer| pool.owns(buffer) && buffer.as_slice() == vec![7; bytes]));
        assert!(held.len() >= chunks * each, "{} of {bytes} bytes", held.len());
    }
    assert!(pool.alloc(CHUNK - PREFIX + 1).is_none());
    assert!(pool.slab().is_idle());
    assert_eq!(pool.slab().large.begins(0).0.load(Ordering::Relaxed), 0);
}

#[test]
fn a_large_record_keeps_what_it_needs() {
    let pool = Pool::anonymous(1 << 20).unwrap();
    let mut buffer = pool.alloc(3_000).unwrap();
    buffer.put(&[1; 40_000]);
    buffer.put(&[2; 1_000]);
    assert!(buffer.accept(1));
    let slab = pool.slab();
    assert_eq!(slab.large.units.count(buffer.slot() & INDEX) as usize, (41_000 + PREFIX).div_ceil(UNIT));
    drop(buffer);
    assert!(slab.is_idle());
}

#[test]
fn a_slot_says_what_became_of_its_record() {
    let pool = Pool::anonymous(1 << 20).unwrap();
    let mut buffer = pool.alloc(10).unwrap();
    buffer.put(b"record");
    buffer.accept(7);
    buffer.note_position(3);
    // SAFETY: the pool is there as long as `pool`, so the prefix can be looked at once its buffer is back.
    let prefix: &Prefix = unsafe { buffer.bytes.sub(PREFIX).cast().as_ref() };
    assert_eq!((prefix.accepted.load(Ordering::Relaxed), prefix.position.load(Ordering::Relaxed)), (8, 3));
    assert_eq!(prefix.check.load(Ordering::Relaxed), checksum::of(b"record") as u32);
    drop(buffer);
    assert_eq!(prefix.accepted.load(Ordering::Relaxed), 0);
}

// Seen to fail where only forks count that were noticed.
#[cfg(unix)]
#[test]
fn a_child_that_noticed_no_fork_leaves_its_parents_slots_alone() {
    platform::notice_forks();
    let pool = Pool::anonymous(1 << 20).unwrap();
    let mut held = vec![pool.alloc(10).unwrap(), pool.alloc(10).unwrap()];
    for (buffer, sequence) in held.iter_mut().zip(7..) {
        buffer.put(b"record");
        buffer.accept(sequence);
    }
    // SAFETY: the pool is there as long as `pool`.
    let prefixes: [&Prefix; 2] = [0, 1].map(|index| unsafe { held[index].bytes.sub(PREFIX).cast().as_ref() });
    // SAFETY: the child touches memory of its own and ends.
    let status = unsafe {
        match libc::fork() {
            0 => {
                drop(held.pop());
                give_back(&mut held);
                let kept = prefixes.map(|prefix| prefix.accepted.load(Ordering::Relaxed)) == [8, 9];
                libc::_exit(i32::from(!kept));
            }
            child => {
                let mut status = -1;
                libc::waitpid(child, &raw mut status, 0);
                status
            }
        }
    };
    assert_eq!(status, 0);
}
