//! `unified_logger._core`: Python objects in, records out.
#![cfg_attr(rustfmt, rustfmt_skip)]

mod interpreter;
mod value;
mod exception;
mod recorder;
mod context;
mod filter;
mod lines;
mod redaction;
mod capture;
mod handover;
mod processors;
mod logger;
mod stdlib;
mod control;
mod reading;

use pyo3::prelude::*;
use unified_logger_core::memory::Memory;

/// A call that finds no memory ends. The process continues.
#[global_allocator]
static MEMORY: Memory = Memory;

// The interpreter lock guards the binding's state: a free-threaded interpreter that imports the module takes one.
#[pymodule(gil_used = true)]
fn _core(module: &Bound<'_, PyModule>) -> PyResult<()> {
    // First of all: state made for one interpreter must not be used by another.
    interpreter::supported::check(module.py())?;
    interpreter::made::prepare(module.py());

    macro_rules! functions {
        ($($home:ident: $($name:ident)+;)+) => { $($(module.add_function(wrap_pyfunction!($home::$name, module)?)?;)+)+ };
    }
    module.add_class::<context::Context>()?;
    module.add_class::<interpreter::End>()?;
    module.add_class::<control::LogFile>()?;
    module.add_class::<control::HandedRecords>()?;
    module.add_class::<handover::KeptRecords>()?;
    module.add_class::<logger::Logger>()?;
    module.add_class::<reading::LogFiles>()?;
    module.add_class::<reading::Query>()?;
    module.add_class::<reading::LogText>()?;
    module.add_class::<reading::PipedText>()?;
    module.add_class::<reading::ReadRecord>()?;
    module.add_class::<redaction::Redaction>()?;
    functions! {
        capture: mark_wrapper set_asked_time;
        context: clear_within context_again context_below context_variable context_with current_context new_span_id new_trace new_trace_id
            recall_context remember_context set_context_variable set_foreign_context set_request_path_variable;
        control: after_fork_in_child after_fork_in_parent before_fork check_lines check_template count count_failed counted directory_metrics escape_text
            flush formats function_threads has_early internals is_rotated is_time_zone next_records open_log prepare_directory presets
            recover recover_all reserved_keys retention rotate say set_clock set_lines set_root_handler short_name show_early shutdown start stats
            template_parts templates turn_off wake_function;
        exception: exception_json format_exception set_exceptions;
        filter: leave_stdlib_levels set_notice set_recorder set_trace_sampling set_wrappers;
        handover: enter_recording leave_recording set_keeper write_recording;
        logger: add_level attach_bound_methods log_ai set_listened set_message_style;
        processors: set_processors;
        reading: black_boxes check_file file_ends known_files level_number named_levels read_position select_refusals survey_files;
        redaction: redaction_keys redaction_patterns;
        stdlib: emit encode_record float_class merge_by_class merge_record set_marks set_stdlib_native stdlib_native_levels
            with_and_without_secrets;
        value: encode_value set_converter;
    }

    let py = module.py();
    unified_logger_core::platform::notice_forks();
    interpreter::fork::set_in_child(py, IN_CHILD);
    interpreter::ending::set_last(py, handover::shut_down_late_start);
    context::set_follow(py, filter::follow_contexts);
    handover::stream::remember(py)?;
    control::self_check::probe(py);
    exception::prepare(py);
    capture::thread::prepare(py);
    logger::attach_methods(py)
}

/// The functions that a forked child calls first.
const IN_CHILD: &[fn(Python<'_>)] = &[
    context::ids::after_fork_in_child,
    |_| interpreter::ending::after_fork_in_child(),
    handover::stream::after_fork_in_child,
    handover::after_fork_in_child,
];
