"""Ids that begin here."""

from __future__ import annotations

import os
import re

from unified_logger import LoggingContext, UnifiedLogger


def ids(logger: UnifiedLogger) -> tuple[str, str]:
    """Trace and span id of a new context."""
    with LoggingContext():
        context = logger.get_trace_context()
    return context["trace_id"], context["span_id"]


def test_ids_are_those_of_w3c_trace_context_and_differ(logger: UnifiedLogger) -> None:
    """32 and 16 hexadecimal digits in lower case, of which none comes twice."""
    made = [ids(logger) for _ in range(5_000)]
    assert all(
        re.fullmatch("[0-9a-f]{32}", trace_id) and re.fullmatch("[0-9a-f]{16}", span_id) for trace_id, span_id in made
    )
    assert len({trace_id for trace_id, _ in made}) == len({span_id for _, span_id in made}) == len(made)


def test_a_forked_child_makes_ids_of_its_own(logger: UnifiedLogger) -> None:
    """Randomness that was taken before a fork is the parent's. Seen to fail where the child keeps it."""
    ids(logger)
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writing, "\n".join(trace_id for trace_id, _ in (ids(logger) for _ in range(20))).encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        theirs = set(pipe.read().split())
    os.waitpid(child, 0)
    ours = {trace_id for trace_id, _ in (ids(logger) for _ in range(20))}
    assert len(theirs) == len(ours) == 20
    assert not theirs & ours
