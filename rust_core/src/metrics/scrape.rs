//! Adding up what the processes of a directory count.

use std::path::Path;

use super::kept::{self, Counts, Kept, Unreadable};
use crate::blackbox;
use crate::platform;
use crate::stats::{Block, How};

/// How often a scrape begins anew because a process ended meanwhile. After that what was read last has to do.
const TRIES: usize = 20;

/// What the processes of a directory have counted.
#[derive(Clone, Debug, Default)]
pub struct Metrics {
    pub counts: Counts,
    /// Since when, in nanoseconds since 1970 UTC.
    pub begun: Option<i64>,
    /// Processes that live.
    pub processes: u64,
    /// What could not be read.
    pub remarks: Vec<String>,
    /// Bytes that are free where the directory is, if the system says.
    pub disk_free: Option<u64>,
}

/// Adds up the counts of all processes of a log directory. `own` are those of this process if they are in no black box.
#[must_use]
pub fn scrape(directory: &Path, own: Option<&[u64]>) -> Metrics {
    let mut changes = kept(directory).changes();
    let mut read = Read::of(directory);
    for _ in 1..TRIES {
        if read.kept.changes() == changes {
            break;
        }
        changes = read.kept.changes();
        read = Read::of(directory);
    }
    let disk_free = platform::disk(directory).ok().map(|(_, free)| free);
    Metrics { disk_free, ..read.add_up(own) }
}

/// What this process counts, and no other: its own `words`.
#[must_use]
pub fn alone(words: &[u64]) -> Metrics {
    let mut metrics = Metrics::default();
    metrics.add(words, true);
    metrics
}

/// What was read at once.
struct Read {
    blocks: Vec<blackbox::FoundBlock>,
    kept: KeptOr,
}

/// The kept counts, or why there are none.
struct KeptOr(Result<Kept, String>);

impl KeptOr {
    fn changes(&self) -> Option<u64> {
        self.0.as_ref().ok().map(|kept| kept.changes)
    }
}

fn kept(directory: &Path) -> KeptOr {
    KeptOr(Kept::read(directory).map_err(|reason| match reason {
        Unreadable::Damaged => "the counts of processes that are gone are damaged".to_owned(),
        Unreadable::Newer => "the counts of processes that are gone are of a later version".to_owned(),
        Unreadable::Failed(error) => format!("the counts of processes that are gone cannot be read: {error}"),
    }))
}

impl Read {
    /// A box that is added to the kept counts meanwhile is in both: these are read last, and name it.
    fn of(directory: &Path) -> Self {
        let mut blocks = Vec::new();
        for location in blackbox::all(directory) {
            location.each_block(|block| blocks.push(block));
        }
        Self { blocks, kept: kept(directory) }
    }

    fn add_up(self, own: Option<&[u64]>) -> Metrics {
        let mut metrics = Metrics::default();
        let kept = self.kept.0.unwrap_or_else(|reason| {
            metrics.remarks.push(reason);
            Kept::default()
        });
        (metrics.counts, metrics.begun) = (kept.counts, kept.begun);
        for found in self.blocks.iter().filter(|found| !kept.added.contains(&found.name)) {
            match &found.words {
                Some(words) => metrics.add(words, found.lives),
                None => metrics.remarks.push(format!("the counts in {} cannot be read", found.name)),
            }
        }
        if let Some(words) = own {
            metrics.add(words, true);
        }
        metrics
    }
}

impl Metrics {
    fn add(&mut self, words: &[u64], lives: bool) {
        let Some(block) = Block::of(words) else { return };
        self.begun = self.begun.map_or_else(|| Some(block.begun()), |begun| Some(begun.min(block.begun())));
        self.processes += u64::from(lives);
        kept::add(&mut self.counts, words, |how: How| lives || how.stays());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::Words;

    #[test]
    fn alone_a_process_tells_its_own_counts_and_that_it_lives() {
        let words = Words::apart();
        words.count("sum", How::Sum).add(3);
        words.count("now", How::Now).set(5);
        let metrics = alone(&words.copy());
        let counts = [("now".to_owned(), (How::Now, vec![5])), ("sum".to_owned(), (How::Sum, vec![3]))];
        assert_eq!(metrics.counts, counts.into_iter().collect());
        assert_eq!((metrics.processes, metrics.remarks.len()), (1, 0));
        assert!(metrics.begun.is_some());
        let unreadable = alone(&[0; 8]);
        assert_eq!((unreadable.counts.len(), unreadable.processes), (0, 0));
    }
}
