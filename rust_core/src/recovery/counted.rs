//! What a process that died had counted.

use crate::blackbox::{self, Contents};
use crate::level;
use crate::record;
use crate::record_metrics;
use crate::stats::tally;

/// What a dead process had counted, and its records that its writer had not come to count.
pub(super) fn counted(bytes: &[u8], contents: &Contents) -> Vec<u64> {
    let mut words = blackbox::counted(bytes);
    record_metrics::undo(&mut words);
    let upto = tally::upto(&words);
    let mut levels = [0; tally::COUNTS];
    for found in contents.records.iter().filter(|found| found.taken == 0 || found.taken > upto) {
        let record = &bytes[found.bytes.clone()];
        if record::is_aside(record) {
            continue;
        }
        levels[level::bucket(record::level_of(record))] += 1;
        levels[level::NAMES.len()] += record::suppressed_of(record);
    }
    tally::add_to(&mut words, levels);
    words
}
