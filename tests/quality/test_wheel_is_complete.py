"""The installed distribution holds what users need and nothing else."""

from __future__ import annotations

import re
from importlib.metadata import PackagePath, distribution
from pathlib import Path

DISTRIBUTION = distribution("unified_logger")
NOT_PACKAGED = {".pyc", ".so"}


def installed() -> list[PackagePath]:
    """The files of the distribution, what the interpreter made of them left out."""
    return [file for file in DISTRIBUTION.files or [] if file.suffix != ".pyc"]


def test_every_file_of_the_package_is_installed(project: Path) -> None:
    """Modules, stubs, `py.typed` and the configuration's schema are all in the wheel."""
    source = project / "python"
    expected = {
        path.relative_to(source).as_posix()
        for path in (source / "unified_logger").rglob("*")
        if path.is_file() and path.suffix not in NOT_PACKAGED
    }
    assert {"unified_logger/py.typed", "unified_logger/_core.pyi", "unified_logger/config/schema.json"} <= expected
    assert expected - {file.as_posix() for file in installed()} == set()


def test_nothing_but_the_package_is_installed() -> None:
    """The wheel brings one top-level name, one native module in it, and one command."""
    commands = [file.name for file in installed() if file.parts[0] == ".."]
    assert commands == ["unified-logger"]
    tops = {file.parts[0] for file in installed() if not file.parts[0].endswith((".dist-info", ".."))}
    assert tops == {"unified_logger"}
    native = [file for file in installed() if file.suffix == ".so"]
    assert [file.name.partition(".")[0] for file in native] == ["_core"]


def test_pytest_finds_the_plugin() -> None:
    """By the one entry point that the distribution has beside its command."""
    (found,) = (entry for entry in DISTRIBUTION.entry_points if entry.group != "console_scripts")
    assert (found.group, found.name, found.value) == ("pytest11", "unified_logger", "unified_logger.pytest_plugin")


def test_both_licences_are_installed() -> None:
    """The licences travel with the package."""
    names = {file.name for file in installed() if "licenses" in file.parts}
    assert {"LICENSE-MIT", "LICENSE-APACHE"} <= names


def test_the_only_requirement_is_pyyaml() -> None:
    """Installing the package brings PyYAML and nothing else."""
    required = [line for line in DISTRIBUTION.requires or [] if "extra ==" not in line]
    assert [re.split(r"[^A-Za-z0-9_-]", line)[0].lower() for line in required] == ["pyyaml"]


def test_metadata_describes_the_package() -> None:
    """Name, Python versions, licence and description are there for whoever looks the package up."""
    metadata = DISTRIBUTION.metadata
    assert metadata["Name"] == "unified_logger"
    assert metadata["Requires-Python"] == ">=3.10"
    assert metadata["License-Expression"] == "MIT OR Apache-2.0"
    assert metadata["Description-Content-Type"].startswith("text/markdown")


def test_version_is_that_of_the_workspace(project: Path) -> None:
    """The version stands in Cargo.toml, once for both languages."""
    cargo = (project / "Cargo.toml").read_text(encoding="utf-8")
    match = re.search(r'^version = "(.+)"', cargo, re.MULTILINE)
    assert match is not None
    assert DISTRIBUTION.version == match[1]
