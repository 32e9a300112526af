"""Links with names that stay, beside log files."""

from __future__ import annotations

import os

from ... import _core
from ...errors import ConfigurationError
from ..kinds import Kind
from ..mappings import joined
from ..options import Section, option
from .files import FAULTS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from ..mappings import Layout
    from ..options import Given


# No link is called so: they mean what they mean elsewhere.
_WORDS = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}


def _link(value: Any) -> bool | str:
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and (word := value.strip().lower()) in _WORDS:
        return _WORDS[word]
    is_name = isinstance(value, str) and value[:1] not in ("", ".") and not any(part in value for part in "/\\\0")
    if not is_name or len(value.encode()) > 200:
        raise ValueError
    return str(value)


def _link_text(text: str) -> bool | str:
    return _link(text.strip())


LINK = Kind(
    "link",
    "true, false, or the name of a link in the log directory, without a path, that has 200 bytes at most and does not begin with a dot",
    _link,
    _link_text,
    {"type": ["boolean", "string"], "minLength": 1, "maxLength": 200},
)
# What an output that is a file may have of its own.
LAYOUT: Layout = {"current_link": LINK}


class Links(Section):
    """Links to current files."""

    current_link: bool | str = option(
        LINK,
        False,
        "A symbolic link to each current file: app-current.log and so on, or a name for that of app.log alone.",
    )

    @classmethod
    def settle(cls, given: Given) -> Mapping[str, Any]:
        """Refuses names that files have, or may get."""
        values = given.values
        names = dict(_files(given))
        links: dict[str, str] = {}
        for name, link in _links(values, names):
            is_own = "current_link" in _own(values, name)
            key = f"outputs.{name}.current_link" if is_own else "current_link"
            taken = [*names.values(), FAULTS, *links.values()]
            if any(link.lower() == other.lower() for other in taken):
                allowed = "a name that no log file and no other link has"
            elif any(_core.is_rotated(other.lower(), link.lower()) for other in names.values()):
                allowed = "a name that no rotated file has"
            else:
                links[name] = link
                continue
            source = given.source_of("outputs" if is_own else "current_link")
            raise ConfigurationError(source=source, key=key, value=link, allowed=allowed)
        return {}

    def amended(self, rooms: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
        """Each file with its link."""
        found = rooms["output"]["to"]["outputs"].items()
        names = {name: output["to"]["file"]["name"] for name, output in found if output and "file" in output["to"]}
        links = {name: {"to": {"file": {"current_link": link}}} for name, link in _links(vars(self), names)}
        return joined(rooms, {"output": {"to": {"outputs": links}}})


def _own(values: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    own = values["outputs"].get(name)
    return own if isinstance(own, dict) else {}


def _files(given: Given) -> Iterator[tuple[str, str]]:
    """The name of each file that is written, by its output."""
    outputs = given.values["outputs"]
    for file in given.values["files"]:
        if file.enabled and outputs.get(file.kind) is not False:
            yield file.kind, file.name
    for name, output in outputs.items():
        if isinstance(output, dict) and "file" in output:
            yield name, output["file"]


def _links(values: Mapping[str, Any], names: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """The link of each file that has one."""
    for name, file in names.items():
        link = _own(values, name).get("current_link", values["current_link"])
        if isinstance(link, str) and "current_link" not in _own(values, name) and name != "app":
            link = False
        stem, end = os.path.splitext(file)
        if link:
            yield name, f"{stem}-current{end}" if link is True else link
