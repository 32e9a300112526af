"""The libraries that are compared, one module each, all logging the same record.

A module says TITLE, OMITS (what of the record its lines lack) and KIND: "logger" (writes lines), "calls" (only the cost of a
call can be compared), "unsafe in processes" (not run with several processes on one directory) or "program" (of another language,
in a process of its own). Its functions:

- start(folder): logging to files in `folder`, the context on where the library has one;
- calls(count): so many calls with the guide's record, as its users write them;
- disabled(count): the same below the level;
- errors(count, error): with an exception;
- finish(): returns when everything is on disk;
- files(folder): the files that hold the lines.

A program's module has one function instead: run(folder, rounds=, records=, seconds=) builds the program where it is not yet built,
lets it measure itself and returns its results, one for each bench, with the lines counted. It raises what says why it cannot.
"""

ALL = [
    "native_call",
    "ours",
    "ours_console_off",
    "ours_black_box_off",
    "ours_redacted",
    "stdlib_native",
    "stdlib_through_ours",
    "stdlib_queue",
    "stdlib_file",
    "structlog_orjson",
    "loguru_plain",
    "loguru_enqueue",
    "picologging_file",
    "logxide_file",
    "logly_file",
    "spdlog_file",
    "rust_tracing",
    "cpp_spdlog",
    "orjson_literal",
    "orjson_prebuilt",
]
