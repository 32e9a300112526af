"""The libraries that are compared, one module each, all logging the same record.

A module says TITLE, OMITS (what of the record its lines lack) and KIND: "logger" (writes lines), "calls" (only the cost of a
call can be compared) or "unsafe in processes" (not run with several processes on one directory). Its functions:

- start(folder): logging to files in `folder`, the context on where the library has one;
- calls(count): so many calls with the guide's record, as its users write them;
- disabled(count): the same below the level;
- errors(count, error): with an exception;
- finish(): returns when everything is on disk;
- files(folder): the files that hold the lines.
"""

ALL = [
    "native_call",
    "ours",
    "ours_console_off",
    "stdlib_queue",
    "stdlib_file",
    "structlog_orjson",
    "loguru_plain",
    "loguru_enqueue",
    "picologging_file",
    "logxide_file",
    "logly_file",
    "spdlog_file",
    "orjson_literal",
    "orjson_prebuilt",
]

# Packages of a contender, pinned; installed one by one.
PACKAGES: dict[str, list[str]] = {
    "native_call": ["./native_call"],
    "stdlib_queue": ["python-json-logger==4.2.0", "orjson==3.13.0"],
    "stdlib_file": ["python-json-logger==4.2.0", "orjson==3.13.0"],
    "structlog_orjson": ["structlog==26.1.0", "orjson==3.13.0"],
    "loguru_plain": ["loguru==0.7.3"],
    "loguru_enqueue": ["loguru==0.7.3"],
    "picologging_file": ["picologging==0.9.3"],
    "logxide_file": ["logxide==0.1.2"],
    "logly_file": ["logly==0.2.5"],
    "spdlog_file": ["spdlog==2.0.6"],
    "orjson_literal": ["orjson==3.13.0"],
    "orjson_prebuilt": ["orjson==3.13.0"],
}
# Built here, not taken as a wheel.
FROM_SOURCE = {"spdlog_file": ["spdlog"]}
