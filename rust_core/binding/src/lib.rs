//! `unified_logger._core`: Python objects in, records out.
#![cfg_attr(rustfmt, rustfmt_skip)]

mod gil;
mod interrupt;
mod ending;
mod escape;
mod files;
mod watch;
mod guard;
mod frame;
mod cache;
mod thread;
mod value;
mod exception;
mod ids;
mod context;
mod replaced;
mod enabled;
mod site;
mod stderr;
mod runtime;
mod redaction;
mod capture;
mod logger;
mod stdlib;
mod control;
mod internals;

use pyo3::prelude::*;

// The binding's state is guarded by the interpreter lock: a free-threaded interpreter that imports it takes one.
#[pymodule(gil_used = true)]
mod _core {
    use pyo3::prelude::*;

    #[pymodule_export]
    use crate::context::{Context, current_context, new_trace, set_context_variable, set_foreign_context};
    #[pymodule_export]
    use crate::control::{
        after_fork_in_child, after_fork_in_parent, before_fork, begin_end, call_soon, flush, has_early, recover, recover_all, say, set_clock, set_root_handler, show_early,
        shutdown, start, stats, turn_off,
    };
    #[pymodule_export]
    use crate::enabled::leave_stdlib_levels;
    #[pymodule_export]
    use crate::escape::escape_text;
    #[pymodule_export]
    use crate::exception::{exception_json, format_exception};
    #[pymodule_export]
    use crate::files::{LogFile, open_log, prepare_directory};
    #[pymodule_export]
    use crate::ids::{new_span_id, new_trace_id};
    #[pymodule_export]
    use crate::internals::internals;
    #[pymodule_export]
    use crate::logger::{Logger, attach_bound_methods, log_ai, set_listened};
    #[pymodule_export]
    use crate::redaction::{Redaction, redaction_keys, redaction_patterns};
    #[pymodule_export]
    use crate::site::mark_wrapper;
    #[pymodule_export]
    use crate::stdlib::{emit, encode_record, set_captured, set_stdlib_native};
    #[pymodule_export]
    use crate::value::{encode_value, set_converter};

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        unified_logger_core::platform::notice_forks();
        crate::stderr::remember(module.py())?;
        crate::internals::look(module.py());
        crate::logger::attach_methods(module.py())
    }
}
