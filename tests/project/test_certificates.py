"""Certificates that we make hold before a strict client, as Python's own are from version 3.13 on (RFC 5280)."""

import importlib.util
import ssl
from pathlib import Path

import pytest

from runtime.toolchain import ROOT
from tests.snippets.private_machine_api import tls


def of_the_example(folder: Path) -> tuple[Path, Path, Path, str]:
    spec = importlib.util.spec_from_file_location("strict_try_origin", ROOT / "snippets/proxy-website/try_origin.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    authority = module.Authority("own", folder)
    made = authority.issue("somebody")
    return authority.file, made.with_suffix(".pem"), made.with_suffix(".key"), "localhost"


def of_the_tests(folder: Path) -> tuple[Path, Path, Path, str]:
    authority = tls.Authority("own", folder)
    made = authority.issue("somebody")
    return authority.root.certificate_file, made.certificate_file, made.key_file, "127.0.0.1"


def strict(context: ssl.SSLContext, certificate: Path, key: Path, authority: Path) -> ssl.SSLContext:
    context.load_cert_chain(certificate, key)
    context.load_verify_locations(authority)
    context.verify_mode = ssl.CERT_REQUIRED
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    return context


@pytest.mark.parametrize("make", [of_the_example, of_the_tests])
def test_both_ends_accept_the_other_with_strict_rules(make, tmp_path):
    authority, certificate, key, host = make(tmp_path)
    to_client, to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = strict(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), certificate, key, authority)
    server = strict(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), certificate, key, authority)
    ends = [
        client.wrap_bio(to_client, to_server, server_hostname=host),
        server.wrap_bio(to_server, to_client, server_side=True),
    ]
    for _ in range(4):
        for end in ends:
            try:
                end.do_handshake()
            except ssl.SSLWantReadError:
                continue
    assert all(end.getpeercert()["subject"] for end in ends)
