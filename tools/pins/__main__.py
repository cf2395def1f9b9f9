"""Try newer versions of all packages (Python, npm, actions), run the tests, and report what broke:  uv run python -m tools.pins

All of it happens in a copy. First everything newer is tried together; where tests fail, each package is tried alone with just
these tests, so that the report names who broke them. ``--write`` takes over what broke nothing.
"""

import argparse
import datetime
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from model.files import ROOT
from runtime import toolchain
from tools.pins.pins import Pin, newest_tag, pins, take

FAILED = re.compile(r"^(?:FAILED|ERROR) (\S+)", re.M)
NEWER = re.compile(r'exclude-newer = "[^"]+"')
Run = Callable[[list[str], Path], subprocess.CompletedProcess[str]]


@dataclass(frozen=True)
class Update:
    """A newer version of a package; ``commit`` is that of an action's release."""

    pin: Pin
    version: str
    commit: str = ""


def run(command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, encoding="utf-8", check=False)


def newest(pin: Pin, run: Run = run) -> Update | None:
    """Return the newest version of a package, None where it is the pinned one.

    Raises:
        LookupError: nobody could tell, for example without a network.
    """
    if pin.kind == "action":
        done = run(["git", "ls-remote", "--tags", f"https://github.com/{pin.name}"], ROOT)
        found = newest_tag(done.stdout)
        version, commit = found or ("", "")
    elif pin.kind == "npm":
        done = run([str(toolchain.node()), str(toolchain.npm()), "view", pin.name, "version", "--json"], ROOT)
        version, commit = (json.loads(done.stdout) if done.returncode == 0 else ""), ""
    else:
        command = ["uv", "pip", "install", "--dry-run", "--no-deps", "--upgrade", "--no-config", pin.name]
        done = run(command, ROOT)
        said = re.search(rf"^ \+ {re.escape(pin.name)}==(\S+)", done.stderr, re.M | re.I)
        version, commit = (said[1] if said else pin.version if done.returncode == 0 else ""), ""
    if not version:
        raise LookupError((done.stderr or "no release was found").strip().splitlines()[-1][:200])
    return Update(pin, version, commit) if version != pin.version else None


def tested(folder: Path, selected: Iterable[str] = (), run: Run = run) -> list[str] | None:
    """Run the tests of a copy and return those that fail; None when they did not even start."""
    locked = run(["uv", "run", "npm", *toolchain.LOCK], folder)
    done = run(["uv", "run", "pytest", "-q", *selected], folder)
    failed = FAILED.findall(done.stdout)
    return failed if locked.returncode == 0 and (failed or done.returncode == 0) else None


def changed(folder: Path, updates: Iterable[Update]) -> None:
    """Put newer versions into a copy, and let its resolution see packages of today."""
    for update in updates:
        take(folder, update.pin, update.version, update.commit)
    path = folder / "pyproject.toml"
    today = f'exclude-newer = "{datetime.date.today().isoformat()}T00:00:00Z"'
    path.write_text(NEWER.sub(today, path.read_text(encoding="utf-8")), encoding="utf-8")


def tried(updates: list[Update], run: Run = run) -> dict[Update, list[str] | None]:
    """Return for each newer version the tests that fail with it; empty for one that breaks nothing."""
    with tempfile.TemporaryDirectory() as folder:

        def with_these(some: list[Update], selected: Iterable[str] = ()) -> list[str] | None:
            copy = Path(folder) / f"copy-{len(list(Path(folder).iterdir()))}"
            run(["git", "clone", "--quiet", str(ROOT), str(copy)], ROOT)
            changed(copy, some)
            return tested(copy, selected, run)

        together = with_these(updates)
        if not together and together is not None:
            return {update: [] for update in updates}
        return {update: with_these([update], together or ()) for update in updates}


def report(results: dict[Update, list[str] | None], unclear: dict[Pin, str]) -> str:
    """Return what was found, as Markdown."""
    lines = ["| Package | From | To | Result |", "|---|---|---|---|"]
    for update, failed in results.items():
        words = "does not install" if failed is None else ", ".join(f"breaks `{f}`" for f in failed) or "all tests pass"
        lines.append(f"| {update.pin.name} ({update.pin.kind}) | {update.pin.version} | {update.version} | {words} |")
    lines += [f"| {pin.name} ({pin.kind}) | {pin.version} | could not tell | {why} |" for pin, why in unclear.items()]
    return "\n".join(lines) + "\n" if len(lines) > 2 else "Every package is the newest.\n"


def main(given: list[str] | None = None, run: Run = run) -> int:
    """Run the command; return 1 when a newer version breaks a test."""
    parser = argparse.ArgumentParser(prog="python -m tools.pins", description=__doc__)
    parser.add_argument("--list", action="store_true", help="say what is newer, and test nothing")
    parser.add_argument("--write", action="store_true", help="take over every version that broke nothing")
    options = parser.parse_args(given)
    updates: list[Update] = []
    unclear: dict[Pin, str] = {}
    for pin in pins(ROOT):
        try:
            if update := newest(pin, run):
                updates.append(update)
        except LookupError as error:
            unclear[pin] = str(error)
    results = dict.fromkeys(updates) if options.list else tried(updates, run) if updates else {}
    if options.list:
        print("".join(f"{u.pin.kind} {u.pin.name}: {u.pin.version} to {u.version}\n" for u in updates), end="")
        print("".join(f"{pin.kind} {pin.name}: could not tell: {why}\n" for pin, why in unclear.items()), end="")
        return 0
    print(report(results, unclear), end="")
    fine = [update for update, failed in results.items() if failed == []]
    if options.write:
        changed(ROOT, fine)
        run(["uv", "run", "npm", *toolchain.LOCK], ROOT)
    return 0 if len(fine) == len(results) else 1


if __name__ == "__main__":
    sys.exit(main())
