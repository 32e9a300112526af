//! What is shown of an exception.

/// What is shown of an exception. It travels with the exception, so that every reader shows the same: each format, a
/// formatter of `logging`, and a recovery by another process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Form {
    /// The text of the traceback.
    pub has_text: bool,
    /// The frames, as a list.
    pub has_frames: bool,
    /// Whether runs of frames of libraries are one entry.
    pub folds: bool,
}

impl Form {
    /// Everything, as it is.
    pub const WHOLE: Self = Self { has_text: true, has_frames: true, folds: false };

    #[must_use]
    pub const fn to_byte(self) -> u8 {
        self.has_text as u8 | (self.has_frames as u8) << 1 | (self.folds as u8) << 2
    }

    pub(super) const fn of_byte(byte: u8) -> Option<Self> {
        if byte > 7 {
            return None;
        }
        Some(Self { has_text: byte & 1 != 0, has_frames: byte & 2 != 0, folds: byte & 4 != 0 })
    }
}
