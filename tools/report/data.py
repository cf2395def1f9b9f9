"""What a change does to the guide, as data: written by ``tools.report``, and read again where its author is not trusted."""

import json
import re
from dataclasses import asdict, dataclass
from typing import Annotated, ClassVar, Literal

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from model.files import GuideError

SIZE_BYTES = 1_000_000
TEXT_CHARACTERS = 300
ITEMS = 1_000
COMMIT = re.compile(r"[0-9a-f]{40}")
Text = Annotated[str, Field(max_length=TEXT_CHARACTERS)]
Address = Annotated[Text, Field(pattern=r"^(?:[a-z0-9-]+/)*$")]
Picture = Annotated[str, Field(pattern=r"^(?:[0-9a-f]{16})?$")]
Count = Annotated[int, Field(ge=0, lt=10**9)]
Source = Annotated[Text, Field(pattern=r"^https://(?:[a-z0-9-]+\.)*cloudflare\.com/[A-Za-z0-9/_.#?=&%~+-]*$")]


class ReportError(GuideError):
    """A report does not hold what a report may hold; the message names the place."""


class Exact:
    """Read from JSON as it is declared: no other type, no other field."""

    __pydantic_config__: ClassVar = ConfigDict(strict=True, extra="forbid")


@dataclass(frozen=True)
class PageChange(Exact):
    """A page that reads differently, or weighs differently.

    Attributes:
        address: below the site, such as ``guide/decide/``; the home page is the empty text.
        title: its heading.
        state: ``weight`` where the text is the same.
        old: the address before, for a page that moved, else empty.
        more: lines of text that came.
        less: lines of text that went.
        before: bytes of a first visit, compressed; none for a page that was added.
        after: the same now; none for a page that was removed.
    """

    address: Address
    title: Text
    state: Literal["added", "removed", "moved", "changed", "weight"]
    old: Address
    more: Count
    less: Count
    before: Count | None
    after: Count | None


@dataclass(frozen=True)
class DiagramChange(Exact):
    """A diagram that was redrawn, added or removed; ``before`` and ``after`` name pictures, empty where there is none."""

    address: Address
    title: Text
    before: Picture
    after: Picture


@dataclass(frozen=True)
class FactValue(Exact):
    """What a fact says, and where it comes from."""

    shown: Text
    source: Source
    as_of: Annotated[str, Field(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$")]


@dataclass(frozen=True)
class FactChange(Exact):
    """A fact that came, went, or says something else."""

    id: Annotated[str, Field(pattern=r"^[a-z0-9.-]{1,100}$")]
    state: Literal["added", "removed", "changed"]
    before: FactValue | None
    after: FactValue | None


@dataclass(frozen=True)
class Report(Exact):
    """All that a change does. ``warnings`` are those that the build of the base does not give."""

    base: Annotated[str, Field(pattern=f"^{COMMIT.pattern}$")]
    pages: Annotated[tuple[PageChange, ...], Field(max_length=ITEMS)]
    diagrams: Annotated[tuple[DiagramChange, ...], Field(max_length=ITEMS)]
    facts: Annotated[tuple[FactChange, ...], Field(max_length=ITEMS)]
    warnings: Annotated[tuple[Text, ...], Field(max_length=ITEMS)]

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
        return TypeAdapter(Report).validate_json(given)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise ReportError(f"{'.'.join(map(str, first['loc'])) or 'report'}: {first['msg']}") from error
