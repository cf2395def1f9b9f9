"""Publish the guide of today as a dated edition on the branch ``editions``, with mike.

    SITE_URL=https://guide.example.com/ uv run python -m tools.hosting.editions publish        # brings the newest edition up to date
    SITE_URL=https://guide.example.com/ uv run python -m tools.hosting.editions publish --new  # begins an edition with today's date

Nothing is sent anywhere: push the branch, then deploy it with ``tools.hosting``.
"""

import argparse
import datetime
import subprocess
import sys
from pathlib import Path

from mike import commands, mkdocs_utils

from hooks.publish.edition import LATEST, PREVIOUS, VARIABLE
from model.files import GuideError
from tools.hosting import __main__ as host
from tools.hosting.__main__ import BRANCH


def git(root: Path, *arguments: str) -> str:
    """Run git and return what it prints.

    Raises:
        GuideError: git failed; the message is its own.
    """
    done = subprocess.run(["git", *arguments], cwd=root, capture_output=True, encoding="utf-8", check=False)
    if done.returncode:
        raise GuideError(done.stderr.strip())
    return done.stdout.strip()


def published(root: Path) -> list[dict[str, str]]:
    """Return date and commit of every edition, the newest first."""
    return [
        {"edition": str(v.version), "commit": (v.properties or {}).get("commit", "")}
        for v in commands.list_versions(BRANCH)
    ]


def lost(root: Path, site: Path) -> list[str]:
    """Return the addresses of the published latest edition that the new build has no page for."""
    if not git(root, "branch", "--list", BRANCH):
        return []
    files = git(root, "ls-tree", "-r", "--name-only", BRANCH, f"{LATEST}/").splitlines()
    pages = [f.removeprefix(f"{LATEST}/") for f in files if f.endswith("/index.html")]
    return [page.removesuffix("index.html") for page in pages if not (site / page).is_file()]


def publish(root: Path, new: bool, today: datetime.date) -> str:
    """Build the edition strictly, commit it to the branch and return its date.

    Raises:
        GuideError: files are not committed, the date is not the newest, or a page of the latest edition would be lost.
    """
    host.public_address()
    if git(root, "status", "--porcelain"):
        raise GuideError("Commit your changes first: an edition belongs to a commit.")
    known = published(root)
    edition = str(today) if new or not known else known[0]["edition"]
    if known and edition < known[0]["edition"]:
        raise GuideError(f"{edition} is older than the newest edition, {known[0]['edition']}.")
    earlier = [e for e in known if e["edition"] < edition and e["commit"]]
    site = root / ".cache" / "edition"
    host.build(site, root, **{VARIABLE: edition, PREVIOUS: " ".join(earlier[0].values()) if earlier else ""})
    if missing := lost(root, site):
        raise GuideError(
            f"The latest edition has pages that are gone: {', '.join(missing)}. Say in docs/data/moved.yml where they are now."
        )
    config = mkdocs_utils.load_config(str(root / "mkdocs.yml"), site_dir=str(site))
    with commands.deploy(
        config,
        edition,
        title=edition,
        aliases=[LATEST],
        update_aliases=True,
        alias_type=commands.AliasType.copy,
        branch=BRANCH,
        message=f"Edition of {edition}",
        allow_empty=True,
        set_props=[("commit", git(root, "rev-parse", "HEAD"))],
    ):
        pass
    return edition


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="tools.hosting.editions", description="Publish a dated edition on a branch.")
    parser.add_argument("command", choices=["publish"])
    parser.add_argument("--new", action="store_true", help="begin an edition with today's date")
    parser.add_argument(
        "--date", type=datetime.date.fromisoformat, default=datetime.date.today(), help="another day than today"
    )
    given = parser.parse_args(arguments)
    print(f"Edition of {publish(Path.cwd(), given.new, given.date)}, on the branch {BRANCH}.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
