"""Put the preview of a pull request online: the steps of ``.github/workflows/preview-deploy.yml``, which run on trusted code only.

uv run python -m tools.hosting.preview number PULLS.json --repository OWNER/NAME --branch main --commit SHA
uv run python -m tools.hosting.preview unpack ARCHIVE.zip --report report.json
uv run python -m tools.hosting.preview deploy NUMBER
uv run python -m tools.hosting.preview comment report.json --url https://… --commit SHA
uv run python -m tools.hosting.preview delete NUMBER
"""

import argparse
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from runtime import toolchain
from tools.hosting.archive import PICTURES, ArchiveError, unpack
from tools.report.data import COMMIT, ReportError, from_json, to_json
from tools.report.markdown import Link, markdown

CONFIG = toolchain.ROOT / "hosting" / "preview.toml"
SITE = toolchain.ROOT / "site"
MARKER = "<!-- preview of this pull request -->"
URL = re.compile(r"https://[a-z0-9-]+(?:\.[a-z0-9-]+)+/?")
COMMENT_CHARACTERS = 65_000


class PreviewError(Exception):
    """The preview cannot be made; the message says why."""


def number(pulls: Any, repository: str, branch: str, commit: str) -> int | None:
    """Return the number of the one open pull request whose newest commit this is; none where it has moved on or was closed.

    The artifact holds no number. A stranger could write any other there, and so write into any other pull request.

    Args:
        pulls: what the API answers about the branch that was built.
        repository: the base, ``owner/name``.
        branch: the branch that it is to be merged into.
        commit: what was built.

    Raises:
        PreviewError: the answer is not one of the API, or names several.
    """
    try:
        found = [
            pull["number"]
            for pull in pulls
            if pull["state"] == "open"
            and pull["head"]["sha"] == commit
            and pull["base"]["repo"]["full_name"] == repository
            and pull["base"]["ref"] == branch
        ]
    except (KeyError, TypeError) as error:
        raise PreviewError("this is no list of pull requests") from error
    if len(found) > 1 or not all(type(n) is int and n > 0 for n in found):
        raise PreviewError(f"{len(found)} pull requests have this commit; one may")
    return found[0] if found else None


def wrangler(*arguments: str) -> str:
    """Run Wrangler with the previews' configuration and return its output.

    Raises:
        PreviewError: it failed.
    """
    done = toolchain.wrangler(*arguments, "--config", CONFIG, CI="1", stdout=subprocess.PIPE)
    if done.returncode:
        raise PreviewError(f"wrangler {arguments[0]} failed:\n{done.stdout.strip()}")
    return done.stdout


def deploy(pull: int) -> str:
    """Put the folder ``site/`` online as the preview of a pull request and return its address.

    Raises:
        PreviewError: Wrangler failed, or names no address.
    """
    output = wrangler("preview", "--name", f"pr-{pull}", "--json")
    try:
        url = json.loads(output[output.index("\n{") :])["preview"]["urls"][0]
    except (ValueError, KeyError, IndexError, TypeError) as error:
        raise PreviewError(f"Wrangler names no address:\n{output}") from error
    return checked(url)


def checked(url: Any) -> str:
    """Return the address of a host over https, with a slash at its end.

    Raises:
        PreviewError: it is something else.
    """
    if not isinstance(url, str) or not URL.fullmatch(url):
        raise PreviewError(f"this is no address of a site: {url!r}")
    return url.rstrip("/") + "/"


def comment(given: bytes, url: str, commit: str, current: str) -> str:
    """Return the comment for a pull request.

    Args:
        given: the report, in which nothing is trusted.
        url: where the preview stands.
        commit: what was built.
        current: where the guide stands, or nothing where it stands nowhere.

    Raises:
        ReportError: the report is not one.
        PreviewError: an address or the commit is not one.
    """
    report, preview = from_json(given), checked(url)
    guide = checked(current) if current else ""
    if not COMMIT.fullmatch(commit):
        raise PreviewError(f"this is no commit: {commit!r}")
    head = f"{MARKER}\n## [Preview]({preview}) of {commit[:12]}\n\n"
    note = "\n\nCompared with the branch it goes into. Weight: a first visit, compressed. Live examples are off in a preview.\n"
    at_current: Link | None = (lambda address: guide + address) if guide else None
    body = markdown(report, lambda a: preview + a, at_current, lambda name: f"{preview}{PICTURES}/{name}.png")
    if len(head + body + note) > COMMENT_CHARACTERS:
        counts = f"Pages: {len(report.pages)}. Diagrams: {len(report.diagrams)}. Facts: {len(report.facts)}."
        body = f"{counts} That is too much to list here."
    return head + body.strip() + note


def arguments(given: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="tools.hosting.preview", description=__doc__.split("\n")[0])
    commands = parser.add_subparsers(dest="command", required=True)
    find = commands.add_parser("number", help="find the pull request of a commit")
    find.add_argument("pulls", type=Path)
    for option in ("--repository", "--branch", "--commit"):
        find.add_argument(option, required=True)
    open_ = commands.add_parser("unpack", help="check and unpack what the build made")
    open_.add_argument("archive", type=Path)
    open_.add_argument("--report", type=Path, required=True)
    for name in ("deploy", "delete"):
        commands.add_parser(name).add_argument("number", type=int)
    write = commands.add_parser("comment", help="write the comment")
    write.add_argument("report", type=Path)
    write.add_argument("--url", required=True)
    write.add_argument("--commit", required=True)
    write.add_argument("--current", default="")
    return parser.parse_args(given)


def run(options: argparse.Namespace) -> str:
    """Do one step and return what it prints."""
    match options.command:
        case "number":
            found = number(json.loads(options.pulls.read_bytes()), options.repository, options.branch, options.commit)
            return "" if found is None else str(found)
        case "unpack":
            options.report.write_text(to_json(unpack(options.archive, SITE)), encoding="utf-8")
            return ""
        case "deploy":
            return deploy(options.number)
        case "delete":
            return wrangler("preview", "delete", "--name", f"pr-{options.number}", "--skip-confirmation").strip()
        case _:
            return comment(options.report.read_bytes(), options.url, options.commit, options.current)


def main(given: list[str]) -> int:
    try:
        print(run(arguments(given)))
    except (PreviewError, ArchiveError, ReportError, toolchain.ToolchainError, json.JSONDecodeError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
