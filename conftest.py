"""What all tests and documents share: the toolchain, the fixtures, Sybil over the documents, one option."""

import os
import sys

import pytest
from sybil.integration import pytest as sybil

from runtime import browser, toolchain
from tests.documents.runner import SYBILS
from tests.support.patience import be_patient
from tests.support.scratch import Scratch

pytest_plugins = ["tests.support.fixtures", "tests.changed.plugin"]
be_patient()
# Tests start many a Python; with this set, each would compile its libraries again.
if os.environ.pop("PYTHONDONTWRITEBYTECODE", None):
    sys.dont_write_bytecode = False
# Many tests build a copy of the site; none of them has to draw its pictures again.
os.environ.setdefault("SOCIAL_CACHE", str(toolchain.CACHE / "social"))

pytest_collect_file = sybil.pytest_integration(*SYBILS)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update", action="store_true", help="rewrite expected texts (facts on pages, transcripts)")


def pytest_configure(config: pytest.Config) -> None:
    """Give the run a folder of its own for temporary files, and leave nothing of it behind."""
    if not hasattr(config, "workerinput"):
        config.add_cleanup(Scratch().clear)


def pytest_sessionstart(session: pytest.Session) -> None:
    """Install what a fresh machine lacks before any test runs, where its messages can be seen."""
    config = session.config
    if hasattr(config, "workerinput") or config.option.collectonly:
        return
    with config.pluginmanager.getplugin("capturemanager").global_and_fixture_disabled():
        try:
            toolchain.install()
            browser.find()
        except toolchain.ToolchainError as error:
            pytest.exit(str(error), returncode=3)
