"""Build the guide as it is hosted, look at it in workerd, and deploy it to Workers Static Assets.

    uv run python -m tools.hosting build
    uv run python -m tools.hosting serve
    SITE_URL=https://guide.example.com/ uv run python -m tools.hosting deploy

Where ``tools.hosting.editions`` has published editions, they are put together in one folder: each below its date, the newest also below
``latest/``. Any other static host takes the folder ``site/`` as it is.
"""

import argparse
import html
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Mapping
from pathlib import Path

from hooks.publish import headers
from hooks.publish.edition import LATEST
from model.address import check
from model.files import GuideError
from model.markdown import relative
from runtime import toolchain
from runtime.site import mkdocs

ROOT = toolchain.ROOT
SITE = ROOT / "site"
CONFIG = ROOT / "hosting" / "wrangler.toml"
BRANCH = "editions"
STATIC, DYNAMIC = 2000, 100  # facts assets-redirects-static and assets-redirects-dynamic
BANNER = '<div data-md-component="announce">'


def build(site: Path, root: Path = ROOT, *options: str, **environment: str) -> None:
    """Build the site of today strictly into a folder."""
    done = mkdocs(site, root, "--strict", *options, **environment)
    if done.returncode:
        raise GuideError(done.stderr.strip())


def editions_branch(root: Path = ROOT) -> str | None:
    """Return the branch that holds the editions, here or as last fetched; None when nothing was published yet."""
    for name in (BRANCH, f"origin/{BRANCH}") if shutil.which("git") else ():
        if (
            subprocess.run(
                ["git", "rev-parse", "--quiet", "--verify", name], cwd=root, capture_output=True, check=False
            ).returncode
            == 0
        ):
            return name
    return None


def gather(branch: str, site: Path, root: Path = ROOT) -> None:
    """Put all editions of a branch into a folder and finish it for hosting."""
    shutil.rmtree(site, ignore_errors=True)
    site.mkdir(parents=True)
    archive = subprocess.run(["git", "archive", branch], cwd=root, capture_output=True, check=True).stdout
    with tarfile.open(fileobj=io.BytesIO(archive)) as members:
        members.extractall(site, filter="data")
    finish(site)


def finish(site: Path) -> None:
    """Turn a folder of editions into a site: headers, redirects, the banner on older editions, and what stands at the root."""
    sitemap = site / LATEST / "sitemap.xml"
    found = sitemap.is_file() and re.search(rf"<loc>(.*?/){LATEST}/", sitemap.read_text(encoding="utf-8"))
    if not found:
        raise GuideError(f"{LATEST}/ has no sitemap of its pages. Publish the edition again, with SITE_URL.")
    address = found[1]
    editions = [entry["version"] for entry in json.loads((site / "versions.json").read_text(encoding="utf-8"))]
    moved = moves(site / LATEST)
    (site / headers.NAME).write_text(headers.text(merged(site, editions)), encoding="utf-8")
    (site / "_redirects").write_text(redirects(site, editions), encoding="utf-8")
    for edition in editions[1:]:
        for page in (site / edition).rglob("*.html"):
            text = page.read_text(encoding="utf-8")
            path = page.relative_to(site / edition).as_posix().removesuffix("index.html")
            page.write_text(text.replace(BANNER, BANNER + banner(site, edition, path, moved), 1), encoding="utf-8")
    # One page for a wrong address, of the latest edition: its scripts are in the policy of every edition.
    (site / LATEST / "404.html").replace(site / "404.html")
    for edition in editions:
        (site / edition / "404.html").unlink()
    for part in (*editions, LATEST):
        for name in (headers.NAME, "_redirects"):
            (site / part / name).unlink()
    (site / "index.html").write_text(
        _page("The guide", f'<meta http-equiv="refresh" content="0; url={LATEST}/">', {f"{LATEST}/": "The guide"}),
        encoding="utf-8",
    )
    (site / "editions").mkdir()
    names = {f"../{LATEST}/": f"{editions[0]} (latest)", **{f"../{edition}/": edition for edition in editions[1:]}}
    (site / "editions" / "index.html").write_text(_page("Editions", "", names), encoding="utf-8")
    (site / "robots.txt").write_text(f"Sitemap: {address}{LATEST}/sitemap.xml\n", encoding="utf-8")


def _page(title: str, head: str, links: Mapping[str, str]) -> str:
    items = "".join(
        f'<li><a href="{html.escape(address)}">{html.escape(name)}</a></li>' for address, name in links.items()
    )
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">'
        f'<meta name="robots" content="noindex"><title>{title}</title>{head}</head><body><h1>{title}</h1><ul>{items}</ul></body></html>\n'
    )


def moves(edition: Path) -> dict[str, str]:
    """Return old address to new address of an edition, from the redirects that it was built with."""
    lines = [line.split() for line in (edition / "_redirects").read_text(encoding="utf-8").splitlines()]
    return {old.removeprefix("/"): new.removeprefix("/") for old, new, _ in lines}


