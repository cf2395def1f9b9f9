"""Check Terraform files against what the Cloudflare provider accepts, without Terraform and without a network.

Terraform itself needs the provider's program, which comes from a registry of its own. This check finds what
``terraform validate`` would refuse in a ``cloudflare_…`` resource: unknown names, missing arguments, wrong types of
literals, version 4 syntax, and references to what nobody declares.

    uv run python -m tools.terraform snippets/proxy-website
"""

import argparse
import difflib
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import hcl2
from lark import ParseTree, Token, Tree
from lark.exceptions import UnexpectedInput

from runtime import toolchain
from tools.terraform.schema import PROVIDER_VERSION, Argument, arguments, names

META = {"count", "for_each", "provider", "depends_on"}
META_BLOCKS = {"lifecycle", "provisioner", "connection", "timeouts"}
TOP_LEVEL = set("terraform provider variable locals resource data output moved import check removed".split())


class TerraformError(ValueError):
    """A file is not HCL; the message names file, line and what was found."""


@dataclass(frozen=True, order=True)
class Problem:
    """What Terraform would refuse.

    Attributes:
        file: the file, as the caller named it.
        line: the line in it, from 1.
        message: what is wrong and what to write instead.
    """

    file: str
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.message}"


@dataclass(frozen=True)
class Block:
    """One block of a file: its type, its labels, and its body."""

    file: str
    line: int
    type: str
    labels: tuple[str, ...]
    body: ParseTree

    def attributes(self) -> Iterator[tuple[str, int, ParseTree]]:
        """Yield name, line and value of each attribute."""
        for child in _trees(self.body, "attribute"):
            name = _first_token(child)
            yield str(name), name.line or 0, _values(child)[-1]

    def blocks(self) -> Iterator["Block"]:
        for child in _trees(self.body, "block"):
            yield _block(child, self.file)


def blocks(text: str, file: str) -> list[Block]:
    """Return the top-level blocks of one file.

    Raises:
        TerraformError: the text is not HCL.
    """
    try:
        tree = hcl2.parses_to_tree(text if text.endswith("\n") else text + "\n")
    except UnexpectedInput as error:
        raise TerraformError(f"{file}:{error.line}: not HCL, near column {error.column}") from error
    return [_block(child, file) for child in _trees(next(iter(tree.children)), "block")]


def check(folder: Path, root: Path = toolchain.ROOT) -> list[Problem]:
    """Return what is wrong in the ``.tf`` files of one folder, which Terraform reads as one configuration.

    Args:
        folder: the folder.
        root: paths in the messages are relative to it.

    Raises:
        TerraformError: a file is not HCL, or there is none.
    """
    files = sorted(folder.glob("*.tf"))
    if not files:
        raise TerraformError(f"{folder}: holds no .tf file")
    found = [b for f in files for b in blocks(f.read_text(encoding="utf-8"), _relative(f, root))]
    problems = [p for block in found for p in _top_level(block)]
    return sorted({*problems, *_references(found), *_pinned(found)})


def resources(folder: Path) -> list[str]:
    """Return the type of each resource and data source of a folder, in order, as often as it stands there."""
    found = [b for f in sorted(folder.glob("*.tf")) for b in blocks(f.read_text(encoding="utf-8"), str(f))]
    return [f"data.{b.labels[0]}" if b.type == "data" else b.labels[0] for b in found if b.type in ("resource", "data")]


def _top_level(block: Block) -> Iterator[Problem]:
    if block.type not in TOP_LEVEL:
        yield Problem(block.file, block.line, f"unknown block '{block.type}'")
    elif block.type in ("resource", "data"):
        yield from _resource(block)


def _resource(block: Block) -> Iterator[Problem]:
    label = block.labels[0]
    name = f"data.{label}" if block.type == "data" else label
    wanted = arguments(name)
    if wanted is None:
        message = f"the provider has no '{name}' (schema {PROVIDER_VERSION}){_near(name, names())}"
        yield Problem(block.file, block.line, message)
        return
    present = set()
    for attribute, line, value in block.attributes():
        if attribute in META:
            continue
        yield from _named(block.file, line, label, attribute, value, wanted)
        if attribute in present:
            yield Problem(block.file, line, f"{label}: '{attribute}' stands here twice")
        present.add(attribute)
    for inner in block.blocks():
        if inner.type not in META_BLOCKS:
            present.add(inner.labels[0] if inner.type == "dynamic" and inner.labels else inner.type)
            yield _old_block(inner, label, wanted)
    yield from _missing(block.file, block.line, label, present, wanted)


