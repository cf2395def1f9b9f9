"""What a stranger puts into an artifact does no harm: archives, reports, numbers. Wrangler runs for real, against a stand-in for the API."""

import http.server
import io
import json
import re
import stat
import struct
import threading
import tomllib
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import pytest
import yaml

from hooks.publish.headers import inline, parse
from model.facts import ROOT
from tools.hosting import archive as preview_archive
from tools.hosting.archive import PNG, ArchiveError, unpack
from tools.hosting.preview import COMMENT_CHARACTERS, CONFIG, MARKER, PreviewError, comment, deploy, main, number
from tools.report.data import DiagramChange, FactChange, FactValue, PageChange, Report, ReportError, from_json, to_json
from tools.report.markdown import code, markdown

COMMIT = "0123456789abcdef0123456789abcdef01234567"
NAME = "00112233445566ff"
PICTURE = PNG + struct.pack(">II", 800, 300) + b"\x08\x02\x00\x00\x00"
VALUE = FactValue("1 GB", "https://developers.cloudflare.com/kv/", "2026-11-01")
REPORT = Report(
    COMMIT,
    (PageChange("guide/decide/", "Five questions", "changed", "", 2, 1, 70_000, 70_500),),
    (DiagramChange("guide/decide/", "A diagram", NAME, ""),),
    (FactChange("kv-size", "added", None, VALUE),),
    (),
)
SCRIPT = next(iter(inline((ROOT / "overrides" / "inline.html").read_text().replace("ADDRESS", ".."))))
PAGE = f"<!doctype html><title>x</title><script>{SCRIPT}</script>"
GOOD = {
    "head/index.html": PAGE,
    "head/assets/site.00112233.css": "a{}",
    f"pictures/{NAME}.png": PICTURE,
    "report.json": to_json(REPORT),
    "index.html": "x",
}


