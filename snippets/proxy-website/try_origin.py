"""Try the origin on this machine: four callers, of whom only your own zone may get in. Makes its own certificates, listens on 127.0.0.1.

uv run python snippets/proxy-website/try_origin.py
"""

import datetime
import ipaddress
import logging
import ssl
import sys
import tempfile
import threading
import time
from pathlib import Path

import httpx
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

sys.path.insert(0, str(Path(__file__).parent / "origin"))
import app


class Authority:
    """A certificate authority that lives as long as this program."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name, self.folder, self.key = (
            x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)]),
            folder,
            _key(),
        )
        self.file = folder / f"{name}-ca.pem"
        self.file.write_bytes(_pem(self._sign(self.name, self.key, ca=True)))

    def issue(self, name: str, host: str = "localhost") -> Path:
        """Write a certificate with its key and return the files' path without ending."""
        key, path = _key(), self.folder / name
        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        path.with_suffix(".pem").write_bytes(_pem(self._sign(subject, key, host=host)))
        path.with_suffix(".key").write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        return path

    def _sign(
        self,
        subject: x509.Name,
        key: ec.EllipticCurvePrivateKey,
        ca: bool = False,
        host: str = "",
    ) -> x509.Certificate:
        """Fill in what a strict client asks for: key usage, and which key signed which (RFC 5280)."""
        now = datetime.datetime.now(datetime.UTC)
        issuer, own = self.key.public_key(), key.public_key()
        made = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self.name)
            .public_key(own)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(hours=1))
            .not_valid_after(now + datetime.timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca, 0 if ca else None), critical=True)
            .add_extension(_usage(ca), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(own), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer), critical=False
            )
        )
        if host:
            made = made.add_extension(
                x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False
            )
        return made.sign(self.key, hashes.SHA256())


def _usage(ca: bool) -> x509.KeyUsage:
    """Return what a key may do: an authority signs certificates and revocations, others sign the handshake."""
    return x509.KeyUsage(
        digital_signature=not ca,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=ca,
        crl_sign=ca,
        encipher_only=False,
        decipher_only=False,
    )


def _key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def client(server_ca: Path, identity: Path | None) -> httpx.Client:
    tls = ssl.create_default_context(cafile=str(server_ca))
    if identity:
        tls.load_cert_chain(identity.with_suffix(".pem"), identity.with_suffix(".key"))
    return httpx.Client(
        verify=tls,
        trust_env=False,  # no proxy reaches this machine's own port
        headers={"CF-Connecting-IP": "203.0.113.50", "X-Forwarded-For": "198.51.100.1"},
    )


def main() -> None:
    logging.disable()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        public, own, shared, foreign = (
            Authority(n, folder) for n in ("public", "own", "shared", "foreign")
        )
        public.issue("server")
        site = app.application([ipaddress.ip_network("127.0.0.1/32")], "own")
        server = app.server(site, app.context(folder, own.file), 0)
        thread = threading.Thread(target=server.run)
        thread.start()
        while not server.started:
            time.sleep(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]
        callers = {
            "no certificate": None,
            "a foreign certificate": foreign.issue("somebody"),
            "the shared certificate": shared.issue("another-customer"),
            "your own certificate": own.issue("our-zone"),
        }
        for who, identity in callers.items():
            with client(public.file, identity) as caller:
                try:
                    answer = caller.get(f"https://localhost:{port}/").json()
                    print(f"{who}: in, visitor {answer['visitor']}")
                except httpx.TransportError:
                    print(f"{who}: refused in the handshake")
        server.should_exit = True
        thread.join()


if __name__ == "__main__":
    main()
