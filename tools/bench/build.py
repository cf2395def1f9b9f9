"""How long a build takes, with our hooks and without them."""

import re
import resource
import shutil
import statistics
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from runtime import site

HOOK = "hooks: [hooks/site.py]"
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
    return without.replace("  custom_dir: overrides\n", "") + "\ndocs_dir: written\n"


@contextmanager
def project() -> Iterator[Path]:
    """Yield a copy of the project in which ``bare.yml`` builds the same pages as ``mkdocs.yml``."""
    with tempfile.TemporaryDirectory() as folder:
        root = site.copy_project(Path(folder) / "project")
        config = (root / "mkdocs.yml").read_text(encoding="utf-8")
        (root / "bare.yml").write_text(bare(config), encoding="utf-8")
        (root / "write_down.py").write_text(WRITE_DOWN, encoding="utf-8")
        (root / "written.yml").write_text(
            config.replace(HOOK, "hooks: [hooks/site.py, write_down.py]"), encoding="utf-8"
        )
        seconds(root, "written.yml")
        shutil.copytree(
            root / "docs" / "assets", root / "written" / "assets", ignore=shutil.ignore_patterns("diagrams")
        )
        yield root


def seconds(root: Path, config: str) -> float:
    """Build once and return the seconds of processor time it took, start included: less than the clock depends on other work.

    Raises:
        RuntimeError: the build failed.
    """
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = site.mkdocs(root / f"site-{Path(config).stem}", root, "-f", config)
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def measure(runs: int) -> dict[str, float]:
    """Return the median processor seconds of builds, taken by turns so that both meet the same machine."""
    with project() as root:
        pairs = [(seconds(root, "bare.yml"), seconds(root, "mkdocs.yml")) for _ in range(runs)]
    without, ours = (statistics.median(column) for column in zip(*pairs, strict=True))
    return {"bare_s": round(without, 2), "ours_s": round(ours, 2), "ratio": round(ours / without, 2)}