def pack(path: Path, files: dict[str, str | bytes], *more: tuple[zipfile.ZipInfo, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
        for info, data in more:
            archive.writestr(info, data)
    return path


def member(name: str, mode: int, data: bytes = b"/etc/passwd") -> tuple[zipfile.ZipInfo, bytes]:
    info = zipfile.ZipInfo(name)
    info.create_system, info.external_attr = 3, mode << 16
    return info, data


def refused(tmp_path: Path, archive: Path, message: str) -> None:
    before = {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()}
    with pytest.raises(ArchiveError, match=message):
        unpack(archive, tmp_path / "site")
    assert {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()} == before, "nothing is written"
    assert not (tmp_path / "site").exists() and [p for p in tmp_path.iterdir() if p.is_dir()] == []


# The archive


def test_an_archive_of_our_build_is_unpacked(tmp_path: Path):
    assert unpack(pack(tmp_path / "a.zip", GOOD), tmp_path / "site") == REPORT
    files = {p.relative_to(tmp_path / "site").as_posix() for p in (tmp_path / "site").rglob("*") if p.is_file()}
    assert files == {"index.html", "assets/site.00112233.css", f"preview-pictures/{NAME}.png", "_headers"}


def test_headers_and_redirects_of_the_archive_are_not_used(tmp_path: Path):
    hostile = {
        "head/_headers": "/*\n  Content-Security-Policy: script-src *\n  Set-Cookie: a=b\n",
        "head/_redirects": "/* https://evil.example/ 302\n",
    }
    unpack(pack(tmp_path / "a.zip", {**GOOD, **hostile}), tmp_path / "site")
    rules = parse((tmp_path / "site" / "_headers").read_text())
    assert "script-src 'self' 'sha256-" in rules["/*"]["Content-Security-Policy"] and "evil" not in str(rules)
    assert rules["/*"]["X-Robots-Tag"] == "noindex" and "Set-Cookie" not in rules["/*"]
    assert rules["/assets/site.00112233.css"].keys() == {"Cache-Control"}
    assert not (tmp_path / "site" / "_redirects").exists()


@pytest.mark.parametrize(
    "name",
    [
        "/etc/cron.d/x",
        "../x.html",
        "head/../../x.html",
        "head/./x.html",
        "head//x.html",
        "head/a/../x.html",
        "C:/x.html",
        "head\\..\\x.html",
        "head/a\nb.11223344.css",
        "head/a b.html",
        "head/ä.html",
        "head/a:b.html",
        "head/x.html\u202e",
        "head/_worker.js",
        "head/a/_worker.js",
        "head/_routes.json",
        "head/a/_headers",
        "head/_HEADERS",
        "head/a/_redirects",
        "head/.assetsignore",
        "head/.wrangler/deploy/config.json",
        "head/.dev.vars",
        "head/.git/config",
        "head/wrangler.json",
        "head/wrangler.toml",
        "head/a/Wrangler.json",
        "head/package.toml",
        "head/run.sh",
        "head/x.php",
        "head/noending",
        "head/preview-pictures/x.png",
        "head/Preview-Pictures/x.png",
        "wrangler.toml",
        "hosting/preview.toml",
        ".github/workflows/x.yml",
        "tools/hosting/preview.py",
        "site/index.html",
        "base/index.html",
        "pictures/x.png",
        f"pictures/{NAME}.svg",
        f"pictures/a/{NAME}.png",
        "head/" + "a" * 300 + ".html",
        "head/" + "a/" * 20 + "x.html",
    ],
)
def test_a_name_that_our_build_never_makes_is_refused(tmp_path: Path, name: str):
    info = zipfile.ZipInfo("x")
    info.filename = name
    refused(
        tmp_path, pack(tmp_path / "a.zip", GOOD, (info, b"x")), "no file of ours|no site of ours|too long or too deep"
    )


def test_a_name_with_a_nul_is_refused(tmp_path: Path):
    path = pack(tmp_path / "a.zip", {**GOOD, "head/x.htmlZ.sh": "x"})
    path.write_bytes(path.read_bytes().replace(b"x.htmlZ.sh", b"x.html\0.sh"))
    refused(tmp_path, path, "no file of ours|is damaged")


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFBLK, stat.S_IFCHR, stat.S_IFIFO, stat.S_IFSOCK, stat.S_IFDIR])
def test_what_is_no_plain_file_is_refused(tmp_path: Path, kind: int):
    refused(
        tmp_path, pack(tmp_path / "a.zip", GOOD, member("head/x.html", kind | 0o777)), "no plain file: 'head/x.html'"
    )


def test_a_folder_that_is_a_link_is_refused(tmp_path: Path):
    refused(
        tmp_path, pack(tmp_path / "a.zip", GOOD, member("head/x/", stat.S_IFLNK | 0o777)), "no plain file: 'head/x/'"
    )


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("head/INDEX.html", "where case does not count"),
        ("head/index.html", "where case does not count"),
        ("report.json", "where case does not count"),
        ("head/assets/site.00112233.css/x.html", "a file and a folder of one name"),
    ],
)
def test_two_files_for_one_place_are_refused(tmp_path: Path, name: str, message: str):
    refused(tmp_path, pack(tmp_path / "a.zip", GOOD, (zipfile.ZipInfo(name), b"x")), message)


def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path: Path):
    zeros = b"\0" * (preview_archive.FILE_BYTES + 1)
    path = pack(tmp_path / "a.zip", {**GOOD, "head/x.txt": zeros})
    assert path.stat().st_size < 100_000
    refused(tmp_path, path, "has 10,000,001 bytes; 10,000,000 are allowed")


def test_a_bomb_that_lies_about_its_size_is_refused(tmp_path: Path):
    path = pack(tmp_path / "a.zip", {**GOOD, "head/x.txt": b"\0" * 200_000})
    path.write_bytes(path.read_bytes().replace(struct.pack("<I", 200_000), struct.pack("<I", 1_000)))
    refused(tmp_path, path, "is damaged|does not hold the bytes that it promises")


