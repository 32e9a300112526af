//! A call as filters see it, before it is captured.

use std::borrow::Cow;
use std::cell::Cell;
use std::sync::Arc;

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString, PyTuple};
use unified_logger_core::sampling::rules::mix_text;

use super::{Answers, Door, Level, Marks};
use crate::context::request_path::request_path;
use crate::context::{self, BoundFields};
use crate::interpreter::arguments::Arguments;
use crate::interpreter::frame::Frame;
use crate::interpreter::gil::intern;
use crate::interpreter::interrupt;
use crate::recorder::Recording;
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
    /// A function that finds the frame that logs, and one that finds a number that calls of its site have in common.
    Running { find: fn(Python<'py>) -> Option<Frame<'py>>, number: fn(Python<'py>) -> u64 },
    /// The attributes of a record for its file and line.
    Record { file: Option<&'a Bound<'py, PyAny>>, line: Option<&'a Bound<'py, PyAny>> },
}

/// The arguments and fields of a call, in the form that a door has.
#[derive(Clone, Copy)]
pub enum Values<'a, 'py> {
    /// The message is the first positional one.
    Arguments(Arguments),
    Fields(&'a Bound<'py, PyDict>),
    /// The attributes of a record that are fields, and what its message is merged with.
    Record {
        fields: &'a [(Bound<'py, PyAny>, Bound<'py, PyAny>)],
        arguments: Option<&'a Bound<'py, PyAny>>,
    },
}

/// Where a call comes from.
pub struct CallSource<'a, 'py> {
    pub logger: Name<'a, 'py>,
    pub at: At<'a, 'py>,
    pub values: Values<'a, 'py>,
    /// The fields of its logger.
    pub bound: Option<&'a BoundFields>,
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
    source: &'a CallSource<'a, 'py>,
    /// What its record tells of other calls, and where it goes, if a filter has said so.
    pub marks: Cell<Option<Marks>>,
}

impl<'a, 'py> Call<'a, 'py> {
    #[inline]
    pub fn new(py: Python<'py>, door: Door, level: Level, answers: Answers, source: &'a CallSource<'a, 'py>) -> Self {
        let has_level = door != Door::Captured && context::may_decide_on_levels();
        let context_level = if has_level { context::least(py) } else { None };
        let is_early = door == Door::Own && context::is_before_start();
        Self { py, level, answers, context_level, is_early, source, marks: Cell::new(None) }
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
            At::Running { find, .. } => site_of(&find(self.py)?),
            At::Record { file, line } => {
                let line = line.and_then(|line| interrupt::ok(self.py, line.extract())).unwrap_or(0);
                Some((file?.clone(), line))
            }
        }
    }
}

impl<'py> Call<'_, 'py> {
    /// What is recorded of the current trace.
    pub fn recording(&self) -> Option<Arc<Recording>> {
        context::current(self.py)?.get().recording().cloned()
    }

    /// How many records one of it stands for by the decision on its trace.
    pub fn stands_for(&self) -> f64 {
        context::current(self.py).map_or(1.0, |context| context.get().stands_for(self.level.number))
    }

    /// A number that calls of one site have in common.
    #[inline]
    pub fn site_number(&self) -> u64 {
        match self.source.at {
            At::Running { number, .. } => number(self.py),
            At::Record { file, line } => {
                let line = line.and_then(|line| interrupt::ok(self.py, line.extract::<u64>())).unwrap_or(0);
                file.map_or(line, |file| mix_text(line, &text_of(file)))
            }
        }
    }

    /// A field of the call, its logger or its context. Looking it up runs no code of the program.
    pub fn field(&self, name: &str) -> Option<Bound<'py, PyAny>> {
        self.own_field(name)
            .or_else(|| found(self.source.bound?.fields.named(self.py), name))
            .or_else(|| found(context::current(self.py)?.get().own_fields(self.py), name))
            .or_else(|| if name == "path" { request_path(self.py) } else { None })
    }

    fn own_field(&self, name: &str) -> Option<Bound<'py, PyAny>> {
        let is_it = |given: &Bound<'py, PyAny>| {
            given.cast_exact::<PyString>().ok().and_then(|given| given.to_str().ok()) == Some(name)
        };
        match self.source.values {
            Values::Arguments(arguments) => {
                let names = arguments.names(self.py)?;
                let keyword = |wanted: &dyn Fn(&Bound<'py, PyAny>) -> bool| {
                    names.iter().position(|given| wanted(&given)).map(|index| arguments.keyword(self.py, index))
                };
                keyword(&is_it).or_else(|| {
                    let extra = keyword(&|given| given.as_ptr() == intern!(self.py, "extra").as_ptr())?;
                    found(extra.cast_exact().ok()?, name)
                })
            }
            Values::Fields(fields) => found(fields, name),
            Values::Record { fields, .. } => {
                fields.iter().find(|(given, _)| is_it(given)).map(|(_, value)| value.clone())
            }
        }
    }

    /// The arguments of its message and the values of its fields.
    pub fn values(&self) -> Vec<Bound<'py, PyAny>> {
        match self.source.values {
            Values::Arguments(arguments) => {
                let keywords = arguments.names(self.py).map_or(0, |names| names.len());
                let positional = (1..arguments.positional).map(|index| arguments.positional(self.py, index));
                positional.chain((0..keywords).map(|index| arguments.keyword(self.py, index))).collect()
            }
            Values::Fields(fields) => fields.values().iter().collect(),
            Values::Record { fields, arguments } => {
                let arguments = arguments.and_then(|given| given.cast_exact::<PyTuple>().ok());
                let arguments = arguments.into_iter().flat_map(|arguments| arguments.iter());
                arguments.chain(fields.iter().map(|(_, value)| value.clone())).collect()
            }
        }
    }
}

fn found<'py>(fields: &Bound<'py, PyDict>, name: &str) -> Option<Bound<'py, PyAny>> {
    interrupt::ok(fields.py(), fields.get_item(name)).flatten()
}

fn site_of<'py>(frame: &Frame<'py>) -> Option<(Bound<'py, PyAny>, u32)> {
    let py = frame.as_any().py();
    let code = interrupt::ok(py, frame.as_any().getattr(intern!(py, "f_code")))?;
    let file = interrupt::ok(py, code.getattr(intern!(py, "co_filename")))?;
    Some((file, frame.line()))
}

impl<'a> Name<'a, '_> {
    #[inline]
    pub fn text(self) -> Cow<'a, str> {
        // The loggers of this library know their names, and sampling asks for one at each call.
        if let Self::Text(name) = self { name.into() } else { self.asked_for() }
    }

    #[inline(never)]
    fn asked_for(self) -> Cow<'a, str> {
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
