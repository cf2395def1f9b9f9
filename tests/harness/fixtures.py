"""Fixtures that own a resource and nothing else."""

from collections.abc import Iterator

import pytest

from tests.harness.workers import Runtime


@pytest.fixture(scope="session")
def runtime() -> Iterator[Runtime]:
    """The Node process that runs examples, one for the whole test run."""
    with Runtime() as started:
        yield started
