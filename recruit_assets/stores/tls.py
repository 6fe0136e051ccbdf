"""TLS for the clients of all stores: RECRUIT_*_TLS_CA for Python and for Java, and why a handshake fails."""

import hashlib
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cryptography.hazmat.primitives.serialization import BestAvailableEncryption
from cryptography.hazmat.primitives.serialization.pkcs12 import PKCS12Certificate, serialize_java_truststore
from cryptography.x509 import load_pem_x509_certificates

from recruit_assets.runtime.errors import StoreUnavailable, UserError
from recruit_assets.runtime.files import atomic_write
from recruit_assets.runtime.settings import TLS_OFF, TLS_SYSTEM, Settings

DIAGNOSIS_TIMEOUT_S = 2
TRUSTSTORE_PASSWORD = "changeit"  # noqa: S105  # Java's default: certificates aren't secret, but a truststore needs a password


def is_verified(tls_ca: str) -> bool:
    """Whether the setting asks for TLS with a verified server."""
    return tls_ca not in ("", TLS_OFF)


def client_context(tls_ca: str) -> ssl.SSLContext | None:
    """A context that verifies certificate and host name; None if the setting asks for no TLS."""
    if not is_verified(tls_ca):
        return None
    return ssl.create_default_context(cafile=None if tls_ca == TLS_SYSTEM else tls_ca)


def java_truststore(tls_ca: str, settings: Settings) -> Path | None:
    """The CA as a truststore for Java, in the state directory; None if the setting asks for Java's own list."""
    if tls_ca == TLS_SYSTEM:
        return None
    pem = Path(tls_ca).read_bytes()
    file = settings.state_dir / "truststores" / f"{hashlib.sha256(pem).hexdigest()[:16]}.p12"
    if not file.exists():
        certificates = [
            PKCS12Certificate(each, f"ca-{n}".encode()) for n, each in enumerate(load_pem_x509_certificates(pem))
        ]
        atomic_write(
            file, serialize_java_truststore(certificates, BestAvailableEncryption(TRUSTSTORE_PASSWORD.encode()))
        )
    return file


@contextmanager
def explained(store: str, addresses: str, tls_ca: str, *, variable: str) -> Iterator[None]:
    """Turn a StoreUnavailable into a UserError if its cause is TLS: many clients only say that they can't connect.

    `addresses` are host:port, separated by commas; each gets a TLS handshake, to see what is wrong.
    """
    try:
        yield
    except StoreUnavailable as error:
        for address in addresses.split(","):
            if trouble := handshake_trouble(address.strip(), tls_ca, variable=variable):
                raise UserError(f"{store} at {address.strip()} {trouble}") from error
        raise


def handshake_trouble(address: str, tls_ca: str, *, variable: str) -> str:
    """What a TLS handshake with host:port shows to be wrong with the setting; empty if nothing."""
    host, _, port = address.rpartition(":")
    context = client_context(tls_ca)
    try:
        with (
            socket.create_connection((host.strip("[]"), int(port)), timeout=DIAGNOSIS_TIMEOUT_S) as plain,
            (context or _unverified()).wrap_socket(plain, server_hostname=host.strip("[]")),
        ):
            return "" if context else f"speaks TLS, and {variable} asks for none"
    except ssl.SSLCertVerificationError as error:
        return f"isn't trusted: {error.verify_message}. Check {variable} ({tls_ca})"
    except ssl.SSLError:
        return f"doesn't speak TLS, which {variable} asks for" if context else ""
    except (OSError, ValueError):
        return ""  # the server is down, which the caller reports


def _unverified() -> ssl.SSLContext:
    """Only to find out whether the server speaks TLS; nothing is sent over it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context
