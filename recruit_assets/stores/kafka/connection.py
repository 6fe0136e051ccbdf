"""Connection options of all our Kafka clients, and the errors of a failed connection."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from kafka.errors import KafkaError

from recruit_assets.runtime.errors import StoreUnavailable, UserError
from recruit_assets.runtime.settings import Settings, variable
from recruit_assets.stores.kafka.compat import refused_logins
from recruit_assets.stores.tls import client_context, explained, is_verified

CONNECT_TIMEOUT_MS = 10_000
CHECK_LOGIN = "Check RECRUIT_KAFKA_USER, RECRUIT_KAFKA_PASSWORD and RECRUIT_KAFKA_MECHANISM"


def connection_options(settings: Settings) -> dict[str, Any]:
    """Addresses, TLS and login as options of a client."""
    context = client_context(settings.kafka_tls_ca)
    options: dict[str, Any] = {
        "bootstrap_servers": [broker.strip() for broker in settings.kafka_bootstrap.split(",")],
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
    """UserError naming the setting if TLS or login fail; StoreUnavailable if the brokers don't answer.

    A login refused over TLS can look like an outage to the client, and is a StoreUnavailable then.
    """
    settings.require("kafka_bootstrap")
    where, tls_ca = settings.kafka_bootstrap, settings.kafka_tls_ca
    with explained("Kafka", where, tls_ca, variable=variable("kafka_tls_ca")), refused_logins() as refusals:
        try:
            yield
        except KafkaError as error:
            if refusals:
                raise UserError(
                    f"Kafka at {where} refuses the login of user {settings.kafka_user}: {refusals[0]}. {CHECK_LOGIN}"
                ) from error
            message = f"Kafka request failed (connect {client} to {where}): {error}"
            if settings.kafka_user and is_verified(tls_ca):
                message += f". The brokers are down, or refuse the login of user {settings.kafka_user}. {CHECK_LOGIN}"
            raise StoreUnavailable(message) from error
