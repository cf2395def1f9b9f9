"""Call the gateway with a client certificate."""

import ssl
from pathlib import Path

import httpx

from own_address import Client, settings


# --8<-- [start:client]
def client(
    base_url: str, certificate: Path, key: Path, ca: Path | None = None
) -> httpx.Client:
    """Return a client that presents a certificate in the TLS handshake.

    Args:
        base_url: the API's address.
        certificate: PEM file with the client certificate.
        key: PEM file with its private key; only this machine needs it.
        ca: PEM file of the server's CA, where it is not a public one.

    Raises:
        ssl.SSLError: certificate and key do not belong together.
        ValueError, Refused: as ``own_address.settings`` says.
    """
    context = ssl.create_default_context(cafile=ca)
    context.load_cert_chain(certificate, key)
    return Client(**settings(base_url), verify=context)


# --8<-- [end:client]
