"""Say what a branch changes for a reader: pages, diagrams, facts, weight, warnings.

    uv run python -m tools.report [BASE]

Builds the point where the branch left BASE (``main`` if none is given) and the files as they are now, and writes
``report/index.html`` with pictures, ``report/report.json``, and Markdown to standard output.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from model.files import GuideError
from runtime import toolchain
from runtime.site import mkdocs
from tools.report import pictures as report_pictures
from tools.report.compare import Build, compare, diagrams
from tools.report.data import Report, from_json, to_json
from tools.report.markdown import markdown
from tools.report.page import page


def git(root: Path, *arguments: str | Path) -> str:
    done = subprocess.run(["git", *arguments], cwd=root, capture_output=True, encoding="utf-8", check=False)
    if done.returncode:
        raise GuideError(done.stderr.strip())
    return done.stdout.strip()


def left(root: Path, base: str) -> str:
    """Return the commit at which the branch left ``base``."""
    if not (root / ".git").exists():
        raise GuideError(
            "This folder has no history. A report compares commits: get the guide with `git clone`, not as a zip."
        )
    for name in (base, f"origin/{base}"):
        try:
            commit = git(root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
        except GuideError:
            continue
        return git(root, "merge-base", commit, "HEAD")
    raise GuideError(f"git knows no commit {base!r}; name a branch or a commit to compare with")


@contextmanager
def checkout(root: Path, commit: str) -> Iterator[Path]:
    """Put a commit's files into a temporary folder; nothing of the working tree changes."""
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder) / "base"
        git(root, "worktree", "add", "--quiet", "--detach", tree, commit)
        try:
            yield tree
        finally:
            git(root, "worktree", "remove", "--force", tree)


def warnings(root: Path, site: Path, what: str) -> list[str]:
    """Build a side and return its warnings."""
    done = mkdocs(site, root, SITE_URL="")  # the host decides where a preview stands, so its links are relative
    if done.returncode:
        raise GuideError(f"{what} does not build:\n{done.stderr.strip()}")
    return [
        line.partition("-")[2].strip() for line in done.stderr.splitlines() if line.startswith(("WARNING", "ERROR"))
    ]


def report(root: Path, base: str, target: Path) -> Report:
    """Build both sides, compare them, and write the report into ``target``."""
    commit = left(root, base)
    if target.exists() and not (target / "report.json").exists() and any(target.iterdir()):
        raise GuideError(f"{target} holds other files; name an empty folder")
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    with checkout(root, commit) as before:
        sites, names = [target.resolve() / side for side in ("base", "head")], (f"the base {commit[:12]}", "the branch")
        with ThreadPoolExecutor() as pool:
            old, new = pool.map(warnings, (before, root), sites, names)
        one, two = Build(target / "base", before / "docs"), Build(target / "head", root / "docs")
        drawn = report_pictures.take(one, two, diagrams(one, two), target / "pictures")
        # A stranger may have written the branch, so what its build says is checked like any stranger's report.
        found = from_json(to_json(compare(one, two, commit, drawn, [line for line in new if line not in old])).encode())
    (target / "report.json").write_text(to_json(found), encoding="utf-8")
    (target / "index.html").write_text(page(found, one, two, target / "pictures"), encoding="utf-8")
    return found


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="tools.report", description=__doc__.split("\n")[0])
    parser.add_argument("base", nargs="?", default="main", metavar="BASE", help="what to compare with (default: main)")
    parser.add_argument(
        "--output", type=Path, default=toolchain.ROOT / "report", metavar="FOLDER", help="default: report"
    )
    options = parser.parse_args(arguments)
    found = report(toolchain.ROOT, options.base, options.output)
    folder = os.path.relpath(options.output)
    print(
        markdown(
            found,
            lambda address: f"{folder}/head/{address}index.html",
            lambda address: f"{folder}/base/{address}index.html",
            lambda name: f"{folder}/pictures/{name}.png",
        )
    )
    print(f"Open {folder}/index.html", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