def test_a_file_that_holds_less_than_it_promises_is_refused(tmp_path: Path):
    path = pack(tmp_path / "a.zip", {**GOOD, "head/x.txt": b"\0" * 200_000})
    path.write_bytes(path.read_bytes().replace(struct.pack("<I", 200_000), struct.pack("<I", 300_000)))
    refused(tmp_path, path, "does not hold the bytes that it promises|is damaged")


@pytest.mark.parametrize("method", [zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2])
def test_another_way_of_packing_is_refused(tmp_path: Path, method: int):
    path = pack(tmp_path / "a.zip", GOOD)
    with zipfile.ZipFile(path, "a", method) as archive:
        archive.writestr("head/x.txt", "a" * 1000)
    refused(tmp_path, path, "packed in a way of its own: 'head/x.txt'")


def test_too_many_files_or_bytes_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    many = pack(tmp_path / "a.zip", {**GOOD, **{f"head/{n}.txt": "" for n in range(preview_archive.FILES)}})
    refused(tmp_path, many, "3,005 files; 3,000 are allowed")
    monkeypatch.setattr(preview_archive, "TOTAL_BYTES", 20_000)
    refused(tmp_path, pack(tmp_path / "a.zip", {**GOOD, "head/x.txt": "a" * 20_000}), "more than 20,000 bytes unpacked")
    path = pack(tmp_path / "a.zip", GOOD)
    path.write_bytes(b"\0" * 20_000 + path.read_bytes())
    refused(tmp_path, path, "the archive has more than 20,000 bytes")


@pytest.mark.parametrize("content", [b"", b"x", b"PK\x05\x06" + b"\0" * 18])
def test_what_is_no_archive_is_refused(tmp_path: Path, content: bytes):
    (tmp_path / "a.zip").write_bytes(content)
    refused(tmp_path, tmp_path / "a.zip", "no zip|no site")


def test_a_damaged_archive_is_refused(tmp_path: Path):
    path = pack(tmp_path / "a.zip", {**GOOD, "head/x.txt": "abcdefgh" * 100})
    data = bytearray(path.read_bytes())
    at = data.index(b"head/x.txt") + len("head/x.txt") + 3
    data[at] ^= 0xFF
    path.write_bytes(data)
    refused(tmp_path, path, "is damaged|promises")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"head/index.html": None}, "head/index.html is missing"),
        ({"report.json": None}, "report.json: "),
        ({"report.json": "[]"}, "report.json: report: Input should be an object"),
        ({f"pictures/{NAME}.png": None}, "shows a picture that is not there"),
        ({f"pictures/{NAME}.png": b"<svg onload=a()>"}, "no picture of a diagram"),
        ({f"pictures/{NAME}.png": b"GIF89a".ljust(16) + struct.pack(">II", 800, 300)}, "no picture of a diagram"),
        ({f"pictures/{NAME}.png": PNG + struct.pack(">II", 100_000, 100_000)}, "no picture of a diagram"),
        ({f"pictures/{NAME}.png": PICTURE + b"\0" * preview_archive.PICTURE_BYTES}, "no picture of a diagram"),
        ({"head/x.html": b"\xff\xfe"}, "no text: x.html"),
        ({"head/x.html": "<script" * 1000}, "more than 100 scripts"),
        ({"head/x.html": "<script>evil()</script>"}, r"x\.html: the inline script 'evil\(\)' may not run"),
        ({f"head/a{n}.{n:08x}.css": "a" for n in range(101)}, "102 rules|103 rules"),
    ],
)
def test_content_that_our_build_never_makes_is_refused(
    tmp_path: Path, change: dict[str, str | bytes | None], message: str
):
    files = {name: content for name, content in {**GOOD, **change}.items() if content is not None}
    refused(tmp_path, pack(tmp_path / "a.zip", files), message)


def test_an_existing_folder_is_not_touched(tmp_path: Path):
    (tmp_path / "site").mkdir()
    with pytest.raises(ArchiveError, match="exists already"):
        unpack(pack(tmp_path / "a.zip", GOOD), tmp_path / "site")


# The report


def test_a_report_is_read_as_it_was_written():
    assert from_json(to_json(REPORT).encode()) == REPORT


