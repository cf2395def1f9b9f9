"""A writer who builds only what changed gets the same page, and a search that knows it."""

import json
import os
import subprocess
import sys
from pathlib import Path

from hooks.build_speed import DATA, builds, measured, visits, waits

from hooks.page.search import NAME, parse
from runtime.site import SITE_DATE, build, copy_project
from tools.bench.__main__ import judge

PAGE = "patterns/proxy-website"
WORD = "Quagmirefold"


def dirty(target: Path, root: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--dirty", "--site-dir", target],
        cwd=root,
        capture_output=True,
        text=True,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1", "SITE_DATE": SITE_DATE},
        check=False,
    )


def test_a_dirty_build_makes_the_changed_page_as_a_full_one_does(tmp_path: Path):
    project = copy_project(tmp_path / "project")
    site, whole = tmp_path / "site", tmp_path / "whole"
    assert build(site, project).returncode == 0
    before = {p: p.stat().st_mtime_ns for p in site.rglob("patterns/*/index.html")}
    lists = {name: (site / name).read_bytes() for name in ("llms.txt", "llms-full.txt", "patterns.json", "changes.xml")}
    source = project / "docs" / f"{PAGE}.md"
    source.write_text(source.read_text() + f"\n{WORD} stands here.\n")
    os.utime(source)
    done = dirty(site, project)
    assert done.returncode == 0, done.stderr
    changed = {p for p in before if p.stat().st_mtime_ns != before[p]}
    assert changed == {site / PAGE / "index.html"}
    assert {name: (site / name).read_bytes() for name in lists} == lists
    assert build(whole, project).returncode == 0
    assert (site / PAGE / "index.html").read_bytes() == (whole / PAGE / "index.html").read_bytes()
    found = parse((site / NAME).read_text())
    assert found == parse((whole / NAME).read_text()) and WORD in json.dumps(found[f"{PAGE}/"])


def test_the_page_on_speed_shows_what_was_measured():
    data = json.loads(DATA.read_text())
    assert {row["added"] for row in data["build"]} == {0, 100, 300, 1000}
    text = "\n".join(make(data) for make in (builds, visits, waits, measured))
    for shown in (
        f"{data['build'][0]['ratio']:.2f}",
        data["date"],
        data["machine"],
        f"{data['visits'][0]['kb']:.0f} kB",
    ):
        assert shown in text


def test_the_benchmark_names_what_is_over_its_limit():
    good = {
        "build": [{"pages": 78, "ratio": 1.5}],
        "edit": {"full_s": 3, "dirty_s": 1},
        "second_page_ms": 99,
        "visits": [
            {
                "page": "home",
                "performance": 97,
                "accessibility": 100,
                "best-practices": 100,
                "seo": 100,
                "blocking_ms": 100,
                "shift": 0,
                "kb": 120,
            }
        ],
    }
    assert judge(good) == []
    worse = {
        "build": [{"pages": 78, "ratio": 1.51}],
        "edit": {"full_s": 3.1, "dirty_s": 1.1},
        "second_page_ms": 100,
        "visits": [
            {
                "page": "home",
                "performance": 96,
                "accessibility": 99,
                "best-practices": 99,
                "seo": 99,
                "blocking_ms": 101,
                "shift": 0.1,
                "kb": 121,
            }
        ],
    }
    assert len(judge(worse)) == 11
