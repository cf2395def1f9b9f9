"""Write ``_headers`` beside the pages: what a host that reads it (Workers Static Assets and others) sends with every file.

The rules are those of one edition, seen from its own root; ``tools/hosting/__main__.py`` puts the editions together.
"""

import base64
import hashlib
import re
from functools import cache
from pathlib import Path

from model.files import ROOT, GuideError

NAME = "_headers"
CSP = "Content-Security-Policy"
RULES, LINE = 100, 2000  # facts assets-headers-rules and assets-headers-line
SCRIPT = re.compile(r"<script(?P<attributes>[^>]*)>(?P<text>.*?)</script>", re.S)
RUNS = re.compile(r"""type=["']?(?!module|text/javascript)""")
HASHED = re.compile(r"\.[0-9a-f]{8}\.(?:min\.)?(?:css|js|woff2)$")
IMMUTABLE = "public, max-age=31536000, immutable"
PREFETCH, PREFETCH_RULES = "Speculation-Rules", "assets/speculation-rules.json"
OFF = (
    "accelerometer browsing-topics camera display-capture geolocation gyroscope magnetometer microphone midi payment usb"
).split()
FIXED = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "strict-origin-when-cross-origin",
    "Permissions-Policy": ", ".join(f"{name}=()" for name in OFF),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Strict-Transport-Security": "max-age=31536000",
}
Rules = dict[str, dict[str, str]]


def digest(text: str) -> str:
    """Return the source expression of CSP for an inline script or style."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def inline(html: str) -> set[str]:
    """Return a page's inline scripts; data in script elements is not run and is none."""
    found = SCRIPT.finditer(html)
    return {m["text"] for m in found if "src=" not in m["attributes"] and not RUNS.search(m["attributes"])}


@cache
def known() -> re.Pattern[str]:
    """Return what every inline script of the site is: one that stands in ``overrides/``, checked in and looked through."""
    texts = [
        t for path in sorted((ROOT / "overrides").rglob("*.html")) for t in inline(path.read_text(encoding="utf-8"))
    ]
    return re.compile("|".join(re.escape(text).replace("ADDRESS", '[^"<]*') for text in texts))


def policy(scripts: set[str]) -> str:
    """Return the Content-Security-Policy of an edition.

    ``connect-src 'self'`` covers the Markdown twins, the list of editions and the live runtime under ``/live/``. ``data:`` is
    there for the icons in Material's styles.
    """
    return "; ".join(
        [
            "default-src 'self'",
            " ".join(["script-src 'self'", *sorted(map(digest, scripts))]),
            "style-src 'self'",
            "img-src 'self' data:",
            "connect-src 'self'",
            "base-uri 'none'",
            "form-action 'self'",
            "frame-ancestors 'none'",
            "object-src 'none'",
        ]
    )


def allow(given: str, scripts: set[str]) -> str:
    """Return a policy that also lets these inline scripts run."""
    missing = sorted(name for name in map(digest, scripts) if name not in given)
    return given.replace("script-src 'self'", " ".join(["script-src 'self'", *missing]), 1)


def lasting(files: list[str]) -> list[str]:
    """Return the files whose name holds a hash of their content.

    Each gets a rule of its own. A pattern for a whole folder would also mark the 404 of a file that is not there yet, and a
    browser that asks in the middle of a deployment would keep that 404 for a year.
    """
    return sorted(file for file in files if HASHED.search(file))


def prefetch(root: str) -> dict[str, str]:
    """Return the header that names the file which tells a browser what to fetch ahead; a policy without inline rules allows it."""
    return {PREFETCH: f'"{root}{PREFETCH_RULES}"'}


def rules(site: Path) -> Rules:
    """Return the rules for a built site: a pattern of addresses to the headers it adds."""
    files, scripts = [], set[str]()
    for path in sorted(site.rglob("*")):
        if path.is_file():
            files.append(path.relative_to(site).as_posix())
            if path.suffix == ".html":
                scripts |= inline(path.read_text(encoding="utf-8"))
                if odd := [text for text in scripts if not known().fullmatch(text)]:
                    raise GuideError(
                        f"{files[-1]}: the inline script {odd[0][:60]!r} may not run. Remove it; or, if the theme brings it, "
                        "put it into overrides/inline.html."
                    )
    everywhere = {CSP: policy(scripts), **FIXED}
    # A chat or a feed reader shows these in pages of its own.
    pictures = {
        "/assets/social/*": {"! Cross-Origin-Resource-Policy": "", "Cross-Origin-Resource-Policy": "cross-origin"}
    }
    shared = pictures if (site / "assets" / "social").is_dir() else {}
    if (site / PREFETCH_RULES).is_file():
        everywhere |= prefetch("/")
        shared |= {f"/{PREFETCH_RULES}": {"Content-Type": "application/speculationrules+json"}}
    return {"/*": everywhere, **shared, **{f"/{file}": {"Cache-Control": IMMUTABLE} for file in lasting(files)}}


def text(given: Rules) -> str:
    """Return a ``_headers`` file. A name that begins with ``! `` takes away what an earlier rule added."""
    if len(given) > RULES:
        raise GuideError(f"{NAME}: {len(given)} rules, but the platform reads {RULES}; take old editions away")
    lines = []
    for pattern, headers in given.items():
        lines.append(pattern)
        lines += [f"  {name}" if name.startswith("! ") else f"  {name}: {value}" for name, value in headers.items()]
        if (longest := max(map(len, lines[-len(headers) - 1 :]))) > LINE:
            raise GuideError(f"{NAME}: a line under {pattern} has {longest} characters, but the platform reads {LINE}")
    return "\n".join(lines) + "\n"


def parse(content: str) -> Rules:
    """Return the rules of a ``_headers`` file that ``text`` wrote."""
    found: Rules = {}
    headers: dict[str, str] = {}
    for line in content.splitlines():
        if not line.startswith(" "):
            found[line] = headers = {}
        elif line.startswith("  ! "):
            headers[line.strip()] = ""
        else:
            name, _, value = line.strip().partition(": ")
            headers[name] = value
    return found