def changed(path: str, value: object) -> bytes:
    data = json.loads(to_json(REPORT))
    *way, last = [int(part) if part.isdigit() else part for part in path.split(".")]
    place = data
    for part in way:
        place = place[part]
    place[last] = value
    return json.dumps(data).encode()


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("base", "x"),
        ("base", COMMIT + "\n"),
        ("base", None),
        ("extra", 1),
        ("pages", {}),
        ("pages", [1]),
        ("pages", [{}]),
        ("pages.0.address", "//evil.example/"),
        ("pages.0.address", "../x/"),
        ("pages.0.address", "a)b/"),
        ("pages.0.address", "guide/decide"),
        ("pages.0.address", "javascript:a()"),
        ("pages.0.old", "https://evil.example/"),
        ("pages.0.state", "<b>"),
        ("pages.0.state", ["added"]),
        ("pages.0.title", 1),
        ("pages.0.title", "x" * 301),
        ("pages.0.more", -1),
        ("pages.0.more", "1"),
        ("pages.0.more", True),
        ("pages.0.more", 10**10),
        ("pages.0.after", 1.5),
        ("pages.0.html", "<img>"),
        ("diagrams.0.before", "../../x"),
        ("diagrams.0.before", "0" * 16 + ".png?x=)"),
        ("diagrams.0.after", None),
        ("facts.0.id", "@everyone"),
        ("facts.0.after.source", "https://evil.example/"),
        ("facts.0.after.source", "javascript:a()//cloudflare.com/"),
        ("facts.0.after.source", "https://cloudflare.com.evil.example/"),
        ("facts.0.after.source", "https://x@evil.example/cloudflare.com/"),
        ("facts.0.after.source", "https://developers.cloudflare.com/) @everyone"),
        ("facts.0.after.as_of", "](https://evil.example)"),
        ("facts.0.after", []),
        ("warnings", [1]),
        ("warnings", ["x"] * 1001),
        ("warnings", "x"),
    ],
)
def test_a_report_with_anything_else_in_it_is_refused(path: str, value: object):
    with pytest.raises(ReportError, match=f"^{path.partition('.')[0]}"):
        from_json(changed(path, value))


@pytest.mark.parametrize(
    "given",
    [
        b"",
        b"{",
        b"null",
        b"[" * 100_000,
        b"\xff",
        b"NaN",
        b" " * 1_000_001 + to_json(REPORT).encode(),
        b'{"base":1e999}',
    ],
)
def test_what_is_no_report_is_refused(given: bytes):
    with pytest.raises(ReportError):
        from_json(given)


HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=a()>",
    "![x](https://evil.example/x.png)",
    "[x](javascript:a())",
    "@everyone",
    "@org/team",
    "#1 GH-1 owner/repo#1",
    "https://evil.example/ www.evil.example",
    "a | b | c",
    "\\| @x",
    "`@x`",
    "```\n@x\n```",
    "\\` @x \\`",
    "a\n\n# Title\n\n- [ ] x",
    "<!-- preview -->",
    "--> @x",
    "&#64;everyone",
    "|\n|---|\n| @x |",
    "a\r@x",
    "a\u2028@x",
    "\u202egnp.x",
    "\x1b[31m",
    ":tada:",
    "$x$",
    "~~~\n@x",
    "`" * 50,
    "a\u200b\u00a0b",
    " ",
    "",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_no_text_leaves_its_code_span(text: str):
    span = code(text)
    assert re.fullmatch(r"`[^`|\\\r\n]+`", span), span
    assert span[1:-1].isprintable() and span[1:-1] == span[1:-1].strip() and len(span) <= 122


@pytest.mark.parametrize("text", HOSTILE)
def test_no_text_of_a_report_changes_what_stands_around_it(text: str):
    page, diagram, fact = REPORT.pages[0], REPORT.diagrams[0], REPORT.facts[0]
    hostile = replace(
        REPORT,
        pages=(replace(page, title=text),),
        diagrams=(replace(diagram, title=text),),
        facts=(replace(fact, after=replace(VALUE, shown=text)),),
        warnings=(text,),
    )
    harmless = replace(REPORT, warnings=("x",))

    def outside(report: Report) -> str:
        return re.sub(
            r"`[^`\n]*`",
            "``",
            comment(to_json(report).encode(), "https://pr-7.example.com", COMMIT, "https://guide.example.com/"),
        )

    assert outside(hostile) == outside(harmless)


