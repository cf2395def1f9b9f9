"""Every diagram is found, and a draft is drawn in the browser only while serving."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from hooks.page.figures import figure, sizes, taken_out, widths
from model.diagrams import fences, key
from runtime import toolchain
from runtime.browser import Visit
from runtime.site import copy_project
from runtime.sites import free_port
from tests.support.pages import every_page
from tests.support.sheets import sheet

SVG = '<svg viewBox="0 0 400 100" width="400" height="100"><title id="DIAGRAM-title">A &amp; B</title></svg>'
DRAFT = "\n```mermaid\nflowchart LR\n    accTitle: Draft\n    accDescr: A draft.\n    Q1[Draft box] --> Q2[Other box]\n```\n"


def test_a_fence_is_found_with_its_line_also_when_indented():
    text = "# A\n\n```mermaid\nflowchart LR\n```\n\n- item\n\n    ```mermaid\n    graph TD\n      a-->b\n    ```\n"
    assert fences(text) == [(3, "flowchart LR\n"), (9, "graph TD\n  a-->b\n")]


def test_every_mermaid_fence_of_the_site_is_found():
    assert sum(len(fences(p.text)) for p in every_page()) == sum(p.text.count("```mermaid") for p in every_page()) > 16
    assert fences("```mermaidish\nx\n```\n") == []


def test_blank_space_around_a_source_does_not_ask_for_a_new_drawing():
    assert key("\nflowchart LR\n\n") == key("flowchart LR")
    assert key("flowchart LR") != key("flowchart TB")


def test_a_drawing_may_shrink_to_three_quarters_and_never_grows():
    assert sizes([400, 333, 400]).splitlines() == [
        ':where(.diagram) svg[width="333"]{max-width:333px;min-width:250px}',
        ':where(.diagram) svg[width="400"]{max-width:400px;min-width:300px}',
    ]
    assert len(widths()) >= 17


def test_two_figures_on_a_page_share_no_id():
    one, two = figure(SVG, "a", 1), figure(SVG, "b", 2)
    assert 'id="diagram-1-title"' in one and 'id="diagram-2-title"' in two
    assert "DIAGRAM" not in one + two
    assert 'aria-label="Diagram: A &amp; B"' in one


def test_a_diagram_that_mermaid_cannot_read_is_broken_and_not_only_a_draft(caplog: pytest.LogCaptureFixture):
    toolchain.install()
    broken = "a\n\n```mermaid\nflowchart LR\n    A ->> B\n```\n"
    taken_out(sheet(broken))
    assert re.search(
        r"docs/guide/x\.md:6: Mermaid cannot read this diagram: Parse error on line 2\. Correct it\.", caplog.text
    )
    caplog.clear()
    taken_out(sheet(f"a\n{DRAFT}"))
    assert "docs/guide/x.md:6: this diagram is not drawn yet. Run `uv run python -m tools.diagrams`" in caplog.text


def test_mkdocs_serve_draws_a_draft_with_the_local_mermaid(tmp_path: Path, browser: Browser):
    toolchain.install()
    project = copy_project(tmp_path / "project")
    with (project / "docs" / "guide" / "decide.md").open("a") as page:
        page.write(DRAFT)
    (project / "node_modules").symlink_to(toolchain.NODE_MODULES)
    port = free_port()
    command = [sys.executable, "-m", "mkdocs", "serve", "--dev-addr", f"127.0.0.1:{port}"]
    with subprocess.Popen(command, cwd=project, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as server:
        try:
            for line in server.stdout:
                if "Serving on" in line:
                    break
            with Visit(browser) as visit:
                visit.page.goto(f"http://127.0.0.1:{port}/guide/decide/")
                visit.page.locator("div.mermaid svg", has_text="Draft box").wait_for()
                assert all(f"127.0.0.1:{port}" in u or u.startswith("data:") for u in visit.requests)
                visit.requests.clear()
                visit.page.goto(f"http://127.0.0.1:{port}/patterns/global-api-kv/")
                assert not [u for u in visit.requests if "mermaid" in u]
        finally:
            server.terminate()
            server.stdout.read()
