"""What a first visit on a telephone costs: Lighthouse, bytes, and the way to the second page.

Lighthouse has 170 MB of packages, so it stands outside the lock of the tests: it is installed under ``.cache/`` on first use.
"""

import functools
import gzip
import http.server
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

from runtime import browser, toolchain
from runtime.browser import MOBILE, Visit, chromium
from runtime.site import build

LOCK = Path(__file__).resolve().parent / "lighthouse"
INSTALLED = toolchain.CACHE / "lighthouse"
CATEGORIES = ("performance", "accessibility", "best-practices", "seo")
TEXT = {".html", ".css", ".js", ".svg", ".json", ".xml", ".txt"}
SECOND = "patterns/global-api-kv/"
# From the click to the next frame in which the new page stands.
CLICK = """
(path) => new Promise((done) => {
  const link = [...document.querySelectorAll(".md-nav--primary a")].find((a) => a.href.endsWith(path));
  const start = performance.now();
  new MutationObserver((_, seen) => {
    if (!location.pathname.endsWith(path)) return;
    seen.disconnect();
    requestAnimationFrame(() => done(performance.now() - start));
  }).observe(document.querySelector("title").parentElement, { childList: true });
  link.click();
})
"""


class _Compressed(http.server.SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        path = Path(self.translate_path(self.path))
        path = path / "index.html" if path.is_dir() else path
        if not path.is_file():
            return self.send_error(404)
        body = gzip.compress(path.read_bytes(), 6) if path.suffix in TEXT else path.read_bytes()
        self.send_response(200)
        self.send_header("Content-Type", self.guess_type(str(path)))
        if path.suffix in TEXT:
            self.send_header("Content-Encoding", "gzip")
        self.send_header("Cache-Control", "public, max-age=3600")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        return None

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """Build the site into a folder and serve it compressed, as a host does."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Compressed, directory=str(folder)))
    url = f"http://127.0.0.1:{server.server_port}/"
    done = build(folder, SITE_URL=url)
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield url
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def heaviest(folder: Path, count: int) -> list[str]:
    """Return the addresses of the pages with most bytes, compressed, the heaviest first."""
    sizes = {p: len(gzip.compress(p.read_bytes(), 6)) for p in folder.rglob("index.html")}
    return [f"{p.parent.relative_to(folder)}/" for p in sorted(sizes, key=lambda p: -sizes[p])[:count]]


def install() -> Path:
    """Install Lighthouse from its lock and return its command line."""
    command = INSTALLED / "node_modules" / "lighthouse" / "cli" / "index.js"
    same = all(
        (INSTALLED / f.name).is_file() and (INSTALLED / f.name).read_bytes() == f.read_bytes()
        for f in LOCK.glob("*.json")
    )
    if not (same and command.is_file()):
        toolchain.say("installing Lighthouse with npm ci (about 170 MB, once) …")
        shutil.copytree(LOCK, INSTALLED, dirs_exist_ok=True)
        npm = [
            toolchain.node(),
            toolchain.npm(),
            "ci",
            "--no-audit",
            "--no-fund",
            "--ignore-scripts",
            "--loglevel=error",
        ]
        subprocess.run(npm, cwd=INSTALLED, env=toolchain.node_env(), check=True)
    return command


def lighthouse(url: str) -> dict[str, Any]:
    """Return what Lighthouse says about one address, mobile emulation as it comes."""
    path, env = browser.find()
    flags = " ".join(browser.BROWSER_ARGS)
    done = subprocess.run(
        [
            toolchain.node(),
            install(),
            url,
            "--quiet",
            "--output=json",
            f"--chrome-flags={flags}",
            f"--only-categories={','.join(CATEGORIES)}",
        ],
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
        "shift": audits["cumulative-layout-shift"]["numericValue"],
        "kb": round(audits["total-byte-weight"]["numericValue"] / 1000, 1),
    }


def measure(runs: int, pages: int = 2) -> dict[str, Any]:
    """Return for the home page and the heaviest pages the median of each figure, and the milliseconds to a second page."""
    rows = []
    folder = toolchain.CACHE / "bench-site"
    shutil.rmtree(folder, ignore_errors=True)
    with served(folder) as url:
        for place in (*heaviest(folder, pages), ""):
            seen = [lighthouse(url + place) for _ in range(runs)]
            rows.append({"page": place or "home", **{key: statistics.median(s[key] for s in seen) for key in seen[0]}})
            print(f"[bench] {rows[-1]}", file=sys.stderr, flush=True)
        taken = []
        with chromium() as browser:
            for _ in range(runs):
                with Visit(browser, viewport=MOBILE) as visit:
                    visit.page.goto(url, wait_until="networkidle")
                    taken.append(visit.page.evaluate(CLICK, SECOND))
    return {"visits": rows, "second_page_ms": round(statistics.median(taken))}