def test_the_comment_leads_to_preview_and_current_and_shows_the_pictures():
    text = comment(
        to_json(REPORT).encode(), "https://pr-7-previews.acme.workers.dev", COMMIT, "https://guide.example.com/"
    )
    assert text.startswith(f"{MARKER}\n## [Preview](https://pr-7-previews.acme.workers.dev/) of {COMMIT[:12]}\n")
    assert "| `Five questions` | changed | +2 −1 | 70.0 kB → 70.5 kB (+0.5) | " in text
    assert (
        "[preview](https://pr-7-previews.acme.workers.dev/guide/decide/) · [current](https://guide.example.com/guide/decide/) |"
        in text
    )
    assert f"![diagram](https://pr-7-previews.acme.workers.dev/preview-pictures/{NAME}.png) | none |" in text
    assert "| `kv-size` | added | none | `1 GB` ([2026-11-01](https://developers.cloudflare.com/kv/)) |" in text
    assert "[current]" not in comment(to_json(REPORT).encode(), "https://pr-7.example.com", COMMIT, "")


def test_a_huge_comment_is_replaced_by_its_counts():
    page = replace(REPORT.pages[0], title="w" * 300, address="a/" * 150)
    huge = replace(REPORT, pages=(page,) * 80, warnings=("w" * 300,) * 80)
    text = comment(to_json(huge).encode(), "https://pr-7.example.com", COMMIT, "https://guide.example.com/")
    assert (
        "Pages: 80. Diagrams: 1. Facts: 1. That is too much to list here." in text and len(text) <= COMMENT_CHARACTERS
    )


@pytest.mark.parametrize(
    "url",
    [
        "http://a.example",
        "javascript:a()",
        "https://a.example/) @x",
        "https://a",
        "https://a.example:1/",
        "https://x@a.example",
    ],
)
def test_only_an_address_of_a_site_gets_into_the_comment(url: str):
    for preview, current in ((url, ""), ("https://pr-7.example.com", url)):
        with pytest.raises(PreviewError, match="no address of a site"):
            comment(to_json(REPORT).encode(), preview, COMMIT, current)
    with pytest.raises(PreviewError, match="no commit"):
        comment(to_json(REPORT).encode(), "https://pr-7.example.com", "main", "")


# The number


def pull(n: int, **change: object) -> dict[str, object]:
    base = {"ref": "main", "repo": {"full_name": "us/guide"}}
    return {"number": n, "state": "open", "head": {"sha": COMMIT}, "base": base, **change}


def test_the_number_is_that_of_the_open_pull_request_with_this_commit():
    others = [
        pull(1, head={"sha": "f" * 40}),
        pull(2, state="closed"),
        pull(3, base={"ref": "old", "repo": {"full_name": "us/guide"}}),
        pull(4, base={"ref": "main", "repo": {"full_name": "them/guide"}}),
    ]
    assert number([*others, pull(7)], "us/guide", "main", COMMIT) == 7
    assert number(others, "us/guide", "main", COMMIT) is None
    assert number([], "us/guide", "main", COMMIT) is None


@pytest.mark.parametrize(
    "pulls", [[pull(7), pull(8)], [pull("7; x")], [pull(-1)], [{}], {"message": "Not Found"}, None, [pull(True)]]
)
def test_a_number_in_doubt_is_refused(pulls: object):
    with pytest.raises(PreviewError):
        number(pulls, "us/guide", "main", COMMIT)


