"""Options and fixtures shared by the tests and by the documents, and Sybil over the documents."""

import pytest
from sybil.integration import pytest as sybil

from tests.documents.runner import SYBILS

pytest_plugins = ["tests.harness.fixtures"]

pytest_collect_file = sybil.pytest_integration(*SYBILS)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update", action="store_true", help="rewrite expected texts (facts on pages, transcripts)")
