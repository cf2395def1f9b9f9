"""Check the address under which the guide will be read, and lead the links of files for programs below it, or relative to the file."""

import re
from urllib.parse import urljoin

from model.files import GuideError
from model.markdown import relative

ADDRESS = re.compile(r'https?://[^\s/?#@"<>\\]+(/[^\s/?#"<>\\]+)*/?')
INSIDE = "\0"  # stands before an address below the site until it is known in which file it is written
LINK = re.compile(rf"{INSIDE}([^)?#\s]*)(#?)")


def check(given: str) -> None:
    """Refuse what is no address of a site; MkDocs adds a missing slash at the end, and an empty address is none.

    Raises:
        GuideError: it is something else.
    """
    if given and not ADDRESS.fullmatch(given):
        raise GuideError(
            f"The site's address is {given!r}: write scheme, host and path only, for example"
            " SITE_URL=https://guide.example.com/ or SITE_URL=https://name.github.io/guide/."
        )


def placed(text: str, place: str, site_url: str) -> str:
    """Return the text of the file at ``place`` with each address after ``INSIDE`` filled in: whole, or relative to the file."""

    def lead(link: re.Match[str]) -> str:
        to, mark = link.groups()
        if to == place and mark:
            return mark
        return (urljoin(site_url, to) if site_url else relative(to, place)) + mark

    return LINK.sub(lead, text)
