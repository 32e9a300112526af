//! Which of the rotated files stay.

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// So many beside the current one.
    Newest(u32),
}
