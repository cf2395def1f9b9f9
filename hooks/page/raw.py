"""Refuse what would run in a reader's browser: a page is text, and code comes from ``docs/assets/`` alone.

It sees a page as Markdown made it, with its drawings and before the site puts anything else in; so nothing is excepted.
"""

import re

from hooks.page.sheet import Sheet
from hooks.page.tree import Node
from model.files import GuideError

ELEMENTS = set("script style iframe object embed base meta link".split())
CODE = re.compile(r"(?:javascript|vbscript|data):", re.I)
BLANK = re.compile(r"[\x00-\x20]")
# A printed tree has one form, without entities in names. What this passes over is harmless; what it finds is looked at.
SCHEMES = r"[jv][\w\0- ]{3,99}|d[\0- ]*a[\0- ]*t[\0- ]*a[\0- ]*"
SUSPECT = re.compile(rf'<(?:{"|".join(ELEMENTS)})\b|\s(?:on\w*|srcdoc)="|="[\0- ]*(?:{SCHEMES}):', re.I)
REMEDY = "Remove it from the page, or from what the page includes: code stands in docs/assets/."


def check(body: Node, sheet: Sheet) -> None:
    """Refuse scripts, elements that load code, event handlers, and addresses that are code."""
    for node in body.css("*") if SUSPECT.search(body.html or "") else ():
        wrong = f"<{node.tag}" if node.tag in ELEMENTS else ""
        for name, value in node.attributes.items():
            if name.startswith("on") or name == "srcdoc" or CODE.match(BLANK.sub("", value or "")):
                wrong = name
        if wrong:
            found = re.search(rf"(?<![\w-]){re.escape(wrong)}", sheet.source, re.I)
            line = sheet.source.count("\n", 0, found.start()) + 1 if found else 1
            raise GuideError(f"{sheet.place}:{line}: {wrong} would run in the reader's browser. {REMEDY}")
