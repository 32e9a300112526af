//! A position in the files of a set: where a reader goes on.

use std::fmt;
use std::str::FromStr;

use crate::catalogue::{Generation, Mark};

/// The place behind a record. It holds through renames, packing and restarts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Position {
    /// The name of the current file of the set.
    pub set: String,
    /// Of the file; None where no catalogue tells it.
    pub generation: Option<Generation>,
    /// Uncompressed bytes of the file up to here.
    pub offset: u64,
    /// The number of the record among all of the set; None where nobody has counted.
    pub sequence: Option<u64>,
    /// By which the file is known again where its generation is not.
    pub mark: Mark,
}

/// What stands in a text for a number that is not known.
const UNKNOWN: &str = "-";

impl fmt::Display for Position {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = |number: Option<u64>| number.map_or_else(|| UNKNOWN.to_owned(), |number| number.to_string());
        let (generation, sequence) = (number(self.generation), number(self.sequence));
        let Mark { inode, length, sum } = self.mark;
        write!(out, "{generation}:{}:{sequence}:{inode}:{length}:{sum:x}:{}", self.offset, self.set)
    }
}

/// A text that is no position.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it is no position")]
pub struct NoPosition;

impl FromStr for Position {
    type Err = NoPosition;

    fn from_str(text: &str) -> Result<Self, NoPosition> {
        let mut parts = text.splitn(7, ':');
        let mut part = || parts.next().ok_or(NoPosition);
        let number = |text: &str| text.parse::<u64>().map_err(|_| NoPosition);
        let known = |text: &str| if text == UNKNOWN { Ok(None) } else { number(text).map(Some) };
        let generation = known(part()?)?;
        let offset = number(part()?)?;
        let sequence = known(part()?)?;
        let inode = number(part()?)?;
        let length = part()?.parse().map_err(|_| NoPosition)?;
        let sum = u64::from_str_radix(part()?, 16).map_err(|_| NoPosition)?;
        let set = part()?.to_owned();
        let is_name = !set.is_empty() && !set.contains(['/', '\0']);
        is_name
            .then_some(Self { set, generation, offset, sequence, mark: Mark { inode, length, sum } })
            .ok_or(NoPosition)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_position_comes_back_from_its_text(
            set in "[a-z:. ]{1,9}", generation: Option<u64>, offset: u64, sequence: Option<u64>, inode: u64, length: u32, sum: u64
        ) {
            let position = Position { set, generation, offset, sequence, mark: Mark { inode, length, sum } };
            prop_assert_eq!(position.to_string().parse(), Ok(position));
        }

        #[test]
        fn other_texts_are_none(text in "[0-9a-f:-]{0,30}|.{0,20}") {
            if let Ok(position) = text.parse::<Position>() {
                prop_assert_eq!(position.to_string().parse(), Ok(position));
            }
        }
    }
}
