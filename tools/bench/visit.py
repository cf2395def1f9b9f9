"""What a first visit on a telephone costs, as Lighthouse sees it.

Lighthouse has 170 MB of packages, so it stands outside the lock of the tests: it is installed under ``.cache/`` on first use.
"""

import gzip
import json
import shutil
import statistics
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles

from runtime import browser, toolchain
from runtime.site import build
from runtime.sites import free_port

LOCK = Path(__file__).resolve().parent / "lighthouse"
INSTALLED = toolchain.CACHE / "lighthouse"
CATEGORIES = ("performance", "accessibility", "best-practices", "seo")


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """Build the site into a folder and serve it compressed, as a host does."""
    port = free_port()
    url = f"http://127.0.0.1:{port}/"
    done = build(folder, SITE_URL=url)
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    files = Mount("/", StaticFiles(directory=folder, html=True))
    app = Starlette(routes=[files], middleware=[Middleware(GZipMiddleware, compresslevel=6)])
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="warning"))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        yield url
    finally:
        server.should_exit = True
        thread.join()


def heaviest(folder: Path, count: int) -> list[str]:
    """Return the addresses of the pages with most bytes, compressed, the heaviest first."""
    sizes = {p: len(gzip.compress(p.read_bytes(), 6)) for p in folder.rglob("index.html")}
    return [f"{p.parent.relative_to(folder)}/" for p in sorted(sizes, key=lambda p: -sizes[p])[:count]]


def install() -> Path:
    """Install Lighthouse from its lock and return its command line."""
    command = INSTALLED / "node_modules" / "lighthouse" / "cli" / "index.js"
    kept = {f.name: f.read_bytes() for f in INSTALLED.glob("*.json")}
    if kept != {f.name: f.read_bytes() for f in LOCK.glob("*.json")} or not command.is_file():
        toolchain.say("installing Lighthouse with npm ci (about 170 MB, once) …")
        shutil.copytree(LOCK, INSTALLED, dirs_exist_ok=True)
        quiet = ("--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error")
        npm = [toolchain.node(), toolchain.npm(), "ci", *quiet]
        subprocess.run(npm, cwd=INSTALLED, env=toolchain.node_env(), check=True)
    return command


def lighthouse(url: str) -> dict[str, Any]:
    """Return what Lighthouse says about one address, mobile emulation as it comes."""
    path, env = browser.find()
    chrome, only = " ".join(browser.BROWSER_ARGS), ",".join(CATEGORIES)
    options = ("--quiet", "--output=json", f"--chrome-flags={chrome}", f"--only-categories={only}")
    done = subprocess.run(
        [toolchain.node(), install(), url, *options],
        env={**env, "CHROME_PATH": str(path)},
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    report = json.loads(done.stdout)
    audits = report["audits"]
    return {
        **{name: round(report["categories"][name]["score"] * 100) for name in CATEGORIES},
        "blocking_ms": round(audits["total-blocking-time"]["numericValue"]),
        "paint_ms": round(audits["largest-contentful-paint"]["numericValue"]),
        "shift": audits["cumulative-layout-shift"]["numericValue"],
        "kb": round(audits["total-byte-weight"]["numericValue"] / 1000, 1),
    }


def measure(runs: int, pages: int = 2) -> list[dict[str, Any]]:
    """Return for the home page and the heaviest pages the median of each figure."""
    rows = []
    folder = toolchain.CACHE / "bench-site"
    shutil.rmtree(folder, ignore_errors=True)
    with served(folder) as url:
        for place in (*heaviest(folder, pages), ""):
            seen = [lighthouse(url + place) for _ in range(runs)]
            rows.append({"page": place or "home", **{key: statistics.median(s[key] for s in seen) for key in seen[0]}})
            print(f"[bench] {rows[-1]}", file=sys.stderr, flush=True)
    return rows
