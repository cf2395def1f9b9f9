"""Unpack a built site that a stranger may have made: all of it is checked before a byte is written.

What decides how the host treats the files is never taken from the archive: headers are computed here, redirects are left out
(a page that moved leaves a page behind), and no configuration or script of a Worker is let in.
"""

import re
import shutil
import stat
import tempfile
import zipfile
import zlib
from pathlib import Path, PurePosixPath

from hooks.publish import headers
from model.files import GuideError
from tools.report.data import Report, ReportError, from_json

FILES, FILE_BYTES, TOTAL_BYTES = 3_000, 10_000_000, 100_000_000
SCRIPTS_PER_PAGE = 100
PICTURE_BYTES, PICTURE_PIXELS = 2_000_000, 4_000
NAME_CHARACTERS, DEPTH = 200, 8
# Beside the pages of the preview; nothing of the archive's site may stand there.
PICTURES = "preview-pictures"
SITE_FILE = re.compile(r"head/(?P<path>(?:[A-Za-z0-9][A-Za-z0-9_.-]*/)*[A-Za-z0-9][A-Za-z0-9_.-]*)")
KINDS = set(".css .gz .html .ico .jpg .js .json .map .md .png .svg .txt .webmanifest .webp .woff2 .xml .zip".split())
PICTURE = re.compile(r"pictures/(?P<path>[0-9a-f]{16}\.png)")
OURS = {"head/_headers", "head/_redirects"}
PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"


class ArchiveError(Exception):
    """The archive is not what our build makes; the message says why, and nothing was written."""


def target(name: str) -> str | None:
    """Return where a member of the archive goes, below the site; none for what is made here instead.

    Raises:
        ArchiveError: nothing of ours has such a name.
    """
    if name in OURS or name == "report.json" or name == "index.html":
        return None
    if len(name) > NAME_CHARACTERS or name.count("/") > DEPTH:
        raise ArchiveError(f"a name is too long or too deep: {name[:60]!r}")
    if picture := PICTURE.fullmatch(name):
        return f"{PICTURES}/{picture['path']}"
    found = SITE_FILE.fullmatch(name)
    if not found:
        raise ArchiveError(f"no file of ours has this name: {name[:60]!r}")
    path = PurePosixPath(found["path"])
    if path.suffix not in KINDS or path.name.lower().startswith("wrangler.") or path.parts[0].lower() == PICTURES:
        raise ArchiveError(f"no site of ours holds such a file: {name[:60]!r}")
    return found["path"]


def members(archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    """Return the members by where they go, after every check that needs no content.

    Raises:
        ArchiveError: a member is not a plain file of ours, two go to one place, or they are too many or too large.
    """
    infos = [info for info in archive.infolist() if not info.is_dir()]
    if len(archive.infolist()) > FILES:
        raise ArchiveError(f"{len(archive.infolist()):,} files; {FILES:,} are allowed")
    if sum(info.file_size for info in infos) > TOTAL_BYTES:
        raise ArchiveError(f"more than {TOTAL_BYTES:,} bytes unpacked")
    found: dict[str, zipfile.ZipInfo] = {}
    taken: set[str] = set()
    for info in archive.infolist():
        kind = stat.S_IFMT(info.external_attr >> 16)
        if kind not in (0, stat.S_IFREG, stat.S_IFDIR) or ((kind == stat.S_IFDIR) != info.is_dir() and kind):
            raise ArchiveError(f"no plain file: {info.orig_filename[:60]!r}")
    for info in infos:
        if info.flag_bits & 1 or info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise ArchiveError(f"encrypted, or packed in a way of its own: {info.orig_filename[:60]!r}")
        if info.file_size > FILE_BYTES:
            raise ArchiveError(f"{info.orig_filename[:60]!r} has {info.file_size:,} bytes; {FILE_BYTES:,} are allowed")
        place = target(info.orig_filename)
        if (name := (place or f"/{info.orig_filename}").lower()) in taken:
            raise ArchiveError(f"two files would be one where case does not count: {info.orig_filename[:60]!r}")
        taken.add(name)
        if place is not None:
            found[place] = info
    folders = {parent.as_posix() for name in taken for parent in PurePosixPath(name).parents}
    if both := sorted(folders & taken):
        raise ArchiveError(f"a file and a folder of one name: {both[0]!r}")
    if "index.html" not in found:
        raise ArchiveError("no site: head/index.html is missing")
    return found


def content(archive: zipfile.ZipFile, info: zipfile.ZipInfo, most: int = FILE_BYTES) -> bytes:
    """Return a member's bytes, never more than it promised.

    Raises:
        ArchiveError: it holds more than it says or than is allowed, or is damaged.
    """
    try:
        with archive.open(info) as member:
            data = member.read(min(info.file_size, most) + 1)
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError, OSError, ValueError, RuntimeError) as error:
        raise ArchiveError(f"{info.orig_filename[:60]!r} is damaged: {error}") from error
    if len(data) != info.file_size or len(data) > most:
        raise ArchiveError(f"{info.orig_filename[:60]!r} does not hold the bytes that it promises")
    return data