def banner(site: Path, edition: str, path: str, moved: Mapping[str, str]) -> str:
    """Return the banner of a page of an older edition: its date, and where the latest edition answers the same.

    Args:
        site: the folder of all editions.
        edition: the page's edition.
        path: the page's address in it.
        moved: old to new address in the latest edition.
    """
    if path in moved:
        place, text = moved[path], "This page is now elsewhere in the latest edition"
    elif (site / LATEST / path / "index.html").is_file():
        place, text = path, "Read this page in the latest edition"
    else:
        place, text = "patterns/", "This page is gone; see all patterns in the latest edition"
    address = relative(f"{LATEST}/{place}", f"{edition}/{path}")
    return (
        '<aside class="md-banner edition-banner"><div class="md-banner__inner md-grid md-typeset">'
        f'You read the edition of <time datetime="{edition}">{edition}</time>. <a href="{html.escape(address)}">{text}</a>.</div></aside>'
    )


def merged(site: Path, editions: list[str]) -> headers.Rules:
    """Return the rules for all editions together: the latest one's for every address, and for each older one what differs.

    Where the platform reads no more rules, the oldest editions do without the caching of their files for ever.
    """
    latest = headers.parse((site / LATEST / headers.NAME).read_text(encoding="utf-8"))
    ahead = headers.prefetch(f"/{LATEST}/") if headers.PREFETCH in latest["/*"] else {}
    everywhere = {**latest["/*"], **ahead}
    wrong_address = headers.inline((site / LATEST / "404.html").read_text(encoding="utf-8"))
    rules: headers.Rules = {"/*": everywhere}
    lasting: headers.Rules = {}
    for edition in editions:
        own = headers.parse((site / edition / headers.NAME).read_text(encoding="utf-8"))
        for address, added in own.items():
            if address != "/*":
                (lasting if "Cache-Control" in added else rules)[f"/:edition{address}"] = added
        if edition == editions[0]:
            continue
        policy = headers.allow(own["/*"][headers.CSP], wrong_address)
        wanted = {**own["/*"], **ahead, headers.CSP: policy, "X-Robots-Tag": "noindex"}
        rules[f"/{edition}/*"] = rule = {}
        for name, value in wanted.items():
            if value != everywhere.get(name):
                rule |= ({f"! {name}": ""} if name in everywhere else {}) | {name: value}
    room = headers.RULES - len(rules)
    return {**rules, **dict(list(lasting.items())[: max(room, 0)])}


def redirects(site: Path, editions: list[str]) -> str:
    """Return the redirects of all editions, and those from addresses without an edition to the latest."""
    static = [f"/ /{LATEST}/ 302"]
    dynamic = []
    for path in sorted((site / LATEST).iterdir()):
        if path.is_dir():
            dynamic.append(f"/{path.name}/* /{LATEST}/{path.name}/:splat 302")
        elif path.name not in ("index.html", "404.html", headers.NAME, "_redirects"):
            static.append(f"/{path.name} /{LATEST}/{path.name} 302")
    for part in (LATEST, *editions):
        static += [f"/{part}/{old} /{part}/{new} 301" for old, new in moves(site / part).items()]
    for lines, limit, kind in ((static, STATIC, "static"), (dynamic, DYNAMIC, "dynamic")):
        if len(lines) > limit:
            raise GuideError(
                f"_redirects: {len(lines)} {kind} rules, but the platform reads {limit}; take old editions away"
            )
    return "\n".join([*static, *dynamic]) + "\n"


def public_address() -> str:
    """Return the address under which the site will be read."""
    address = os.environ.get("SITE_URL", "")
    check(address)
    if not re.fullmatch("https://[^/]+/?", address):
        raise GuideError("Workers serve the guide at the root of a host: set SITE_URL=https://guide.example.com/")
    return address


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="tools.hosting", description="Build, look at, and deploy the guide.")
    parser.add_argument("command", choices=["build", "serve", "upload", "deploy"])
    command, rest = parser.parse_known_args(arguments)
    try:
        if command.command == "deploy":
            public_address()
        if command.command != "upload":
            branch = editions_branch()
            gather(branch, SITE) if branch else build(SITE)
            print(f"site/: {sum(path.is_file() for path in SITE.rglob('*'))} files", flush=True)
        if command.command == "serve":
            offline = {"CLOUDFLARE_CF_FETCH_ENABLED": "false"}  # else it asks the network where this machine is
            return toolchain.wrangler("dev", "--ip", "127.0.0.1", *rest, "--config", CONFIG, **offline).returncode
        if command.command in ("upload", "deploy"):
            return toolchain.wrangler("deploy", *rest, "--config", CONFIG).returncode
    except KeyboardInterrupt:
        pass
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
