"""The libraries, a module each, set up as their documentation recommends for a file that must not lose records.

A module says TITLE, PACKAGE (whose version is shown) and FORMAT ("json" or "text": what its lines are). Its functions:

- start(folder, max_bytes=0, queue_size=0, processes=""): logging to `folder / "app.log"`, rotated at `max_bytes` where the library
  can, no rotated file ever deleted; `queue_size` for libraries whose queue can be bounded without losing the count of what was
  dropped; `processes`: how multiprocessing will start children; ended at exit as the library wants to be ended;
- log(text, *args): a record at INFO, arguments in the library's own style (PLACE is its placeholder for an integer);
- value(text, value): a record with a field, or for libraries without fields the value in the message;
- flush(): all that was logged is on disk, as far as the library can say;
- hand_over(): what a multiprocessing child needs; take_over(handed, folder, forked): the child's set-up;
- child_ends(): what the library's documentation asks of a child before it ends; "" when it asks for nothing;
- dropped(): how many records the library says that it dropped, or None if it does not count.

`recover(folder)`, where there is one, is run in a fresh process after the event and before counting.
"""

NAMES = [
    "ours",
    "stdlib_queue",
    "stdlib_file",
    "loguru_enqueue",
    "picologging_file",
    "logxide_file",
    "logly_file",
    "concurrent_file",
]
SHORT = ["ours", "stdlib_queue", "stdlib_file"]
KEEP = 1_000  # rotated files; more than any event makes