def _old_block(block: Block, where: str, wanted: dict[str, Argument]) -> Problem:
    name = block.labels[0] if block.type == "dynamic" and block.labels else block.type
    if name not in wanted:
        return Problem(block.file, block.line, f"{where} has no '{name}'{_near(name, wanted)}")
    shape = "[{ … }]" if wanted[name].kind == "list" else "{ … }"
    if block.type == "dynamic":
        shape = "[for … : { … }]"
    return Problem(
        block.file, block.line, f"{where}: '{name}' as a block is version 4 syntax: write '{name} = {shape}'"
    )


def _named(
    file: str, line: int, where: str, name: str, value: ParseTree, wanted: dict[str, Argument]
) -> Iterator[Problem]:
    if name in wanted:
        yield from _value(file, line, f"{where}: '{name}'", value, wanted[name])
    else:
        yield Problem(file, line, f"{where} has no '{name}'{_near(name, wanted)}")


def _missing(file: str, line: int, where: str, present: set[str], wanted: dict[str, Argument]) -> Iterator[Problem]:
    for name, argument in wanted.items():
        if argument.required and name not in present:
            yield Problem(file, line, f"{where} needs '{name}'")


def _value(file: str, line: int, where: str, value: ParseTree, wanted: Argument) -> Iterator[Problem]:
    """Compare a value with its argument as far as it is written out; what is computed is left to Terraform."""
    value = _bare(value)
    kind = _kind(value)
    line = _line(value, line)
    if value.data == "conditional":
        for branch in _values(value)[1:]:
            yield from _value(file, line, where, branch, wanted)
    elif value.data == "for_tuple_expr" and wanted.kind == "list":
        body = [v for v in _values(value) if v.data not in ("for_intro", "for_cond")]
        yield from _value(file, line, f"an item of {where}", body[0], wanted.item)
    elif kind is None or wanted.kind == "any":
        return
    elif kind == "object" and wanted.kind in ("object", "map"):
        yield from _object(file, line, where, value, wanted)
    elif kind != wanted.kind:
        hint = " (version 4 wrote a list here)" if (kind, wanted.kind) == ("list", "object") else ""
        yield Problem(file, line, f"{where} takes {_article(wanted.kind)}, this is {_article(kind)}{hint}")
    elif kind == "list":
        for item in _values(value):
            yield from _value(file, line, f"an item of {where}", item, wanted.item)
    elif kind == "string" and wanted.values and _text(value) not in {None, *wanted.values}:
        yield Problem(file, line, f"{where} takes one of {', '.join(wanted.values)}; this is '{_text(value)}'")


def _object(file: str, line: int, where: str, value: ParseTree, wanted: Argument) -> Iterator[Problem]:
    present = set()
    for element in _trees(value, "object_elem"):
        key, inner = element.children[0], _values(element)[-1]
        name = _key(key)
        at = _line(key, line)
        if name is None:
            continue
        present.add(name)
        if wanted.kind == "map":
            yield from _value(file, at, f"{where}: '{name}'", inner, wanted.item)
        else:
            yield from _named(file, at, where, name, inner, wanted.arguments)
    if wanted.kind == "object":
        yield from _missing(file, line, where, present, wanted.arguments)


def _references(found: list[Block]) -> Iterator[Problem]:
    """Find names that are used and declared nowhere in the folder."""
    declared = {"var": set(), "local": set(), "data": set()}
    for block in found:
        if block.type == "variable":
            declared["var"].add(block.labels[0])
        elif block.type == "locals":
            declared["local"] |= {name for name, _, _ in block.attributes()}
        elif block.type in ("resource", "data"):
            declared["data"] |= {".".join([*(["data"] if block.type == "data" else []), *block.labels])}
    for block in found:
        for path, line in _paths(block.body):
            kind, *rest = path
            if kind in ("var", "local") and rest and rest[0] not in declared[kind]:
                yield Problem(block.file, line, f"'{kind}.{rest[0]}' is declared nowhere in this folder")
            wanted = ".".join(path[:3] if kind == "data" else path[:2])
            if (kind == "data" or kind.startswith("cloudflare_")) and wanted not in declared["data"]:
                yield Problem(block.file, line, f"'{wanted}' is declared nowhere in this folder")


