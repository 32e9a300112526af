//! When a log file is changed for a new one.

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    Never,
    /// Before it gets larger than so many bytes.
    Size(u64),
}

impl When {
    /// By size; 0 never.
    #[must_use]
    pub const fn of_size(max_bytes: u64) -> Self {
        if max_bytes == 0 { Self::Never } else { Self::Size(max_bytes) }
    }

    /// Bytes that may be appended to a file of `size` bytes, `u64::MAX` when it never rotates.
    #[must_use]
    pub const fn room(self, size: u64) -> u64 {
        match self {
            Self::Never => u64::MAX,
            Self::Size(most) => most.saturating_sub(size),
        }
    }
}
