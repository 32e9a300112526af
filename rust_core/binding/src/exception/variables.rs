//! Local variables of the application's frames, as texts, for programs that want them.
//!
//! The texts are made by `unified_logger.values.variables`, which runs code of the program only where a class has a `repr`
//! of its own.

use std::cell::Cell;

use pyo3::prelude::*;
use unified_logger_core::memory;

use super::code::{self, CodePosition};
use super::settings;
use crate::interpreter::ending::{self, Inside};
use crate::interpreter::frame::variables_of;
use crate::interpreter::gil::intern;
use crate::interpreter::interrupt;
use crate::interpreter::stack;
use crate::value::shown::text_of;

/// Variables of one frame.
const VARIABLES: usize = 32;
/// Bytes of all names and texts of an exception and those that led to it.
const BYTES: usize = 16 << 10;

/// Name and text.
pub type Variable = (String, String);

thread_local! {
    /// Whether this thread asks for texts. What is logged meanwhile has no variables: they may be the same ones.
    static IS_ASKING: Cell<bool> = const { Cell::new(false) };
}

/// The variables of one exception.
pub struct Variables {
    /// Bytes that are left.
    left: usize,
}

impl Variables {
    /// `None` if they are not wanted.
    pub fn wanted(py: Python<'_>) -> Option<Self> {
        (settings::takes_variables(py) && !IS_ASKING.get()).then_some(Self { left: BYTES })
    }

    /// The variables of a frame.
    pub fn of(&mut self, frame: &Bound<'_, PyAny>, position: CodePosition) -> Vec<Variable> {
        let py = frame.py();
        if !code::is_application(frame, position) || ending::is_here(py) || stack::is_short() {
            return Vec::new();
        }
        let Some((values, count)) = variables_of(frame, VARIABLES) else { return Vec::new() };
        if count == 0 {
            return Vec::new();
        }
        if self.left == 0 {
            return vec![left_out("size")];
        }
        memory::check();
        let _asking = Asking::begin();
        let _inside = Inside::enter();
        let texts = py
            .import(intern!(py, "unified_logger.values.variables"))
            .and_then(|module| module.call_method1(intern!(py, "texts"), (values,)));
        let Some(texts) = interrupt::ok(py, texts) else { return Vec::new() };
        let mut variables = Vec::with_capacity(count.min(VARIABLES) + 1);
        for pair in texts.try_iter().into_iter().flatten().flatten() {
            let Ok((name, text)) = pair.extract::<(Bound<'_, PyAny>, Bound<'_, PyAny>)>() else { break };
            let variable = (text_of(&name), text_of(&text));
            let bytes = variable.0.len() + variable.1.len();
            if bytes > self.left {
                self.left = 0;
                variables.push(left_out("size"));
                return variables;
            }
            self.left -= bytes;
            variables.push(variable);
        }
        if count > VARIABLES {
            variables.push(left_out(&format!("{} more", count - VARIABLES)));
        }
        variables
    }
}

fn left_out(what: &str) -> Variable {
    ("$truncated".to_owned(), what.to_owned())
}

/// Texts are asked for while this lives.
struct Asking;

impl Asking {
    fn begin() -> Self {
        IS_ASKING.set(true);
        Self
    }
}

impl Drop for Asking {
    fn drop(&mut self) {
        IS_ASKING.set(false);
    }
}
