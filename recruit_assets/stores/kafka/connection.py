"""How every Kafka client of ours finds the brokers, how both prove who they are, and what is said when one doesn't.

Belongs here: addresses, TLS and login, and the reason of a failed connection. Not here: what each kind of client does
(`kafka`).
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from kafka.errors import KafkaError, SaslAuthenticationFailedError, UnsupportedSaslMechanismError
from kafka.net import manager
from kafka.net.transport import KafkaSSLTransport

from recruit_assets.runtime.errors import StoreUnavailable, UserError
from recruit_assets.runtime.settings import Settings, variable
from recruit_assets.stores.tls import client_context, explained

CONNECT_TIMEOUT_MS = 10_000
REFUSALS = (SaslAuthenticationFailedError, UnsupportedSaslMechanismError)


def connection_options(settings: Settings) -> dict[str, Any]:
    """Client options of the connection."""
    context = client_context(settings.kafka_tls_ca)
    options: dict[str, Any] = {
        "bootstrap_servers": settings.kafka_bootstrap.split(","),
        "bootstrap_timeout_ms": CONNECT_TIMEOUT_MS,
        "security_protocol": ("SASL_" if settings.kafka_user else "") + ("PLAINTEXT" if context is None else "SSL"),
        "ssl_context": context,
    }
    if settings.kafka_user:
        options |= {
            "sasl_mechanism": settings.kafka_mechanism,
            "sasl_plain_username": settings.kafka_user,
            "sasl_plain_password": settings.kafka_password.get_secret_value(),
        }
    return options


@contextmanager
def connecting(settings: Settings, client: str) -> Iterator[None]:
    """UserError naming the setting where the brokers refuse us, or we them; StoreUnavailable where they are silent."""
    settings.require("kafka_bootstrap")
    where = settings.kafka_bootstrap
    with explained("Kafka", where, settings.kafka_tls_ca, variable=variable("kafka_tls_ca")), _refusals() as refusals:
        try:
            yield
        except KafkaError as error:
            for refusal in refusals:
                raise UserError(
                    f"Kafka at {where} refuses the login of user {settings.kafka_user}: {refusal}. Check "
                    "RECRUIT_KAFKA_USER, RECRUIT_KAFKA_PASSWORD and RECRUIT_KAFKA_MECHANISM"
                ) from error
            raise StoreUnavailable(
                f"Kafka doesn't answer as it should (connect {client} to {where}): {error}"
            ) from error


@contextmanager
def _refusals() -> Iterator[list[BaseException]]:
    """Logins that the brokers refuse meanwhile: the client tells its log and tries on until its time-out (3.0.12)."""
    handler, logger = _Refusals(), logging.getLogger("kafka.net.manager")
    logger.addHandler(handler)
    try:
        yield handler.found
    finally:
        logger.removeHandler(handler)


class _WholeTransport(KafkaSSLTransport):  # type: ignore[misc]  # the client is untyped
    """TLS that hands over what came before the connection's end: over TLS that is why a login is refused.

    kafka-python 3.0.12 drops it (transport._read_from_sock) and says that the connection was lost.
    """

    def _sock_recv(self) -> tuple[bytes, KafkaError | None]:
        received, error = super()._sock_recv()
        return received, None if received else error  # the end is met again by the next read


manager.KafkaSSLTransport = _WholeTransport


class _Refusals(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[BaseException] = []

    def emit(self, record: logging.LogRecord) -> None:
        arguments = record.args if isinstance(record.args, tuple) else ()
        self.found += [argument for argument in arguments if isinstance(argument, REFUSALS)]
