"""Keep each page read from the vendor, so that the next check can ask "changed since?" and not load it again."""

import hashlib
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class Kept:
    """A page as it was read.

    Attributes:
        url: its address.
        etag: the answer's ``ETag``, or an empty text.
        last_modified: the answer's ``Last-Modified``, or an empty text.
        html: the page, decoded.
    """

    url: str
    etag: str
    last_modified: str
    html: str

    @property
    def conditions(self) -> dict[str, str]:
        """The request headers that ask for the page only when it is not this one any more."""
        headers = {"If-None-Match": self.etag, "If-Modified-Since": self.last_modified}
        return {name: value for name, value in headers.items() if value and value.isascii()}


def place(folder: Path, url: str) -> Path:
    """Return the file that holds a page."""
    return folder / f"{hashlib.sha256(url.encode()).hexdigest()[:32]}.json"


def recall(folder: Path, url: str) -> Kept | None:
    """Return the page kept for an address, or None when there is none or its file is damaged."""
    try:
        kept = Kept(**json.loads(place(folder, url).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None
    return kept if kept.url == url and all(isinstance(v, str) for v in asdict(kept).values()) else None


def keep(folder: Path, kept: Kept) -> None:
    """Write a page that can be asked for conditionally; a run that is cut off leaves the old file whole."""
    if not kept.conditions:
        return
    folder.mkdir(parents=True, exist_ok=True)
    file = place(folder, kept.url)
    draft = file.with_suffix(f".{os.getpid()}")
    draft.write_text(json.dumps(asdict(kept)), encoding="utf-8")
    draft.replace(file)
