"""The counts of this process as instruments of OpenTelemetry."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from opentelemetry import metrics
from opentelemetry.metrics import CallbackOptions, MeterProvider, Observation

from unified_logger import __version__
from unified_logger.clocks import monotonic
from unified_logger.process import exposition, timers

from ._families import Family, families

if TYPE_CHECKING:
    from collections.abc import Iterator

# Before the library's own names in a scrape, and instead of it here.
_PREFIX = "unified_logger_"
_NAMESPACE = "unified_logger."
# What is told of a whole directory, or by the meter itself.
_LEFT_OUT = ("processes", "blocks_unreadable", "build_info")
# Ends of names that say a unit, with the unit as OpenTelemetry writes it.
_UNITS = {"_seconds": "s", "_bytes": "By"}
_BYTES = "bytes_"
# A reading is used no longer than this, seconds, even by an instrument that has not been asked since.
_FRESH = 1.0


class _Instruments:
    """The instruments on one provider.

    Args:
        provider: The provider.
    """

    def __init__(self, provider: MeterProvider) -> None:
        self._meter = provider.get_meter("unified_logger", __version__)
        self._names: set[str] = set()
        # Families by their names, which all instruments of one collection share, and the instruments that have had them. There is no lock: a
        # forked child could find it held, and without it at worst two collections read twice.
        self._reading: dict[str, Family] = {}
        self._had: set[str] = set()
        self._read_at = float("-inf")

    def add(self) -> None:
        """Adds an instrument for each metric that has none."""
        for family in self._read().values():
            for name, unit, end in _instruments_of(family):
                if name not in self._names:
                    self._names.add(name)
                    self._create(family, name, unit, end)

    def _create(self, family: Family, name: str, unit: str, end: str) -> None:
        is_counter = family.kind in ("counter", "histogram")
        create: Any = self._meter.create_observable_counter if is_counter else self._meter.create_observable_gauge
        wanted = f"{family.name}{end}"

        def observe(_: CallbackOptions) -> Iterator[Observation]:
            found = self._shared(name).get(family.name)
            for sample in found.samples if found is not None else ():
                if sample.name == wanted:
                    value = int(sample.value) if sample.value.is_integer() else sample.value
                    yield Observation(value, sample.labels)

        create(name, [observe], unit=unit, description=family.help)

    def _shared(self, name: str) -> dict[str, Family]:
        """The families of this collection: an instrument that asks again is asked in another."""
        now = monotonic()
        if name not in self._had and now < self._read_at + _FRESH:
            self._had.add(name)
            return self._reading
        self._reading, self._had, self._read_at = self._read(), {name}, now
        if any(each not in self._names for family in self._reading.values() for each, *_ in _instruments_of(family)):
            # A provider may hold a lock here that a new instrument needs.
            with suppress(RuntimeError):  # No thread can be started: the next collection tries again.
                timers.later(0, self.add)
        return self._reading

    @staticmethod
    def _read() -> dict[str, Family]:
        found = families(exposition.own_text().splitlines())
        return {each.name: each for each in found if each.name.removeprefix(_PREFIX) not in _LEFT_OUT}


def _instruments_of(family: Family) -> Iterator[tuple[str, str, str]]:
    """The names of the instruments for a family, with their units, and with the ends of the samples that each observes."""
    name, unit = family.name.removeprefix(_PREFIX), ""
    namespace = _NAMESPACE if name != family.name else ""
    for end, of_end in _UNITS.items():
        if name.endswith(end):
            name, unit = name.removesuffix(end), of_end
    if name.startswith(_BYTES):
        unit = "By"
    if family.kind == "histogram":
        yield f"{namespace}{name}.count", "", "_count"
        yield f"{namespace}{name}.sum", unit, "_sum"
    else:
        yield namespace + name, unit, "_total" if family.kind == "counter" else ""


# By their providers. None is the global one, which may come later.
_instruments: list[tuple[MeterProvider | None, _Instruments]] = []


def export(provider: MeterProvider | None) -> None:
    """Adds the instruments to a provider, unless it has them; see `opentelemetry.export_metrics`."""
    if provider is not None and provider is metrics.get_meter_provider():
        provider = None
    for known, instruments in _instruments:
        if known is provider:
            instruments.add()
            return
    instruments = _Instruments(metrics.get_meter_provider() if provider is None else provider)
    _instruments.append((provider, instruments))
    instruments.add()
