"""Data is text: whatever stands in it, no reader's browser takes it for markup."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from bs4 import BeautifulSoup

from hooks.publish.headers import inline
from runtime.site import build, copy_project

HOSTILE = """ <b class="hostile">x</b><img src="hostile"> " class="hostile" '"""
# Words that other data, code or a page must find as they are: hostile, they would be unknown and not markup.
NAMES = set(
    "id meter product plan free price included rounds counts quantity source url unit value find missing total cost page old new "
    "free_max side path steps code header method status sha workerd as_of patterns strong fits evidence confidence answers".split()
)
EXEMPT = {"formerly", "short", "term", "also"}  # split, or searched for in the pages


def spoiled(value: Any, names: set[str], key: str = "") -> Any:
    """Return data with a hostile end to each text that a reader sees."""
    if isinstance(value, dict):
        return {k: spoiled(of, names, str(k)) for k, of in value.items()}
    if isinstance(value, list):
        return [spoiled(of, names, key) for of in value]
    if not isinstance(value, str) or key in names:
        return value
    head, stop = (value[:-1], ".") if value.endswith(".") else (value, "")
    return f"{head}{HOSTILE}{stop}"


KINDS = [
    "glossary.yml",
    "products.yml",
    "decide.yml",
    "own-numbers.yml",
    "search.yml",
    "facts/*.yml",
    "costs/meters.yml",
    "costs/vendor-examples.yml",
    "costs/patterns/*.yml",
    "live/*.*",
    "experiments/*.json",
]


def files(root: Path) -> Iterator[tuple[Path, Any]]:
    for kind in KINDS:
        found = sorted((root / "docs" / "data").glob(kind))
        assert found, f"no data of the kind {kind}; mend this test"
        for path in found:
            yield path, yaml.safe_load(path.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built from data in which every text is hostile."""
    folder = tmp_path_factory.mktemp("hostile")
    root = copy_project(folder / "project")
    for path, data in files(root):
        if path.name == "products.yml":  # the pages still find a product, by its short name
            for entry in data.values():
                entry.setdefault("short", entry["name"].removeprefix("Cloudflare "))
        # The text of a fact stands in other data too, which must say the same.
        names = NAMES | EXEMPT | ({"text"} if path.parent.name == "facts" else set())
        text = json.dumps(spoiled(data, names), ensure_ascii=False, default=str)
        # A date is written as one again; JSON is YAML too.
        path.write_text(re.sub(r'("as_of": )"(\d{4}-\d\d-\d\d)"', r"\1\2", text), encoding="utf-8")
    done = build(folder / "site", root)
    assert "Traceback" not in done.stderr and not re.search(r"^ERROR", done.stderr, re.M), done.stderr[-3000:]
    return folder / "site"


def test_no_text_of_data_becomes_markup(hostile: Path):
    seen = 0
    for path in sorted(hostile.rglob("index.html")):
        html = path.read_text(encoding="utf-8")
        soup = BeautifulSoup(html, "html.parser")
        assert not soup.select(".hostile, [src='hostile']"), path.relative_to(hostile)
        seen += html.count("hostile")
    assert seen > 3_000, "the texts are on the pages, escaped"


def test_no_text_of_data_becomes_a_script_that_may_run(hostile: Path):
    pages = {text for path in hostile.rglob("*.html") for text in inline(path.read_text(encoding="utf-8"))}
    assert not [text for text in pages if "hostile" in text]
    assert "hostile" not in (hostile / "_headers").read_text(encoding="utf-8")
