"""How examples are made: `settings` of Hypothesis without a deadline."""

from __future__ import annotations

from hypothesis import settings

__all__ = ["settings"]

# A busy machine is slow with any example.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")
