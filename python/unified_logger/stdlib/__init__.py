"""The standard library's `logging`, both ways: its records come in, and its handlers see ours."""

from .handler import Handler, connect, install, is_installed
from .listeners import as_of_logging, capture, hand_over, log_listened, make_record, show_to_taps, taps
from .reading import as_said, changed, error_of, level_of, text_of

__all__ = [
    "Handler",
    "as_of_logging",
    "as_said",
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
    "show_to_taps",
    "taps",
    "text_of",
]
