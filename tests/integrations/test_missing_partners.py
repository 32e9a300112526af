"""An integration whose partner is missing or too old says at import which extra installs it."""

import sys
from importlib import metadata
from types import ModuleType

import pytest

from unified_logger.integrations._partner import need


@pytest.fixture
def installed(monkeypatch):
    """Makes a distribution appear to be installed in a version, with a module of the same name."""

    def install(name, version):
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
        monkeypatch.setattr(metadata, "version", {name: version}.__getitem__)

    return install


def test_a_missing_partner_is_named_with_the_extra():
    """What is not installed is named, with the version and the extra to install."""
    with pytest.raises(ImportError, match=r"^no_such_partner 1\.0 or later .* not installed.*unified_logger\[some\]$"):
        need("no_such_partner", "1.0", "some")


def test_a_module_of_a_missing_package_is_missing():
    """A module below a package that is not there is missing too."""
    with pytest.raises(ImportError, match=r"unified_logger\[some\]"):
        need("no_such_partner.part", "1.0", "some")


@pytest.mark.parametrize("version", ["1.9", "1.9.9", "1.10rc1.dev3", "1", "0!1.9.post1"])
def test_an_old_partner_is_named_with_its_version(installed, version):
    """A version below the least is refused, and said."""
    installed("partner", version)
    with pytest.raises(ImportError, match=r"1\.11 or later is needed, and this is .*unified_logger\[some\]$") as caught:
        need("partner", "1.11", "some")
    assert version in str(caught.value)


@pytest.mark.parametrize("version", ["1.9", "1.10", "2.0a1", "1.9+local.1", "3"])
def test_a_recent_partner_will_do(installed, version):
    """Versions are compared by their numbers."""
    installed("partner", version)
    need("partner", "1.9", "some")


def test_zeros_at_the_end_make_no_difference(installed):
    """2.0 is what 2.0.0 is."""
    installed("partner", "2.0")
    need("partner", "2.0.0", "some")


def test_a_partner_without_metadata_will_do(monkeypatch):
    """A frozen program has modules without metadata."""
    monkeypatch.setitem(sys.modules, "partner_by_hand", ModuleType("partner_by_hand"))
    need("partner_by_hand", "9.9", "some")


def test_a_distribution_may_have_another_name():
    """What is installed and what is imported need not be called the same."""
    need("yaml", "5.0", "some", distribution="PyYAML")
    with pytest.raises(ImportError, match="PyYAML 999 or later"):
        need("yaml", "999", "some", distribution="PyYAML")
