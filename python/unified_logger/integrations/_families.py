"""The metrics as families of samples, for libraries that take no text.

They are read from the text of the scrape. So no way out can tell anything else than the others do.
"""

from __future__ import annotations

import re
from typing import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

# A label, and what it is: `file="app"`.
_LABEL = re.compile(r'([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"')
_ESCAPE = re.compile(r"\\(.)")
_SAMPLE = re.compile(
    r'(\w+)(?:\{((?:\w+="(?:[^"\\]|\\.)*",?)*)\})? (\S+)(?: # \{((?:\w+="(?:[^"\\]|\\.)*",?)*)\} (.*))?'
)
_MEANT = {"n": "\n"}


class Exemplar(NamedTuple):
    """A record that stands for those of a sample.

    Args:
        labels: Such as its trace.
        value: What it added.
        time: When, in seconds since 1970 UTC; None if that is not known.
    """

    labels: dict[str, str]
    value: float
    time: float | None


class Sample(NamedTuple):
    """A number.

    Args:
        name: The whole name, with `_total` and such.
        labels: Its labels.
        value: The number.
        exemplar: A record that stands for those that it counts, if there is one.
    """

    name: str
    labels: dict[str, str]
    value: float
    exemplar: Exemplar | None


class Family(NamedTuple):
    """All samples of one metric.

    Args:
        name: Its name, without `_total` and such.
        kind: `counter`, `gauge`, `histogram` or `unknown`.
        help: What it is, in words.
        samples: The numbers, with those that end with `_created`.
    """

    name: str
    kind: str
    help: str
    samples: list[Sample]


def families(lines: Iterable[str]) -> list[Family]:
    """The families of a text that this library has written.

    Args:
        lines: The lines of OpenMetrics.

    Returns:
        The families, in their order.
    """
    found: list[Family] = []
    help_of: dict[str, str] = {}
    for line in lines:
        if line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ", 3)
            found.append(Family(name, kind, help_of.get(name, ""), []))
        elif line.startswith("# HELP "):
            _, _, name, sentence = line.split(" ", 3)
            help_of[name] = _unescaped(sentence)
        elif (sample := _SAMPLE.fullmatch(line)) is not None:
            name, labels, value, *exemplar = sample.groups()
            found[-1].samples.append(Sample(name, _labels(labels), float(value), _exemplar(*exemplar)))
    return found


def _labels(text: str | None) -> dict[str, str]:
    return {name: _unescaped(value) for name, value in _LABEL.findall(text)} if text else {}


def _unescaped(text: str) -> str:
    return _ESCAPE.sub(lambda escape: _MEANT.get(escape[1], escape[1]), text) if "\\" in text else text


def _exemplar(labels: str | None, rest: str | None) -> Exemplar | None:
    if rest is None:
        return None
    value, _, time = rest.partition(" ")
    return Exemplar(_labels(labels), float(value), float(time) if time else None)
