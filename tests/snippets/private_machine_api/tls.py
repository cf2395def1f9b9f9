"""A small certificate authority, and a TLS front that tells a Worker about the client's certificate as the edge would."""

import datetime
import ipaddress
import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


@dataclass(frozen=True)
class Certificate:
    """A certificate and its key, in PEM files."""

    x509: x509.Certificate
    key: ec.EllipticCurvePrivateKey
    certificate_file: Path
    key_file: Path

    @property
    def fingerprint(self) -> str:
        return self.x509.fingerprint(hashes.SHA256()).hex()


class Authority:
    """A certificate authority that keeps its files in one folder."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name, self.folder = name, folder / name
        self.folder.mkdir()
        self.root = self._make(name, None)

    @property
    def ski(self) -> str:
        return self.root.x509.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest.hex()

    def issue(self, name: str) -> Certificate:
        return self._make(name, self.root)

    def _make(self, name: str, issuer: Certificate | None) -> Certificate:
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        now = datetime.datetime.now(datetime.UTC)
        signer = issuer.key if issuer else key
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer.x509.subject if issuer else subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(minutes=5))
            .not_valid_after(now + datetime.timedelta(hours=1))
            .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
            .add_extension(
                x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False
            )
        )
        if issuer is None:
            usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
            builder = builder.add_extension(usage, critical=True)
        made = builder.sign(signer, hashes.SHA256())
        files = self.folder / f"{name}.pem", self.folder / f"{name}.key"
        files[0].write_bytes(made.public_bytes(serialization.Encoding.PEM))
        files[1].write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        return Certificate(made, key, *files)


def described(tls: dict[str, str]) -> dict[str, str]:
    """Return the header that sets `request.cf` on the local runtime; it exists in development only."""
    return {"MF-CF-Blob": json.dumps({"clientAcceptEncoding": "", "tlsClientAuth": tls})}


NO_CERTIFICATE = {
    "certPresented": "0",
    "certVerified": "NONE",
    "certRevoked": "0",
    "certIssuerSKI": "",
    "certFingerprintSHA256": "",
}


def as_the_edge_says(certificate: x509.Certificate, issuer: Authority, revoked: set[int]) -> dict[str, str]:
    return {
        "certPresented": "1",
        "certVerified": "SUCCESS",
        "certRevoked": "1" if certificate.serial_number in revoked else "0",
        "certIssuerSKI": issuer.ski.upper(),
        "certFingerprintSHA256": certificate.fingerprint(hashes.SHA256()).hex().upper(),
        "certSubjectDN": certificate.subject.rfc4514_string(),
    }


class _Server(ThreadingHTTPServer):
    def handle_error(self, *details: object) -> None:
        """Say nothing: a refused handshake is what some tests are about."""


@contextmanager
def front(worker_url: str, server: Certificate, clients: Authority, revoked: set[int]) -> Iterator[str]:
    """Terminate TLS before a Worker: a client certificate is optional, and checked when there is one.

    Yields:
        The front's https address.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(server.certificate_file, server.key_file)
    context.load_verify_locations(clients.root.certificate_file)
    context.verify_mode = ssl.CERT_OPTIONAL

    class Handler(BaseHTTPRequestHandler):
        def setup(self) -> None:
            self.request = context.wrap_socket(self.request, server_side=True)
            super().setup()

        def finish(self) -> None:
            super().finish()
            self.request.close()

        def forward(self) -> None:
            der = self.connection.getpeercert(binary_form=True)
            tls = as_the_edge_says(x509.load_der_x509_certificate(der), clients, revoked) if der else NO_CERTIFICATE
            sent = {
                name: value
                for name, value in self.headers.items()
                if name.lower() not in {"host", "connection", "mf-cf-blob"}
            }
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            answer = httpx.request(
                self.command, worker_url + self.path, headers=sent | described(tls), content=body, verify=False
            )
            self.send_response(answer.status_code)
            for name, value in answer.headers.items():
                if name not in {"content-length", "transfer-encoding", "connection", "content-encoding"}:
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer.content)))
            self.end_headers()
            self.wfile.write(answer.content)

        do_GET = do_POST = forward

        def log_message(self, *details: object) -> None:
            pass

    with _Server(("127.0.0.1", 0), Handler) as listener:
        thread = threading.Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield f"https://127.0.0.1:{listener.server_port}"
        finally:
            listener.shutdown()
            thread.join()
