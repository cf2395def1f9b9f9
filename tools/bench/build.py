"""How long a build takes, with our hooks and without them, also of a guide that has grown to a thousand pages."""

import os
import re
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from model.files import ROOT
from runtime.site import copy_project

MODEL = "docs/guide/quick-start.md"
GROUP = 10
HOOK = "hooks: [hooks/site.py]"
PARTS_OF = 10


def copy_of(text: str, number: int) -> str:
    """Return a real page's Markdown as a page of its own: no pattern, its links seen from another folder."""
    body = re.sub(r"\A---\n.*?\n---\n", "", text, flags=re.S).replace("<!-- costs -->", "")
    body = re.sub(r"\]\((?!https?:|#|fact:|example:|\.\./)([\w-]+\.md)", r"](../guide/\1", body)
    return f"---\ntitle: Copy {number}\ndescription: Copy {number} of a page.\n---\n{body}"


# The last hook of a build writes every page's Markdown down, so that the bare build gets the same pages: generated ones too.
WRITE_DOWN = """
from pathlib import Path
from mkdocs.plugins import event_priority

@event_priority(-1000)
def on_page_markdown(markdown, page, config, files):
    path = Path(config.config_file_path).parent / "written" / page.file.src_uri
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"---\\ntitle: {page.meta.get('title', '')!r}\\n---\\n{markdown}", encoding="utf-8")
"""


def bare(config: str) -> str:
    """Return the configuration without our hooks, theme files and plugins: Material as it comes, with its own search."""
    without = config.replace(f"{HOOK}\n", "")
    without = re.sub(r"^plugins:\n(?: .*\n)+", "plugins: [search]\n", without, flags=re.M)
    without = re.sub(r"^not_in_nav:.*\n", "", without, flags=re.M)
    return without.replace("  custom_dir: overrides\n", "") + "docs_dir: written\n"


def grown(config: str, pages: int) -> str:
    """Return the configuration with that many copies in its navigation, as a guide of this size would have them: in parts of parts."""
    lines = ["  - Copies:\n"] if pages else []
    for n in range(1, pages + 1):
        if n % (GROUP * PARTS_OF) == 1:
            lines.append(f"      - Part {n}:\n")
        if n % GROUP == 1:
            lines.append(f"          - Chapter {n}:\n")
        lines.append(f"              - Copy {n}: copies/copy-{n}.md\n")
    return config.rstrip("\n") + "\n" + "".join(lines)


@contextmanager
def project(pages: int = 0) -> Iterator[Path]:
    """A copy of the project that is ours to change, with that many pages more."""
    with tempfile.TemporaryDirectory() as folder:
        root = copy_project(Path(folder) / "project")
        text = (ROOT / MODEL).read_text(encoding="utf-8")
        (root / "docs" / "copies").mkdir()
        for number in range(1, pages + 1):
            (root / "docs" / "copies" / f"copy-{number}.md").write_text(copy_of(text, number), encoding="utf-8")
        config = grown((root / "mkdocs.yml").read_text(encoding="utf-8"), pages)
        (root / "mkdocs.yml").write_text(config, encoding="utf-8")
        (root / "bare.yml").write_text(bare(config), encoding="utf-8")
        (root / "write_down.py").write_text(WRITE_DOWN, encoding="utf-8")
        (root / "written.yml").write_text(
            config.replace(HOOK, "hooks: [hooks/site.py, write_down.py]"), encoding="utf-8"
        )
        build(root, "written.yml")
        shutil.copytree(
            root / "docs" / "assets", root / "written" / "assets", ignore=shutil.ignore_patterns("diagrams")
        )
        yield root


def build(root: Path, config: str) -> float:
    """Build once and return the seconds of processor time it took, start included: less than the clock depends on other work.

    Raises:
        RuntimeError: the build failed.
    """
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "-q", "-f", config, "-d", f"site-{Path(config).stem}"],
        cwd=root,
        capture_output=True,
        encoding="utf-8",
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        check=False,
    )
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def ratio(root: Path, runs: int) -> tuple[float, float]:
    """Return the median processor seconds of a build ``(without hooks, with hooks)``, taken by turns so that both meet the same machine."""
    pairs = [(build(root, "bare.yml"), build(root, "mkdocs.yml")) for _ in range(runs)]
    return statistics.median(p[0] for p in pairs), statistics.median(p[1] for p in pairs)


def measure(sizes: tuple[int, ...], runs: int) -> list[dict[str, float]]:
    """Return a row for the site as it is, then one for each number of added pages."""
    rows = []
    for added in (0, *sizes):
        with project(added) as root:
            without, ours = ratio(root, runs if added < 300 else 1)
            site = root / "site-mkdocs"
            written = list((site / "copies").glob("*/index.html"))
            rows.append(
                {
                    "added": added,
                    "pages": len(list(site.rglob("index.html"))),
                    "bare_s": round(without, 2),
                    "ours_s": round(ours, 2),
                    "ratio": round(ours / without, 2),
                    "page_kb": round(max((p.stat().st_size for p in written), default=0) / 1000, 1),
                }
            )
            print(f"[bench] {rows[-1]}", file=sys.stderr, flush=True)
    base = rows[0]
    for row in rows[1:]:
        row["ms_per_page"] = round((row["ours_s"] - base["ours_s"]) / row["added"] * 1000, 1)
    return rows
