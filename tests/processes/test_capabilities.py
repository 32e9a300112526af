"""What runs as long as logging does is in one list, in whose order it starts, ends and begins anew in a forked child."""

from __future__ import annotations

import inspect
from importlib import import_module
from typing import Any

import pytest
from kinds import Run

from unified_logger.process import capabilities

MODULES = [
    import_module(f"unified_logger.{each}") if isinstance(each, str) else each for each in capabilities.CAPABILITIES
]


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_a_capability_has_all_three_functions(module: Any) -> None:
    """Those that are named by a text are seen by no type checker."""
    assert [*inspect.signature(module.start).parameters] == ["settings"]
    assert not inspect.signature(module.stop).parameters
    assert not inspect.signature(module.in_child).parameters


def test_a_capability_that_is_imported_later_takes_its_place() -> None:
    """The order is that of the list, whatever was imported first."""
    assert capabilities.present() == MODULES


def test_the_package_registers_once_for_forks(run_python: Run) -> None:
    """Nobody else has hooks of a fork, whose order would then be that of imports."""
    done = run_python(
        """
import os
registered, register = [], os.register_at_fork
def note(**hooks):
    if any("unified_logger" in repr(inspect.unwrap(getattr(hook, "func", hook)).__module__) for hook in hooks.values()):
        registered.append(sorted(hooks))
    register(**hooks)
import inspect, logging
os.register_at_fork = note
from unified_logger import *
import unified_logger.integrations.asgi, unified_logger.integrations.wsgi
import unified_logger.process.level_changes, unified_logger.process.reload
print(registered)
"""
    )
    assert done.stdout.strip() == "[['after_in_child', 'after_in_parent', 'before']]"


def test_one_that_fails_in_a_child_holds_up_no_other() -> None:
    """As hooks of their own would."""
    called: list[str] = []

    def fail() -> None:
        called.append("fails")
        raise ValueError("failed")

    with pytest.raises(ValueError, match="failed"):
        capabilities.call_all([lambda: called.append("first"), fail, lambda: called.append("last")])
    assert called == ["first", "fails", "last"]
