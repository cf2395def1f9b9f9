"""Name the site's own scripts, styles and fonts after their content (``site.1a2b3c4d.css``), so that browsers keep them for ever.

What names such a file follows: pages, ``url(…)`` in styles, imports in scripts, and ``data-module``, from which ``site.js``
makes the address of a module. Folders stay as they are, so an address relative to a script stays right.
"""

import hashlib
import posixpath
import re
from collections.abc import Mapping

from model.files import GuideError

SUFFIXES = (".css", ".js", ".woff2")
DRAFTS = "assets/draft/"
# The theme's scripts, which no page loads: 3 MB of search workers, languages and source maps.
UNUSED = re.compile(r"assets/javascripts/|assets/stylesheets/.*\.map$")
EXPORT = re.compile(r"^export (?=(?:async )?(?:function|const|class) (\w+))", re.M)
QUOTED = re.compile(r"""(?<=["'(`])(?P<path>[\w./-]+\.(?:css|js|woff2))(?=["')`])""")


def classic(script: str) -> str:
    """Return a module of ``data-module`` as a script that keeps its exports under its own address; others as they are.

    Browsers import no module from a file, and the guide is also read from files.
    """
    if "start" not in (names := EXPORT.findall(script)):
        return script
    plain = EXPORT.sub("", script)
    if odd := re.search(r"^(?:import|export)\b.*", plain, re.M):
        raise GuideError(
            f"docs/assets: {odd[0]!r} cannot be made a classic script. Write `export function` and no import."
        )
    kept = f"(window.modules ??= {{}})[document.currentScript.src] = {{ {', '.join(names)} }};"
    return f"(() => {{\n{plain}\n{kept}\n}})();\n"


def hashed(address: str) -> bool:
    """Say whether a file's name takes a hash."""
    return address.startswith("assets/") and address.endswith(SUFFIXES) and not address.startswith(DRAFTS)


def names(contents: Mapping[str, bytes]) -> dict[str, tuple[str, bytes]]:
    """Return for each file its new address and its content, in which other files have their new names too.

    Args:
        contents: address below the site, such as ``assets/site.css``, to content.
    """
    done: dict[str, tuple[str, bytes]] = {}
    open_files: list[str] = []

    def finish(address: str) -> str:
        if address in done:
            return done[address][0]
        if address in open_files:
            raise GuideError(f"{' → '.join([*open_files, address])}: these files name each other")
        open_files.append(address)
        content = contents[address]
        folder = posixpath.dirname(address)

        def follow(match: re.Match[str]) -> str:
            target = posixpath.normpath(posixpath.join(folder, match["path"]))
            if target not in contents or target == address:
                return match["path"]
            return match["path"].removesuffix(posixpath.basename(target)) + posixpath.basename(finish(target))

        if not address.endswith(".woff2"):
            content = QUOTED.sub(follow, classic(content.decode())).encode()
        stem, suffix = posixpath.splitext(address)
        done[address] = (f"{stem}.{hashlib.sha256(content).hexdigest()[:8]}{suffix}", content)
        open_files.pop()
        return done[address][0]

    for address in contents:
        finish(address)
    return done


class Renaming:
    """Put the new names into a page.

    Args:
        new: old address to new address, both below the site.
    """

    def __init__(self, new: Mapping[str, str]) -> None:
        self.new = dict(new)
        modules = [posixpath.basename(old)[:-3] for old in new if re.fullmatch(r"assets/[^/]+\.js", old)]
        addresses = (re.escape(old.removeprefix("assets/")) for old in new)
        # Each begins with plain text, which is found ten times as fast.
        self._address = re.compile(rf"assets/(?:{'|'.join(addresses) or '(?!)'})(?=[\"'])")
        self._module = re.compile(rf'data-module="({"|".join(map(re.escape, modules)) or "(?!)"})"')

    def page(self, html: str) -> str:
        def address(match: re.Match[str]) -> str:
            before = html[match.start() - 1]
            return match[0] if before.isalnum() or before in "_-" else self.new[match[0]]

        def module(match: re.Match[str]) -> str:
            return f'data-module="{posixpath.basename(self.new[f"assets/{match[1]}.js"])[:-3]}"'

        return self._module.sub(module, self._address.sub(address, html))
