"""How examples are made."""

from __future__ import annotations

from hypothesis import settings

# A busy machine is slow with any example.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")
