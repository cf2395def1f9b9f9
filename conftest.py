"""Options and fixtures shared by the tests and by the documents."""

import pytest

pytest_plugins = ["tests.harness.fixtures"]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update", action="store_true", help="rewrite expected texts (facts on pages, transcripts)")
