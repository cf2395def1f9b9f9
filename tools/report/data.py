"""What a change does to the guide, as data: written by ``tools.report``, and read again where its author is not trusted."""

import json
import re
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from typing import Any, TypeVar

T = TypeVar("T")
SIZE_BYTES = 1_000_000
TEXT_CHARACTERS = 300
ITEMS = 1_000
STATES = ("added", "removed", "moved", "changed", "weight")
FACT_STATES = ("added", "removed", "changed")
ADDRESS = re.compile(r"(?:[a-z0-9-]+/)*")
PICTURE = re.compile(r"[0-9a-f]{16}")
COMMIT = re.compile(r"[0-9a-f]{40}")
FACT = re.compile(r"[a-z0-9.-]{1,100}")
DAY = re.compile(r"\d{4}-\d\d-\d\d")
SOURCE = re.compile(r"https://(?:[a-z0-9-]+\.)*cloudflare\.com/[A-Za-z0-9/_.#?=&%~+-]*")


class ReportError(ValueError):
    """A report does not hold what a report may hold; the message names the place."""


@dataclass(frozen=True)
class PageChange:
    """A page that reads differently, or weighs differently.

    Attributes:
        address: below the site, such as ``guide/decide/``; the home page is the empty text.
        title: its heading.
        state: one of ``STATES``; ``weight`` where the text is the same.
        old: the address before, for a page that moved, else empty.
        more: lines of text that came.
        less: lines of text that went.
        before: bytes of a first visit, compressed; none for a page that was added.
        after: the same now; none for a page that was removed.
    """

    address: str
    title: str
    state: str
    old: str
    more: int
    less: int
    before: int | None
    after: int | None


@dataclass(frozen=True)
class DiagramChange:
    """A diagram that was redrawn, added or removed; ``before`` and ``after`` name pictures, empty where there is none."""

    address: str
    title: str
    before: str
    after: str


@dataclass(frozen=True)
class FactValue:
    """What a fact says, and where it comes from."""

    shown: str
    source: str
    as_of: str


@dataclass(frozen=True)
class FactChange:
    """A fact that came, went, or says something else."""

    id: str
    state: str
    before: FactValue | None
    after: FactValue | None


@dataclass(frozen=True)
class Report:
    """All that a change does. ``warnings`` are those that the build of the base does not give."""

    base: str
    pages: tuple[PageChange, ...]
    diagrams: tuple[DiagramChange, ...]
    facts: tuple[FactChange, ...]
    warnings: tuple[str, ...]

    def __bool__(self) -> bool:
        return bool(self.pages or self.diagrams or self.facts or self.warnings)


def to_json(report: Report) -> str:
    """Return the report as JSON, the same text for the same report."""
    return json.dumps(asdict(report), indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def from_json(given: bytes) -> Report:
    """Return a report that anybody may have written.

    Raises:
        ReportError: it is too large, no JSON, or something in it is not what belongs there.
    """
    if len(given) > SIZE_BYTES:
        raise ReportError(f"the report has {len(given):,} bytes; {SIZE_BYTES:,} are allowed")
    try:
        read = json.loads(given)
    except (ValueError, RecursionError) as error:
        raise ReportError("the report is not JSON") from error
    values = _object(read, Report, "report")
    return Report(
        base=_match(COMMIT, "a commit")(values["base"], "base"),
        pages=_list(_page)(values["pages"], "pages"),
        diagrams=_list(_diagram)(values["diagrams"], "diagrams"),
        facts=_list(_fact)(values["facts"], "facts"),
        warnings=_list(_text)(values["warnings"], "warnings"),
    )


def _object(value: Any, kind: type, place: str) -> dict[str, Any]:
    names = {f.name for f in fields(kind)}
    if not isinstance(value, dict) or value.keys() != names:
        raise ReportError(f"{place}: an object with {', '.join(sorted(names))} belongs here")
    return value


def _list(item: Callable[[Any, str], T]) -> Callable[[Any, str], tuple[T, ...]]:
    def read(value: Any, place: str) -> tuple[T, ...]:
        if not isinstance(value, list) or len(value) > ITEMS:
            raise ReportError(f"{place}: a list of at most {ITEMS} belongs here")
        return tuple(item(one, f"{place}[{number}]") for number, one in enumerate(value))

    return read


def _text(value: Any, place: str) -> str:
    if not isinstance(value, str) or len(value) > TEXT_CHARACTERS:
        raise ReportError(f"{place}: a text of at most {TEXT_CHARACTERS} characters belongs here")
    return value


def _match(pattern: re.Pattern[str], what: str) -> Callable[[Any, str], str]:
    def read(value: Any, place: str) -> str:
        if not pattern.fullmatch(_text(value, place)):
            raise ReportError(f"{place}: {what} belongs here")
        return str(value)

    return read


def _one_of(words: tuple[str, ...], value: Any, place: str) -> str:
    if not isinstance(value, str) or value not in words:
        raise ReportError(f"{place}: one of {', '.join(words)} belongs here")
    return value


def _count(value: Any, place: str) -> int:
    if type(value) is not int or not 0 <= value < 10**9:
        raise ReportError(f"{place}: a number belongs here")
    return value


def _bytes(value: Any, place: str) -> int | None:
    return None if value is None else _count(value, place)


_address = _match(ADDRESS, "the address of a page")


def _picture(value: Any, place: str) -> str:
    return "" if value == "" else _match(PICTURE, "the name of a picture")(value, place)


def _page(value: Any, place: str) -> PageChange:
    v = _object(value, PageChange, place)
    return PageChange(
        address=_address(v["address"], f"{place}.address"),
        title=_text(v["title"], f"{place}.title"),
        state=_one_of(STATES, v["state"], f"{place}.state"),
        old=_address(v["old"], f"{place}.old"),
        more=_count(v["more"], f"{place}.more"),
        less=_count(v["less"], f"{place}.less"),
        before=_bytes(v["before"], f"{place}.before"),
        after=_bytes(v["after"], f"{place}.after"),
    )


def _diagram(value: Any, place: str) -> DiagramChange:
    v = _object(value, DiagramChange, place)
    return DiagramChange(
        address=_address(v["address"], f"{place}.address"),
        title=_text(v["title"], f"{place}.title"),
        before=_picture(v["before"], f"{place}.before"),
        after=_picture(v["after"], f"{place}.after"),
    )


def _value(value: Any, place: str) -> FactValue | None:
    if value is None:
        return None
    v = _object(value, FactValue, place)
    return FactValue(
        shown=_text(v["shown"], f"{place}.shown"),
        source=_match(SOURCE, "an address at the vendor")(v["source"], f"{place}.source"),
        as_of=_match(DAY, "a date")(v["as_of"], f"{place}.as_of"),
    )


def _fact(value: Any, place: str) -> FactChange:
    v = _object(value, FactChange, place)
    return FactChange(
        id=_match(FACT, "the id of a fact")(v["id"], f"{place}.id"),
        state=_one_of(FACT_STATES, v["state"], f"{place}.state"),
        before=_value(v["before"], f"{place}.before"),
        after=_value(v["after"], f"{place}.after"),
    )
