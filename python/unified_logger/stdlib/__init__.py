"""The standard library's `logging`, both ways: its records come in, and its handlers see the records of `get_logger`."""

from .handler import Handler, connect, install, is_installed
from .listeners import as_of_logging, capture, hand_over, log_listened, make_record, show_to_taps, taps
from .reading import changed, error_of, level_of, merged_by_class, text_of

__all__ = [
    "Handler",
    "as_of_logging",
    "capture",
    "changed",
    "connect",
    "error_of",
    "hand_over",
    "install",
    "is_installed",
    "level_of",
    "log_listened",
    "make_record",
    "merged_by_class",
    "show_to_taps",
    "taps",
    "text_of",
]
