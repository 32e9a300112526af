//! How the messages of loggers are merged with their arguments.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use crate::filter::guard;
use crate::interpreter::gil::Gil;

/// The rules by which a message takes its arguments.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// Those of `%`, with positional arguments only.
    Percent,
    /// Those of `str.format`, with fields by their names too.
    Braces,
}

impl Style {
    /// # Errors
    /// There is no such style.
    pub fn read(sign: &str) -> PyResult<Self> {
        match sign {
            "%" => Ok(Self::Percent),
            "{" => Ok(Self::Braces),
            _ => Err(PyValueError::new_err(format!("style must be '%' or '{{', not {sign:?}"))),
        }
    }

    pub fn sign(self) -> &'static str {
        match self {
            Self::Percent => "%",
            Self::Braces => "{",
        }
    }
}

/// The style of all loggers that have none of their own.
static OF_ALL: Gil<Style> = Gil::new(Style::Percent);

pub fn of_all(py: Python<'_>) -> Style {
    OF_ALL.copied(py)
}

/// Sets the style of all loggers that have none of their own. Guards are asked again, and their loggers follow then.
#[pyfunction]
pub fn set_message_style(py: Python<'_>, style: &str) -> PyResult<()> {
    OF_ALL.replace(py, Style::read(style)?);
    guard::ask_again(py);
    Ok(())
}
