"""STS as Mountpoint asks for it: TLS on port 443 of a bare host name, before the emulator's plain HTTP."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from pathlib import Path
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

HOST = "localhost"


@contextmanager
def serve(endpoint: str, folder: Path) -> Iterator[dict[str, str]]:
    """The driver's variables with which this is its STS."""
    bundle, chain = folder / "sts-authority.pem", folder / "sts.pem"
    make_certificates(bundle, chain)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain)
    upstream = urlsplit(endpoint)
    assert upstream.hostname and upstream.port
    # The port is fixed, and privileged: Mountpoint knows no other.
    with socket.create_server(("127.0.0.1", 443)) as listener:
        connections: list[socket.socket] = []
        address = (upstream.hostname, upstream.port)
        accept = threading.Thread(target=accept_all, args=(listener, context, address, connections), daemon=True)
        accept.start()
        try:
            yield {"AWS_ENDPOINT_URL_STS": f"https://{HOST}", "AWS_CA_BUNDLE": str(bundle)}
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            accept.join()
            # A client that keeps its connection would still be answered.
            for connection in connections:
                hang_up(connection)


def accept_all(
    listener: socket.socket, context: ssl.SSLContext, upstream: tuple[str, int], connections: list[socket.socket]
) -> None:
    while True:
        try:
            plain, _ = listener.accept()
        except OSError:
            return
        connections.append(plain.dup())
        threading.Thread(target=serve_one, args=(plain, context, upstream), daemon=True).start()


def hang_up(connection: socket.socket) -> None:
    with connection:
        try:
            connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass  # the client hung up before


def serve_one(plain: socket.socket, context: ssl.SSLContext, upstream: tuple[str, int]) -> None:
    try:
        with context.wrap_socket(plain, server_side=True) as client, socket.create_connection(upstream) as server:
            answers = threading.Thread(target=copy, args=(server, client), daemon=True)
            answers.start()
            copy(client, server)
            answers.join()
    except OSError:
        pass  # the caller reports who hangs up or does not trust us


def copy(source: socket.socket, sink: socket.socket) -> None:
    try:
        while data := source.recv(1 << 16):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        pass


def make_certificates(bundle: Path, chain: Path) -> None:
    """An authority of our own into `bundle`; its certificate for the host, with the key, into `chain`."""
    authority_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    authority = certificate("s3cred e2e authority", authority_key, None, authority_key)
    leaf = certificate(HOST, key, authority.subject, authority_key)
    bundle.write_bytes(authority.public_bytes(serialization.Encoding.PEM))
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    chain.write_bytes(private + leaf.public_bytes(serialization.Encoding.PEM))


def certificate(
    name: str,
    key: ec.EllipticCurvePrivateKey,
    issuer: x509.Name | None,
    issuer_key: ec.EllipticCurvePrivateKey,
) -> x509.Certificate:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(timezone.utc)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer or subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
    )
    if issuer:
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(HOST)]), critical=False)
    return builder.sign(issuer_key, hashes.SHA256())
