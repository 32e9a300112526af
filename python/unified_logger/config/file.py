"""YAML files, read safely: plain data only, every key known by its line, none given twice."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import ConfigurationError
from . import layout

if TYPE_CHECKING:
    from os import PathLike

    import yaml


def load_config(path: str | PathLike[str]) -> dict[str, Any]:
    """Reads and validates a YAML configuration.

    Args:
        path: The file, in UTF-8. An empty one is an empty configuration.

    Returns:
        The configuration as it stands in the file.

    Raises:
        ConfigurationError: The file cannot be read, is not plain YAML, or something in it is not as it must be.
    """
    source = str(path)
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            source=source, key="(the whole file)", value=source, allowed=f"a readable file in UTF-8 ({error})"
        ) from error
    config, lines = _parse(text, source)
    layout.check(config, source, lines)
    return config


def _parse(text: str, source: str) -> tuple[dict[str, Any], dict[layout.Path, int]]:
    import yaml  # Only programs that use a file pay for it.

    lines: dict[layout.Path, int] = {}
    loader = yaml.SafeLoader(text)
    try:
        root = loader.get_single_node()
        if root is None:
            return {}, lines
        _walk(root, yaml.MappingNode, (), lines, source)
        config = loader.construct_document(root)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        raise ConfigurationError(
            source=source,
            key="(the whole file)",
            value=getattr(error, "problem", None) or str(error),
            allowed="plain YAML: texts, numbers, true, false, null, lists and mappings",
            line=None if mark is None else mark.line + 1,
        ) from error
    finally:
        loader.dispose()
    return config, lines


def _walk(
    node: yaml.Node, mapping: type[yaml.Node], path: layout.Path, lines: dict[layout.Path, int], source: str
) -> None:
    """Notes the line of every key, and refuses keys given twice: YAML would silently keep the last."""
    if not isinstance(node, mapping):
        return
    for key, value in node.value:
        below = (*path, str(key.value))
        line = key.start_mark.line + 1
        if below in lines:
            raise ConfigurationError(
                source=source, key=".".join(below), value=key.value, allowed="given once only", line=line
            )
        lines[below] = line
        _walk(value, mapping, below, lines, source)
