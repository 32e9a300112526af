//! The note in a box about appends to one file: how far they are, and which append is under way.

use crate::sync::{AtomicU64, Ordering, fence};

#[repr(C)]
#[derive(Debug)]
pub struct Note {
    /// Every record up to this position that belongs in the file is there.
    pub passed: AtomicU64,
    /// Records up to this position were about to be appended; 0 while the words below are no note.
    pub upto: AtomicU64,
    /// To which file, from which size on: device, inode, offset, and the generation of the file, 0 if that is not known.
    pub words: [AtomicU64; 4],
    /// The lines that this process had written to files of that name before the append.
    pub lines: AtomicU64,
}

impl Note {
    /// Notes what is about to be appended.
    pub fn intend(&self, words: [u64; 4], lines: u64, upto: u64) {
        self.upto.store(0, Ordering::Relaxed);
        // A process that dies between these stores leaves no note that mixes old and new.
        fence(Ordering::Release);
        for (noted, word) in self.words.iter().zip(words) {
            noted.store(word, Ordering::Relaxed);
        }
        self.lines.store(lines, Ordering::Relaxed);
        self.upto.store(upto, Ordering::Release);
    }

    /// Notes that the append is done.
    pub fn pass(&self, upto: u64) {
        self.passed.store(upto, Ordering::Release);
    }
}