def _pinned(found: list[Block]) -> Iterator[Problem]:
    for block in found:
        if block.type == "terraform":
            for inner in block.blocks():
                for name, line, value in inner.attributes() if inner.type == "required_providers" else ():
                    version = {
                        _key(e.children[0]): _text(_bare(_values(e)[-1])) for e in _trees(_bare(value), "object_elem")
                    }
                    if name == "cloudflare" and not (version.get("version") or "").startswith("~> 5."):
                        yield Problem(block.file, line, 'pin the provider\'s major version: version = "~> 5.…"')


def _paths(tree: ParseTree) -> Iterator[tuple[list[str], int]]:
    """Yield the parts and the line of each ``a.b.c`` in a tree, the longest form of each."""
    for child in tree.children:
        if not isinstance(child, Tree):
            continue
        path = _path(child)
        if path and len(path) > 1:
            yield path, child.meta.line
            continue
        yield from _paths(child)


def _path(tree: ParseTree) -> list[str] | None:
    if tree.data == "expr_term" and len(tree.children) == 1 and isinstance(tree.children[0], Tree):
        return _path(tree.children[0])
    if tree.data == "identifier":
        return [str(tree.children[0])]
    if tree.data == "get_attr_expr_term":
        base = _path(tree.children[0])
        return base and [*base, str(_first_token(tree.children[1], skip="DOT"))]
    if tree.data in ("index_expr_term", "full_splat_expr_term", "attr_splat_expr_term"):
        return _path(tree.children[0])
    return None


def _block(tree: ParseTree, file: str) -> Block:
    labels = [_label(c) for c in tree.children if isinstance(c, Tree) and c.data in ("identifier", "string", "keyword")]
    body = next(c for c in tree.children if isinstance(c, Tree) and c.data == "body")
    return Block(file, tree.meta.line, labels[0], tuple(labels[1:]), body)


def _label(item: ParseTree) -> str:
    return (_text(item) or "") if item.data == "string" else str(item.children[0])


def _trees(tree: ParseTree, data: str) -> Iterator[ParseTree]:
    return (c for c in tree.children if isinstance(c, Tree) and c.data == data)


def _values(tree: ParseTree) -> list[ParseTree]:
    return [c for c in tree.children if isinstance(c, Tree) and c.data != "new_line_or_comment"]


def _first_token(tree: ParseTree, skip: str = "") -> Token:
    return next(t for t in tree.scan_values(lambda t: isinstance(t, Token) and t.type != skip))


def _bare(tree: ParseTree) -> ParseTree:
    """Take parentheses and wrappers off an expression."""
    while tree.data == "expr_term" and len(inner := _values(tree)) == 1:
        tree = inner[0]
    return tree


def _kind(tree: ParseTree) -> str | None:
    """Return the type of a literal, or None for what Terraform computes."""
    if tree.data == "literal_value":
        return None if tree.children[0] == "null" else "bool"
    if tree.data == "unary_op":
        return _kind(_bare(_values(tree)[-1])) if _values(tree) else None
    return {
        "string": "string",
        "heredoc_template": "string",
        "heredoc_template_trim": "string",
        "int_lit": "number",
        "float_lit": "number",
        "tuple": "list",
        "object": "object",
    }.get(tree.data)


def _text(tree: ParseTree) -> str | None:
    """Return a string literal's text, or None when a part of it is computed."""
    if tree.data != "string":
        return None
    parts = [p.children[0] for p in _trees(tree, "string_part")]
    return "".join(map(str, parts)) if all(isinstance(p, Token) for p in parts) else None


def _key(tree: ParseTree) -> str | None:
    inner = _bare(_values(tree)[0])
    return str(inner.children[0]) if inner.data in ("identifier", "keyword") else _text(inner)


def _line(tree: ParseTree, otherwise: int) -> int:
    return getattr(tree.meta, "line", otherwise)


def _article(kind: str) -> str:
    return {"object": "an object { … }", "list": "a list [ … ]", "bool": "true or false"}.get(kind, f"a {kind}")


def _near(name: str, known: Any) -> str:
    close = difflib.get_close_matches(name, known, 1, 0.75)
    return f"; did you mean '{close[0]}'?" if close else ""


def _relative(path: Path, root: Path) -> str:
    return str(path.resolve().relative_to(root)) if path.resolve().is_relative_to(root) else str(path)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path, nargs="+")
    try:
        problems = [p for folder in parser.parse_args().folder for p in check(folder)]
    except TerraformError as error:
        problems = [error]
    print("\n".join(map(str, problems)) or "nothing to complain about")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
