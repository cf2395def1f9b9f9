"""What the Cloudflare provider for Terraform accepts, read from a package that carries its exact names.

The provider's own schema comes only as a compiled program from Terraform's registry. The npm package
``@cdktf/provider-cloudflare`` is generated from that schema and names every argument, its type, whether it is required,
and its allowed values.
"""

import base64
import hashlib
import re
import subprocess
import tarfile
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from runtime import toolchain

PACKAGE = "@cdktf/provider-cloudflare"
PACKAGE_VERSION = "13.9.1"
PROVIDER_VERSION = "5.14.0"
INTEGRITY = "sha512-8O8Kot+yWYyhgHjrQEyqZ3V5eyt3eRigYrTbSrbB5cy/Q5cWFPCwJ9OxTJpPIJZkplCW+cYXsCSA7GrNTtS1hw=="
FOLDER = toolchain.CACHE / f"terraform-{PROVIDER_VERSION}"
INTERFACE = re.compile(r"^export interface (?P<name>\w+)[^{]*\{\n(?P<body>.*?)^\}", re.M | re.S)
PROPERTY = re.compile(
    r"/\*\*(?P<docs>(?:(?!\*/).)*?)\*/\s+readonly (?P<camel>\w+)(?P<optional>\??): (?P<type>(?:\{[^}]*\}|[^;{])+);",
    re.S,
)
ARGUMENT_NAME = re.compile(r"/docs/(?:resources|data-sources)/\w+#(\w+)")
ALLOWED = re.compile(r"Available values: (.*)")
SCALARS = {"string": "string", "number": "number", "boolean": "bool", "any": "any"}


@dataclass(frozen=True)
class Argument:
    """One argument of a resource or of a nested object.

    Attributes:
        kind: ``string``, ``number``, ``bool``, ``list``, ``map``, ``object`` or ``any``.
        required: whether Terraform refuses a configuration without it.
        values: the texts that the provider takes, or none when it takes any.
        of: what a list or a map holds.
        arguments: what an object holds.
    """

    kind: str
    required: bool = False
    values: tuple[str, ...] = ()
    of: "Argument | None" = None
    arguments: dict[str, "Argument"] = field(default_factory=dict)

    @property
    def item(self) -> "Argument":
        """What a list or a map holds: anything, where the schema does not say."""
        return self.of or Argument("any")


def install() -> Path:
    """Return the folder with the package's type declarations, fetched once with npm and checked against its hash.

    Raises:
        ToolchainError: npm could not fetch the package, or fetched something else.
    """
    if FOLDER.is_dir():
        return FOLDER
    toolchain.say("fetching the names of the Terraform provider with npm pack (8 MB, once) …")
    toolchain.CACHE.mkdir(exist_ok=True)
    pack = ["pack", f"{PACKAGE}@{PACKAGE_VERSION}", "--silent", "--pack-destination", toolchain.CACHE]
    done = subprocess.run(
        [toolchain.node(), toolchain.npm(), *pack],
        capture_output=True,
        encoding="utf-8",
        env=toolchain.node_env(),
        check=False,
    )
    if done.returncode:
        raise toolchain.ToolchainError(f"npm pack {PACKAGE} failed ({done.returncode}):\n{done.stderr[:1500]}")
    archive = toolchain.CACHE / done.stdout.split()[-1]
    try:
        digest = "sha512-" + base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
        if digest != INTEGRITY:
            raise toolchain.ToolchainError(
                f"{PACKAGE} {PACKAGE_VERSION} has the hash {digest}, not the one in tools/terraform/schema.py"
            )
        part = FOLDER.with_suffix(f".part-{archive.stat().st_ino}")
        with tarfile.open(archive) as opened:
            opened.extractall(part, [m for m in opened.getmembers() if m.name.endswith(".d.ts")], filter="data")
        if not FOLDER.is_dir():
            part.rename(FOLDER)
    finally:
        archive.unlink(missing_ok=True)
    return FOLDER


@cache
def names() -> dict[str, Path]:
    """Return every resource (``cloudflare_…``) and data source (``data.cloudflare_…``) with its declaration file."""
    found = {}
    for path in sorted((install() / "package" / "lib").glob("*/index.d.ts")):
        name = path.parent.name.replace("-", "_")
        if name == "provider":
            continue
        data = name.removeprefix("data_cloudflare_")
        found[f"cloudflare_{name}" if data == name else f"data.cloudflare_{data}"] = path
    return found


@cache
def arguments(name: str) -> dict[str, Argument] | None:
    """Return the arguments of ``cloudflare_…`` or ``data.cloudflare_…``, or None when the provider has no such thing."""
    path = names().get(name)
    return parse(path.read_text(encoding="utf-8")) if path else None


def parse(declarations: str) -> dict[str, Argument]:
    """Return the arguments that one declaration file describes, by their Terraform names."""
    interfaces = {m["name"]: m["body"] for m in INTERFACE.finditer(declarations)}
    top = next(
        name
        for name in interfaces
        if name.endswith("Config") and "cdktf.TerraformMetaArguments" in _head(declarations, name)
    )
    return _properties(interfaces[top], interfaces)


def _head(declarations: str, name: str) -> str:
    found = re.search(rf"^export interface {name}\b[^{{]*", declarations, re.M)
    return found[0] if found else ""


def _properties(body: str, interfaces: dict[str, str]) -> dict[str, Argument]:
    found = {}
    for match in PROPERTY.finditer(body):
        allowed = ALLOWED.search(match["docs"])
        values = tuple(re.findall(r'"([^"]*)"', allowed[1])) if allowed else ()
        name = ARGUMENT_NAME.search(match["docs"])
        if not name:
            raise ValueError(f"{PACKAGE} {PACKAGE_VERSION} does not say how Terraform calls {match['camel']}")
        found[name[1]] = _argument(" ".join(match["type"].split()), not match["optional"], values, interfaces)
    return found


def _argument(declared: str, required: bool, values: tuple[str, ...], interfaces: dict[str, str]) -> Argument:
    declared = declared.removesuffix(" | cdktf.IResolvable")
    if mapped := re.fullmatch(r"\{ \[key: string\]: (.+?);? \}", declared):
        inner = _argument(mapped[1], False, values, interfaces)
        # The package writes the provider's dynamic type, such as the value of a zone setting, as a map of anything.
        return Argument("any", required) if inner.kind == "any" else Argument("map", required, of=inner)
    if declared.endswith("[]"):
        return Argument("list", required, of=_argument(declared.removesuffix("[]"), False, values, interfaces))
    if declared in SCALARS:
        return Argument(SCALARS[declared], required, values)
    return Argument("object", required, arguments=_properties(interfaces[declared], interfaces))
