"""Begin a pattern with one command:  uv run python -m tools.new pattern my-pattern

Everything is prepared first: a wrong name, a place that is missing or a drawing that fails leaves the repository as it was.
"""

import argparse
import datetime
import json
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from contextlib import suppress
from pathlib import Path

from model.diagrams import DRAWN, fences, key
from model.examples import versions
from model.files import parse_yaml, read_yaml
from model.patterns import patterns
from model.transcripts.commands import fingerprint
from runtime import toolchain
from tools.diagrams.__main__ import Drawer
from tools.new.entries import ENTRIES, NewError, insert, record
from tools.new.template import Tokens, files

ROOT = toolchain.ROOT
SLUG = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*")
TITLE = re.compile(r"[A-Z][A-Za-z0-9-]*(?: [A-Za-z0-9-]+)*")
MOST_CHARACTERS = 40
RECORDED = "docs/data/live/recorded.json"
LOCK = "package-lock.json"


def checked(slug: str, title: str) -> Tokens:
    """Return what stands for the tokens of the template.

    Raises:
        NewError: the slug or the title cannot be used.
    """
    title = title or slug.replace("-", " ").capitalize()
    for name, given, rule, words in (
        ("slug", slug, SLUG, "lower-case words of letters and digits, joined by dashes, such as webhook-intake"),
        ("title", title, TITLE, "letters, digits, dashes and single spaces, with a capital first"),
    ):
        if not rule.fullmatch(given) or len(given) > MOST_CHARACTERS or parse_yaml(given, name) != given:
            raise NewError(f"{given!r} is no {name}: take {words}, at most {MOST_CHARACTERS} characters")
    known = patterns()
    if slug in (p.slug for p in known):
        raise NewError(f"there is a pattern {slug!r} already")
    if alike := [p.slug for p in known if f"{p.slug}-".startswith(f"{slug}-") or f"{slug}-".startswith(f"{p.slug}-")]:
        raise NewError(f"{slug!r} and {alike[0]!r} begin alike, and the tests of one would count as the other's")
    if title in read_yaml(ROOT / "docs" / "data" / "decide.yml")["order"].values():
        raise NewError(f"there is a pattern with the title {title!r} already: give another one with --title")
    packages = json.loads((ROOT / LOCK).read_text(encoding="utf-8"))["packages"]
    if f"node_modules/{slug}" in packages:
        raise NewError(f"{slug!r} is the name of an npm package in {LOCK}")
    config = tomllib.loads((ROOT / "snippets" / "global-api-kv" / "wrangler.toml").read_text(encoding="utf-8"))
    return {
        "slug": slug,
        "module": slug.replace("-", "_"),
        "title": title,
        "words": title.lower(),
        "number": str(max(p.place[0] for p in known) + 1),
        "date": config["compatibility_date"],
        "wrangler": versions()[0],
    }


def locked(package: str, text: str) -> str:
    """Return the lock with one more workspace, as npm writes it, without asking the network.

    Args:
        package: the path of the workspace's ``package.json``.
        text: what stands in it.
    """
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        manifests = [ROOT / "package.json", ROOT / LOCK]
        manifests += [p for kind in ("snippets", "experiments") for p in ROOT.glob(f"{kind}/*/package.json")]
        for path in manifests:
            copy = folder / path.relative_to(ROOT)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, copy)
        (folder / package).parent.mkdir()
        (folder / package).write_text(text, encoding="utf-8")
        done = subprocess.run(
            [toolchain.node(), toolchain.npm(), *toolchain.LOCK, "--offline", "--no-audit", "--no-fund"],
            cwd=folder,
            env=toolchain.node_env(),
            capture_output=True,
            encoding="utf-8",
            check=False,
        )
        if done.returncode:
            raise NewError(f"npm cannot bring {LOCK} up to date: {done.stderr.strip()}")
        return (folder / LOCK).read_text(encoding="utf-8")


def drawn(page: str) -> dict[str, str]:
    """Return the drawing of each diagram on a page: path to SVG."""
    folder = DRAWN.relative_to(ROOT).as_posix()
    with Drawer() as drawer:
        return {f"{folder}/{key(source)}.svg": drawer.draw(source) for _, source in fences(page)}


def prepared(tokens: Tokens, day: datetime.date) -> dict[str, str]:
    """Return everything that is to be written: path in the repository to text.

    Raises:
        NewError: a file exists already, or one that must exist lacks the place for its entry.
    """
    made = files(tokens)
    if there := [path for path in made if (ROOT / path).exists()]:
        raise NewError(f"{there[0]} exists already")
    for entry in ENTRIES:
        made[entry.path] = insert((ROOT / entry.path).read_text(encoding="utf-8"), entry, tokens)
    place, package = f"docs/patterns/{tokens['slug']}.md", f"snippets/{tokens['slug']}/package.json"
    sha = fingerprint(made[place], place, tokens["slug"])
    made[RECORDED] = record((ROOT / RECORDED).read_text(encoding="utf-8"), place, sha, versions()[1], day)
    made[LOCK] = locked(package, made[package])
    return made | drawn(made[place])


def write(root: Path, made: dict[str, str]) -> None:
    """Write all files below a folder, or, when one of them cannot be written, none."""
    before = {root / path: (root / path).read_bytes() if (root / path).is_file() else None for path in made}
    folders = {folder for path in before for folder in path.parents if not folder.exists()}
    try:
        for path, text in made.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(text, encoding="utf-8", newline="\n")
    except BaseException:
        for path, old in before.items():
            with suppress(OSError):
                path.unlink() if old is None else path.write_bytes(old)
        for folder in sorted(folders, reverse=True):
            with suppress(OSError):
                folder.rmdir()
        raise


def main(given: list[str]) -> int:
    """Run the command and return the process's exit code."""
    parser = argparse.ArgumentParser(prog="python -m tools.new", description=__doc__.split("\n")[0])
    command = parser.add_subparsers(required=True).add_parser("pattern", help="begin a pattern")
    command.add_argument("slug", help="names page, example and test, such as webhook-intake")
    command.add_argument(
        "--title", default="", help="its short name, such as 'Webhook intake' (default: from the slug)"
    )
    options = parser.parse_args(given)
    try:
        tokens = checked(options.slug, options.title)
        made = prepared(tokens, datetime.date.today())
        write(ROOT, made)
    except (NewError, OSError, ValueError, toolchain.ToolchainError) as error:
        print(f"{error}. Nothing was written.", file=sys.stderr)
        return 1
    print("\n".join(made))
    print(
        "\nThe draft builds, and its tests pass:\n"
        f"  uv run pytest docs/patterns/{tokens['slug']}.md tests/snippets/test_{tokens['module']}.py\n"
        f"  uv run pytest -k {tokens['slug']}\n"
        "Replace each text that begins with 'Draft:', then remove the line 'draft:' from the page."
    )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
