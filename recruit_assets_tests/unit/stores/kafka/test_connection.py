"""What a client that can't connect reports."""

import pytest
from kafka.errors import KafkaTimeoutError

from recruit_assets.runtime.errors import StoreUnavailable
from recruit_assets.runtime.settings import load_settings
from recruit_assets.stores.kafka.connection import connecting

NOWHERE = "127.0.0.1:1"


@pytest.mark.parametrize(
    ("given", "ending"),
    [
        pytest.param({}, "KafkaTimeoutError", id="no login"),
        pytest.param(
            {"kafka_tls_ca": "off", "kafka_user": "u", "kafka_password": "p"}, "KafkaTimeoutError", id="plain"
        ),
        pytest.param(
            {"kafka_tls_ca": "system", "kafka_user": "u", "kafka_password": "p"},
            "The brokers are down, or refuse the login of user u. "
            "Check RECRUIT_KAFKA_USER, RECRUIT_KAFKA_PASSWORD and RECRUIT_KAFKA_MECHANISM",
            id="over TLS, where the client doesn't learn which",
        ),
    ],
)
def test_a_failed_connection_names_the_login_where_that_may_be_the_cause(given: dict[str, str], ending: str) -> None:
    settings = load_settings(kafka_bootstrap=NOWHERE, **given)

    with pytest.raises(StoreUnavailable) as failed, connecting(settings, "a consumer"):
        raise KafkaTimeoutError

    assert str(failed.value).startswith(f"Kafka request failed (connect a consumer to {NOWHERE}): KafkaTimeoutError")
    assert str(failed.value).endswith(ending)