def test_the_commands_print_what_the_workflow_takes(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    (tmp_path / "pulls.json").write_text(json.dumps([pull(7)]))
    find = ["number", str(tmp_path / "pulls.json"), "--repository", "us/guide", "--branch", "main", "--commit"]
    assert (main([*find, COMMIT]), capsys.readouterr().out) == (0, "7\n")
    assert (main([*find, "f" * 40]), capsys.readouterr().out) == (0, "\n")
    (tmp_path / "report.json").write_text("{}")
    assert main(["comment", str(tmp_path / "report.json"), "--url", "https://a.example", "--commit", COMMIT]) == 1
    assert "base: Field required" in capsys.readouterr().err


# Wrangler, for real, and a stand-in for the API of the platform: it answers what the API answers and keeps what it was sent.


class Platform(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    sent: ClassVar[list[tuple[str, str, bytes]]] = []

    def _body(self) -> bytes:
        if self.headers.get("transfer-encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("content-length") or 0))
        body = io.BytesIO()
        while size := int(self.rfile.readline(), 16):
            body.write(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return body.getvalue()

    def _answer(self) -> None:
        path, body = self.path.partition("?")[0], self._body()
        self.sent.append((self.command, path, body))
        result: object = {}
        if path.endswith(("/previews", "/deployments")):
            result = {"id": "p1", "name": "pr-7", "slug": "pr-7", "urls": ["https://pr-7-previews.acme.workers.dev"]}
        elif path.endswith("/assets-upload-session"):
            result = {"jwt": "a.b.c", "buckets": [[file["hash"] for file in json.loads(body)["manifest"].values()]]}
        elif path.endswith("/assets/upload"):
            result = {"jwt": "d.e.f"}
        missing = self.command == "GET"
        errors = [{"code": 10025, "message": "not found"}] if missing else []
        data = json.dumps({"success": not missing, "errors": errors, "messages": [], "result": result}).encode()
        self.send_response(404 if missing else 201 if path.endswith("/assets/upload") else 200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST = do_PATCH = do_DELETE = _answer

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def platform(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[list[tuple[str, str, bytes]]]:
    """The stand-in; Wrangler's configuration is ours, beside an unpacked site."""
    unpack(pack(tmp_path / "a.zip", GOOD), tmp_path / "site")
    (tmp_path / "hosting").mkdir()
    (tmp_path / "hosting" / "preview.toml").write_bytes(CONFIG.read_bytes())
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Platform)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever).start()
    monkeypatch.setattr("tools.hosting.preview.CONFIG", tmp_path / "hosting" / "preview.toml")
    for name, value in {
        "CLOUDFLARE_API_BASE_URL": f"http://127.0.0.1:{server.server_port}",
        "CLOUDFLARE_API_TOKEN": "token",
        "CLOUDFLARE_ACCOUNT_ID": "account",
        "WRANGLER_WRITE_LOGS": "false",
        "WRANGLER_LOG_PATH": str(tmp_path),
    }.items():
        monkeypatch.setenv(name, value)
    Platform.sent.clear()
    yield Platform.sent
    server.shutdown()
    server.server_close()


def test_wrangler_makes_the_preview_of_exactly_these_files(platform: list[tuple[str, str, bytes]]):
    assert deploy(7) == "https://pr-7-previews.acme.workers.dev/"
    worker = "/accounts/account/workers/workers/cloudflare-architecture-examples-previews/previews"
    assert json.loads(next(body for _, path, body in platform if path == worker)) == {"name": "pr-7"}
    manifest = json.loads(next(body for _, path, body in platform if path.endswith("/assets-upload-session")))[
        "manifest"
    ]
    assert manifest.keys() == {"/index.html", "/assets/site.00112233.css", f"/preview-pictures/{NAME}.png"}
    deployment = next(body for _, path, body in platform if path.endswith("/deployments")).decode()
    metadata = json.loads(re.search(r'name="metadata"\r\n\r\n(.*?)\r\n', deployment)[1])
    assert "env" not in metadata, "no binding, no variable, no secret"
    assert re.search(
        r'filename="_headers"\r\nContent-Type: text/plain\r\n\r\n/\*\n  Content-Security-Policy: ', deployment
    ), "as a host file"
    assert "X-Robots-Tag: noindex" in deployment and "evil" not in deployment


def test_wrangler_deletes_the_preview_of_a_closed_pull_request(
    platform: list[tuple[str, str, bytes]], capfd: pytest.CaptureFixture[str]
):
    assert main(["delete", "7"]) == 0
    assert [(method, path.rpartition("/")[2]) for method, path, _ in platform] == [("DELETE", "pr-7")]


def test_previews_are_a_worker_of_their_own_with_the_pages_settings():
    guide = tomllib.loads((ROOT / "hosting" / "wrangler.toml").read_text())
    preview = tomllib.loads(CONFIG.read_text())
    assert preview["name"] != guide["name"] and preview["workers_dev"] is False and preview["preview_urls"] is True
    assert preview["compatibility_date"] == guide["compatibility_date"]
    assert preview["assets"]["not_found_handling"] == guide["assets"]["not_found_handling"]
    assert (
        preview.keys() == {"name", "compatibility_date", "workers_dev", "preview_urls", "assets", "previews"}
        and preview["previews"] == {}
    )


# The workflows


def workflow(name: str) -> dict:
    return yaml.safe_load((ROOT / ".github" / "workflows" / name).read_text())


def test_the_build_has_no_secret_and_may_only_read():
    build = workflow("preview-build.yml")
    assert build[True] == {"pull_request": {"branches": ["main"]}}
    assert [job["permissions"] for job in build["jobs"].values()] == [{"contents": "read"}]
    text = (ROOT / ".github" / "workflows" / "preview-build.yml").read_text()
    assert not re.search(r"secrets\.|vars\.|github\.token|GITHUB_TOKEN|environment:|id-token", text)
    assert build["jobs"]["build"]["steps"][0]["with"]["persist-credentials"] is False


@pytest.mark.parametrize("name", ["preview-deploy.yml", "preview-close.yml"])
def test_the_trusted_workflows_never_run_anything_of_the_pull_request(name: str):
    (job,) = workflow(name)["jobs"].values()
    for step in job["steps"]:
        given = step.get("with", {})
        assert (
            given.get("ref", "${{ github.event.repository.default_branch }}")
            == "${{ github.event.repository.default_branch }}"
        )
        assert "repository" not in given and "artifact" not in step.get("uses", ""), (
            "no head, and no action unpacks the artifact"
        )
        assert "${{" not in step.get("run", ""), (
            "what others chose comes in by the environment, never in the text of a script"
        )
    assert job["if"].startswith("vars.PREVIEWS == 'on'"), "a fork does nothing by itself"
    assert [step["name"] for step in job["steps"] if "secrets." in str(step)] == [
        job["steps"][-1 if "close" in name else -2]["name"]
    ]


def test_the_deployment_checks_before_it_unpacks_and_unpacks_before_it_deploys():
    deploys = workflow("preview-deploy.yml")
    (job,) = deploys["jobs"].values()
    assert deploys[True] == {
        "workflow_run": {"workflows": [workflow("preview-build.yml")["name"]], "types": ["completed"]}
    }
    assert job["permissions"] == {"contents": "read", "actions": "read", "pull-requests": "write"}
    assert "conclusion == 'success'" in job["if"] and "event == 'pull_request'" in job["if"]
    order = [re.search(r"tools\.hosting\.preview (\w+)", step.get("run", "")) for step in job["steps"]]
    assert [found[1] for found in order if found] == ["number", "unpack", "deploy", "comment"]
    assert all(step["if"] == "steps.pull.outputs.number != ''" for step in job["steps"][3:])
    assert MARKER in str(job["steps"][-1]) and "github-actions[bot]" in str(job["steps"][-1]), (
        "a stranger's comment is never edited"
    )


def test_the_artifact_is_what_the_check_lets_in():
    upload = workflow("preview-build.yml")["jobs"]["build"]["steps"][-1]["with"]
    assert (upload["name"], upload["path"].split()) == ("preview", ["report", "!report/base"])
    assert preview_archive.target("head/patterns/global-api-kv/index.html") == "patterns/global-api-kv/index.html"
    assert markdown(REPORT, str, None, str)
