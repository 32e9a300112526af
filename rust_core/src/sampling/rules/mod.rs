//! Sampling: which calls that pass their level still make no record, and how records say how many they stand for.
//!
//! Rules are asked in order, and the first that applies to a call decides. A rule keeps the first call of each key, and never leaves out an
//! ERROR. Where a counter decides, the next record of the key tells how many were left out before it (`suppressed`). A summary tells the
//! rest. So records and `suppressed` add up to the calls. Where chance decides, a record tells how many calls it stands for (`sample_rate`).

mod decide;
mod keys;
mod spec;
mod summary;
#[cfg(test)]
mod tests;

pub use decide::{Asked, Sampler, Tells, Verdict};
pub use spec::{Condition, Keyed, RuleSpec, Scalar, Spec, Way, mix, mix_text};
pub use summary::{FUNCTION, Summary, build_summary, untold, untold_of};
