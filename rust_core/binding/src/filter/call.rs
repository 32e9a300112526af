//! A call as filters see it, before it is captured.

use std::borrow::Cow;

use pyo3::prelude::*;
use pyo3::types::PyString;

use super::{Answers, Door, Level};
use crate::context;
use crate::interpreter::frame::Frame;
use crate::interpreter::gil::intern;
use crate::interpreter::interrupt;
use crate::value::shown::text_of;

/// The name of a logger, in the form that a door has.
#[derive(Clone, Copy)]
pub enum Name<'a, 'py> {
    Text(&'a str),
    /// A logger of `logging`, asked for its name.
    Logger(&'a Bound<'py, PyAny>),
    /// The attribute of a record for its logger's name.
    Record(Option<&'a Bound<'py, PyAny>>),
}

/// Where a call stands in the code, in the form that a door has.
#[derive(Clone, Copy)]
pub enum At<'a, 'py> {
    /// A function that finds the frame that logs.
    Running(fn(Python<'py>) -> Option<Frame<'py>>),
    /// The attributes of a record for its file and line.
    Record { file: Option<&'a Bound<'py, PyAny>>, line: Option<&'a Bound<'py, PyAny>> },
}

/// Where a call comes from.
pub struct CallSource<'a, 'py> {
    pub logger: Name<'a, 'py>,
    pub at: At<'a, 'py>,
}

/// A call before it is captured.
pub struct Call<'a, 'py> {
    py: Python<'py>,
    pub level: Level,
    /// The answers of its logger.
    pub answers: Answers,
    /// The least level of the current context. `None` if it has none, or if the level was checked before.
    pub context_level: Option<i32>,
    /// Whether logging has not started. Then calls of this library's loggers are kept at every level, because the
    /// levels may change.
    pub is_early: bool,
    source: CallSource<'a, 'py>,
}

impl<'a, 'py> Call<'a, 'py> {
    pub fn new(py: Python<'py>, door: Door, level: Level, answers: Answers, source: CallSource<'a, 'py>) -> Self {
        let has_level = door != Door::Captured && context::may_decide_on_levels();
        let context_level = if has_level { context::least(py) } else { None };
        let is_early = door == Door::Own && context::is_before_start();
        Self { py, level, answers, context_level, is_early, source }
    }
}

#[allow(dead_code, reason = "what filters may ask for besides; those of levels do without")]
impl<'py> Call<'_, 'py> {
    /// The name of its logger.
    pub fn logger(&self) -> Cow<'_, str> {
        self.source.logger.text()
    }

    /// The id of the current trace.
    pub fn trace_id(&self) -> Option<Bound<'py, PyString>> {
        context::current(self.py)?.get().trace_id(self.py)
    }

    pub fn py(&self) -> Python<'py> {
        self.py
    }

    /// Whether the current trace is not sampled, and records of this level are left out therefore.
    pub fn is_of_unsampled_trace(&self) -> bool {
        context::current(self.py).is_some_and(|current| current.get().leaves_out(self.level.number))
    }

    /// File and line of the code. The file is the code's own object, the same at each call. A `stacklevel` is not known
    /// yet.
    pub fn site(&self) -> Option<(Bound<'py, PyAny>, u32)> {
        match self.source.at {
            At::Running(find) => site_of(&find(self.py)?),
            At::Record { file, line } => {
                let line = line.and_then(|line| interrupt::ok(self.py, line.extract())).unwrap_or(0);
                Some((file?.clone(), line))
            }
        }
    }
}

fn site_of<'py>(frame: &Frame<'py>) -> Option<(Bound<'py, PyAny>, u32)> {
    let py = frame.as_any().py();
    let code = interrupt::ok(py, frame.as_any().getattr(intern!(py, "f_code")))?;
    let file = interrupt::ok(py, code.getattr(intern!(py, "co_filename")))?;
    Some((file, frame.line()))
}

impl<'a> Name<'a, '_> {
    pub fn text(self) -> Cow<'a, str> {
        match self {
            Self::Text(name) => name.into(),
            Self::Logger(logger) => {
                let name = interrupt::ok(logger.py(), logger.getattr(intern!(logger.py(), "name")));
                name.map_or_else(String::new, |name| text_of(&name)).into()
            }
            Self::Record(Some(name)) => match name.cast_exact::<PyString>().ok().and_then(|name| name.to_str().ok()) {
                Some(name) => name.into(),
                None => text_of(name).into(),
            },
            Self::Record(None) => "".into(),
        }
    }
}
