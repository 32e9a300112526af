//! `unified_logger._core`: Python objects in, records out.
#![cfg_attr(rustfmt, rustfmt_skip)]

mod supported;
mod counts;
mod gil;
mod interrupt;
mod ending;
mod clock;
mod pending;
mod fork;
mod stack;
mod arguments;
mod asked;
mod shown;
mod escape;
mod error;
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
mod merging;
mod stdlib;
mod control;
mod internals;

use pyo3::prelude::*;
use unified_logger_core::memory::Memory;

/// A call that finds no memory ends, the process does not.
#[global_allocator]
static MEMORY: Memory = Memory;

// The binding's state is guarded by the interpreter lock: a free-threaded interpreter that imports it takes one.
#[pymodule(gil_used = true)]
fn _core(module: &Bound<'_, PyModule>) -> PyResult<()> {
    // First of all: what is made for one interpreter stays, and must not be met by another.
    supported::check(module.py())?;

    macro_rules! functions {
        ($($home:ident: $($name:ident)+;)+) => { $($(module.add_function(wrap_pyfunction!($home::$name, module)?)?;)+)+ };
    }
    module.add_class::<context::Context>()?;
    module.add_class::<ending::End>()?;
    module.add_class::<files::LogFile>()?;
    module.add_class::<logger::Logger>()?;
    module.add_class::<redaction::Redaction>()?;
    functions! {
        clock: set_asked_time;
        context: clear_within context_again context_below context_with current_context new_trace set_context_variable set_foreign_context;
        control: after_fork_in_child after_fork_in_parent before_fork flush has_early recover recover_all say set_clock
            set_root_handler show_early shutdown start stats turn_off;
        enabled: leave_stdlib_levels;
        escape: escape_text;
        exception: exception_json format_exception;
        files: open_log prepare_directory;
        ids: new_span_id new_trace_id;
        internals: internals;
        logger: attach_bound_methods log_ai set_listened;
        pending: call_soon;
        redaction: redaction_keys redaction_patterns;
        site: mark_wrapper;
        stdlib: emit encode_record float_class merge_by_class merge_record set_marks set_stdlib_native;
        value: encode_value set_converter;
    }

    let py = module.py();
    unified_logger_core::platform::notice_forks();
    fork::set_in_child(py, IN_CHILD);
    ending::set_last(py, runtime::shut_down_late_start);
    context::set_follow(py, enabled::follow_contexts);
    stderr::remember(py)?;
    internals::look(py);
    thread::prepare(py);
    logger::attach_methods(py)
}

/// What a forked child does first.
const IN_CHILD: &[fn(Python<'_>)] = &[
    ids::after_fork_in_child,
    |_| ending::after_fork_in_child(),
    stderr::after_fork_in_child,
    runtime::after_fork_in_child,
];
