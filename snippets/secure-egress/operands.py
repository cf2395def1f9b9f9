"""What an operator compares: texts stand in quotes, numbers and addresses without. A mix would be a verdict by chance."""

import re
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

Operand = str | int
# dns.fqdn, http.request.host, net.sni.host, http.request.domains
NAMES = re.compile(r".*\.(?:domains|fqdn|host|hostname)")
# net.dst.ip, net.src.internal_src_ip, dns.resolved_ips
ADDRESSES = re.compile(r".*[._]ips?")
TEXT = re.compile(r'"((?:[^"\\]|\\["\\])*)"')
NUMBER = re.compile(r"0|[1-9][0-9]{0,17}")


class ExpressionError(ValueError):
    """An expression is wrong, or outside the part of the language that is known here."""


# --8<-- [start:operands]
def literal(token: str, field: str) -> Operand:
    """Return what an expression writes beside a field.

    Raises:
        ExpressionError: it is a word, or nothing that this field can hold.
    """
    text = TEXT.fullmatch(token)
    if not text and ".." in token:
        raise ExpressionError(f"ranges such as {token} are not known here")
    if ADDRESSES.fullmatch(field):
        _within(ip_address("::"), token)  # what is no address is an error now
        return token
    if text:
        return re.sub(r"\\(.)", r"\1", text[1])
    if NUMBER.fullmatch(token) and not NAMES.fullmatch(field):
        return int(token)
    raise ExpressionError(
        f'{token[:40]}: a text stands in quotes, with no escapes but \\" and \\\\'
    )


def equal(field: str, value: Operand, wanted: Operand) -> bool:
    """Compare a value of a request with what an expression or a list holds."""
    if ADDRESSES.fullmatch(field):
        return _address(str(value)) == _address(str(wanted))
    if type(value) is not type(wanted):
        raise ExpressionError(f"{field}: {value!r} and {wanted!r} are of two kinds")
    if isinstance(value, str) and isinstance(wanted, str) and NAMES.fullmatch(field):
        return _name(value) == _name(wanted)
    return value == wanted


def contains(field: str, entry: Operand, value: Operand) -> bool:
    """Say whether a value is an entry of a set, or within it."""
    if ADDRESSES.fullmatch(field):
        return _within(_address(str(value)), str(entry))
    # A domain stands for its subdomains too when the selector is "domains"; "host" is exact.
    below = f".{_name(str(value))}".endswith(f".{_name(str(entry))}")
    return equal(field, value, entry) or (below and field.endswith(".domains"))


# --8<-- [end:operands]


def _name(text: str) -> str:
    return text.lower().removesuffix(".")


def _address(text: str) -> IPv4Address | IPv6Address:
    """Return an address in its one form: IPv4 inside IPv6 is IPv4."""
    try:
        found = ip_address(text)
    except ValueError as error:
        raise ExpressionError(f"{text!r} is no address") from error
    if isinstance(found, IPv4Address):
        return found
    if found.scope_id is not None:
        raise ExpressionError(f"{text!r} is no address of a network")
    return found.ipv4_mapped or found


def _within(address: IPv4Address | IPv6Address, entry: str) -> bool:
    first = _address(entry.partition("/")[0])
    try:
        network = ip_network(entry)
    except ValueError as error:
        raise ExpressionError(f"{entry!r} is no network") from error
    if first.version != network.version:
        network = ip_network((first, network.prefixlen - 96))
    return address in network
