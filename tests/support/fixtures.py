"""Fixtures that own a resource and nothing else."""

from collections.abc import Iterator
from typing import Any

import pytest
from bs4 import BeautifulSoup
from playwright.sync_api import Browser

from runtime.browser import Visit, chromium
from runtime.postgres import limit, shop
from runtime.site import Site, build, serve
from runtime.workers import Runtime
from tests.support.scripts import Scripts


@pytest.fixture(scope="session")
def runtime() -> Iterator[Runtime]:
    """The Node process that runs examples, one for the whole test run."""
    with Runtime() as started:
        yield started


@pytest.fixture(scope="session")
def scripts() -> Iterator[Scripts]:
    """The scripts that the browser loads, to be asked without one."""
    with Scripts() as started:
        yield started


@pytest.fixture(scope="module")
def postgres() -> Iterator[Any]:
    """A real PostgreSQL that holds the shop of hyperdrive-database, with limits that no busy machine meets."""
    with shop() as server:
        limit(server, *["2min"] * 3)
        yield server


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The site, built strictly and served."""
    folder = tmp_path_factory.mktemp("site")
    with serve(folder) as url:
        done = build(folder, SITE_URL=url)
        assert done.returncode == 0, done.stderr
        yield Site(folder, url)


@pytest.fixture(scope="session")
def soups(site: Site) -> dict[str, BeautifulSoup]:
    """Each page of the site by its address, parsed once for all tests that read them; none of them changes one."""
    return {p: BeautifulSoup((site.folder / p / "index.html").read_text("utf-8"), "html.parser") for p in site.pages()}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Headless Chromium."""
    with chromium() as started:
        yield started


@pytest.fixture
def visit(browser: Browser) -> Iterator[Visit]:
    """One reader's visit, with nothing kept from another."""
    with Visit(browser) as started:
        yield started
