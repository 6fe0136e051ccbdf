"""A CA for tests, and server certificates in the file formats that the engines read.

Certificates name localhost but no IP address, so that tests can connect by the wrong name.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    pkcs12,
)
from cryptography.x509.oid import NameOID

KEYSTORE_PASSWORD = "of-the-keystore"
SERVER_NAME = "localhost"
ADDRESSES = (x509.DNSName(SERVER_NAME),)


@dataclass(frozen=True, slots=True)
class ServerFiles:
    """One server's certificate and key, as PEM files and as a Java keystore."""

    certificate: Path
    key: Path
    keystore: Path


class Authority:
    """A CA; clients trust the file `pem`."""

    def __init__(self, folder: Path, name: str = "a CA of the tests") -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self._certificate = self._signed(self._name, self._key, is_ca=True, addresses=())
        folder.mkdir(parents=True, exist_ok=True)
        self.pem = folder / "ca.pem"
        self.pem.write_bytes(self._certificate.public_bytes(Encoding.PEM))

    def server(self, name: str = "server", addresses: tuple[x509.GeneralName, ...] = ADDRESSES) -> ServerFiles:
        """Sign a certificate for these addresses."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        certificate = self._signed(subject, key, is_ca=False, addresses=addresses)
        files = ServerFiles(*(self._folder / f"{name}.{suffix}" for suffix in ("pem", "key", "p12")))
        files.certificate.write_bytes(certificate.public_bytes(Encoding.PEM))
        files.key.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        protection = BestAvailableEncryption(KEYSTORE_PASSWORD.encode())
        files.keystore.write_bytes(
            pkcs12.serialize_key_and_certificates(b"server", key, certificate, [self._certificate], protection)
        )
        return files

    def _signed(
        self,
        subject: x509.Name,
        key: ec.EllipticCurvePrivateKey,
        *,
        is_ca: bool,
        addresses: tuple[x509.GeneralName, ...],
    ) -> x509.Certificate:
        now = datetime.now(UTC)
        builder = x509.CertificateBuilder(
            subject_name=subject,
            issuer_name=self._name,
            public_key=key.public_key(),
            serial_number=x509.random_serial_number(),
            not_valid_before=now - timedelta(hours=1),
            not_valid_after=now + timedelta(days=1),
        ).add_extension(x509.BasicConstraints(ca=is_ca, path_length=None), critical=True)
        if addresses:
            builder = builder.add_extension(x509.SubjectAlternativeName(addresses), critical=False)
        return builder.sign(self._key, hashes.SHA256())
