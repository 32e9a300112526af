"""What the page about containers says of a deployment and of disk use holds."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from unified_logger.config.kinds import MIB
from unified_logger.config.resolve import resolve


@pytest.fixture
def page(project: Path) -> str:
    """The text of the page."""
    return (project / "docs" / "containers.md").read_text(encoding="utf-8")


def manifests(page: str) -> list[Any]:
    """Its blocks of YAML."""
    return [yaml.safe_load(block) for block in re.findall(r"^```yaml\n(.*?)^```", page, re.MULTILINE | re.DOTALL)]


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="needs a directory in which nobody can make files")
def test_the_environment_of_the_deployment_works(page: str) -> None:
    """`init_logging()` without options, where nothing can be written: records on standard output, nothing on standard error."""
    deployment = manifests(page)[0]
    [container] = deployment["spec"]["template"]["spec"]["containers"]
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    given = {variable["name"]: variable["value"] for variable in container["env"]}
    assert all(isinstance(value, str) for value in given.values()), "Kubernetes takes texts only"
    done = subprocess.run(
        [sys.executable, "-c", 'from unified_logger import *; init_logging(); get_logger("shop").info("order")'],
        cwd="/proc",
        env={**os.environ, **given},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert json.loads(done.stdout)["message"] == "order"
    assert done.stderr == ""


def test_labels_and_volumes_fit(page: str) -> None:
    """What refers to a name names one that is there."""
    deployment, pod = manifests(page)
    labels = deployment["spec"]["template"]["metadata"]["labels"]
    assert deployment["spec"]["selector"]["matchLabels"] == labels
    volumes = {volume["name"] for volume in pod["spec"]["volumes"]}
    for container in pod["spec"]["containers"]:
        assert {mount["name"] for mount in container["volumeMounts"]} <= volumes
    [mount] = pod["spec"]["containers"][0]["volumeMounts"]
    [directory] = [variable["value"] for variable in pod["spec"]["containers"][0]["env"]]
    assert directory.startswith(mount["mountPath"] + "/")


def test_the_worst_case_is_that_of_the_defaults(page: str) -> None:
    """The bytes of all files and of four boxes, as the options have them."""
    settings = resolve({}, environ={})
    files = [file.max_bytes * (file.backup_count + 1) // MIB for file in settings.files]
    box = settings.black_box_bytes // MIB
    told = [
        int(number.replace(",", ""))
        for number in re.findall(r"\| \**([\d,]+) MiB(?: each)?\** \|$", page, re.MULTILINE)
    ]
    assert told == [*files, box, sum(files) + 4 * box]
