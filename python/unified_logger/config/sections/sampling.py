"""Options of sampling: which records are written where not all of them are."""

from __future__ import annotations

from .. import sampling as rules_of
from ..kinds import BOOLEAN, LEVEL, MAPPING, NAMES, RATE, Kind, choice
from ..mappings import joined
from ..options import Section, derived, option
from ..scalars import mapping_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from ..mappings import Layout
    from ..options import Given

SAMPLING = Kind(
    "sampling",
    "a mapping (in the environment: as JSON)",
    MAPPING.parse,
    mapping_text,
    MAPPING.schema,
)

# The level from which records are written whatever their trace.
_ERROR = 40
_MAX_KEYS = 4_096


def _layout() -> Layout:
    paths = {"always_sample_paths": NAMES, "never_sample_paths": NAMES}
    return {
        **rules_of.LAYOUT,
        "traces": {"ratio": RATE, "otel_ratio": choice("consistent", "legacy"), "level": LEVEL},
        # The block of the previous module's layout.
        "enabled": BOOLEAN,
        "sample_rate": RATE,
        "level_threshold": LEVEL,
        **paths,
    }


class Sampling(Section):
    """Which records are written where not all of them are."""

    sampling: Mapping[str, Any] = option(
        SAMPLING, {}, "Which records are written where not all of them are; see docs/sampling.md.", layout=_layout
    )
    # The rules as the engine reads them. None for every call.
    sampling_rules: Mapping[str, Any] | None = derived()
    # How traces are chosen, the share of them, and the level from which records are written whatever their trace. None for all traces.
    sampled_traces: tuple[str, float, int] | None = derived()

    @classmethod
    def settle(cls, given: Given) -> Mapping[str, Any]:
        """A source that outranks another replaces the keys that it gives."""
        sampling: dict[str, Any] = {}
        for _, block in given.each("sampling"):
            sampling = joined(sampling, block)
        traces = _traces(sampling.get("traces"))
        if traces is not None and sampling.get("dry_run") is True:
            given.add_notice("sampling.traces has no effect where sampling.dry_run is true: all traces are written")
            traces = None
        rules = _rules(sampling)
        if (traces or rules) and not given.values["use_unified_logging"]:
            given.add_notice("sampling has no effect where use_unified_logging is false: all records are written")
        return {
            "sampling": sampling,
            "sampling_rules": rules,
            "sampled_traces": traces,
        }

    def to_engine(self) -> dict[str, dict[str, Any]]:
        """The rules, if there are any."""
        return {} if self.sampling_rules is None else {"sampling": dict(self.sampling_rules)}


def _rules(sampling: Mapping[str, Any]) -> Mapping[str, Any] | None:
    rules = [*(sampling.get("rules") or ()), *rules_of.older(sampling)]
    max_keys = sampling.get("max_keys")
    if not rules:
        return None
    return rules_of.to_engine(rules, sampling.get("dry_run") is True, _MAX_KEYS if max_keys is None else max_keys)


def _traces(traces: Mapping[str, Any] | None) -> tuple[str, float, int] | None:
    """`sampling.traces` with its defaults; None if it is not given. Each of its keys by itself is checked already."""
    if traces is None:
        return None
    chosen, ratio, level = (traces.get(key) for key in ("otel_ratio", "ratio", "level"))
    return (
        "consistent" if chosen is None else chosen,
        1.0 if ratio is None else float(ratio),
        _ERROR if level is None else level,
    )
