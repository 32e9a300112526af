"""The metrics in a registry of `prometheus_client`.

from prometheus_client import REGISTRY
from unified_logger.integrations.prometheus import Collector

REGISTRY.register(Collector())
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..process import exposition
from ._families import families
from ._partner import need

need("prometheus_client", "0.15", "prometheus")

from prometheus_client import Metric  # noqa: E402
from prometheus_client.registry import Collector as _Collector  # noqa: E402
from prometheus_client.samples import Exemplar  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Iterator
    from os import PathLike


class Collector(_Collector):
    """What all processes of a log directory have counted, read anew at each scrape.

    It tells the same in every process, so it needs neither `PROMETHEUS_MULTIPROC_DIR` nor a collector for several processes.

    Args:
        directory: The log directory. By default it is that of the running configuration at the time of the scrape. Before logging has
            started, and without a log directory, this process is told alone.
    """

    def __init__(self, directory: str | PathLike[str] | None = None) -> None:
        self.directory = directory

    def collect(self) -> Iterator[Metric]:
        """Reads the counts.

        Yields:
            The families, with the types and help texts of the text format.
        """
        for family in families(exposition.text(self.directory, open_metrics=True).splitlines()):
            metric = Metric(family.name, family.help, family.kind)
            for name, labels, value, found in family.samples:
                exemplar = None if found is None else Exemplar(found.labels, found.value, found.time)
                metric.add_sample(name, labels, value, exemplar=exemplar)
            yield metric