def check(place: str, data: bytes) -> None:
    """Refuse a picture that is none, and a page that would keep the computation of headers busy.

    Raises:
        ArchiveError: it is such a file.
    """
    if place.startswith(f"{PICTURES}/"):
        sides = (int.from_bytes(data[16:20]), int.from_bytes(data[20:24]))
        if (
            len(data) > PICTURE_BYTES
            or not data.startswith(PNG)
            or not all(0 < side <= PICTURE_PIXELS for side in sides)
        ):
            raise ArchiveError(f"no picture of a diagram: {place}")
    elif place.endswith(".html"):
        try:
            text = data.decode()
        except UnicodeDecodeError as error:
            raise ArchiveError(f"no text: {place}") from error
        if text.count("<script") + text.count("<style") > SCRIPTS_PER_PAGE:
            raise ArchiveError(f"more than {SCRIPTS_PER_PAGE} scripts and styles: {place}")


def host_rules(site: Path) -> str:
    """Return the ``_headers`` of a preview: those of the guide, and no search engine keeps it.

    Raises:
        ArchiveError: a page holds a script that is not of ours, or the platform would not read all rules.
    """
    try:
        rules = headers.rules(site)
        return headers.text({**rules, "/*": {**rules["/*"], "X-Robots-Tag": "noindex"}})
    except GuideError as error:
        raise ArchiveError(str(error)) from error


def unpack(path: Path, site: Path) -> Report:
    """Write the site of an archive into a folder that does not exist yet, and return the archive's report.

    Raises:
        ArchiveError: something in it is not as our build makes it. Nothing was written then.
    """
    if site.exists():
        raise ArchiveError(f"{site} exists already")
    if path.stat().st_size > TOTAL_BYTES:
        raise ArchiveError(f"the archive has more than {TOTAL_BYTES:,} bytes")
    folder = Path(tempfile.mkdtemp(dir=site.parent))
    try:
        with zipfile.ZipFile(path) as archive:
            found = members(archive)
            try:
                report = from_json(content(archive, archive.getinfo("report.json")))
            except (KeyError, ReportError) as error:
                raise ArchiveError(f"report.json: {error}") from error
            wanted = {f"{PICTURES}/{name}.png" for d in report.diagrams for name in (d.before, d.after) if name}
            if missing := sorted(wanted - found.keys()):
                raise ArchiveError(f"the report shows a picture that is not there: {missing[0]}")
            for place, info in found.items():
                data = content(archive, info)
                check(place, data)
                (folder / place).parent.mkdir(parents=True, exist_ok=True)
                (folder / place).write_bytes(data)
        (folder / headers.NAME).write_text(host_rules(folder), encoding="utf-8")
        folder.chmod(0o755)
        folder.rename(site)
    except zipfile.BadZipFile as error:
        raise ArchiveError(f"no zip: {error}") from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return report
