//! The width of a terminal, which people change while they look.

use std::time::{Duration, Instant};

use crate::platform;

/// How long an answer of the terminal counts.
const FRESH: Duration = Duration::from_millis(100);

#[derive(Debug)]
pub enum Width {
    Any,
    Fixed(usize),
    Terminal { known: Option<usize>, asked: Option<Instant> },
}

impl Width {
    pub fn new(columns: Option<u16>) -> Self {
        match columns {
            None => Self::Any,
            Some(0) => Self::Terminal { known: None, asked: None },
            Some(columns) => Self::Fixed(columns.into()),
        }
    }

    /// The width at this moment; `None` where lines may be of any length, and for a terminal that does not tell.
    pub fn now(&mut self) -> Option<usize> {
        match self {
            Self::Any => None,
            Self::Fixed(columns) => Some(*columns),
            Self::Terminal { known, asked } => {
                if asked.is_none_or(|asked| asked.elapsed() >= FRESH) {
                    *asked = Some(Instant::now());
                    *known = platform::terminal_columns();
                }
                *known
            }
        }
    }
}
