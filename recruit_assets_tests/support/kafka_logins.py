"""The address and login of Kafka as options of clients that aren't kafka-python's."""

from recruit_assets.runtime.settings import Settings

PLAIN_LOGIN = "org.apache.kafka.common.security.plain.PlainLoginModule"


def java_options(settings: Settings) -> dict[str, str]:
    """Options of Kafka's own client, with a PLAIN login if the settings have one."""
    address = {"bootstrap.servers": settings.kafka_bootstrap}
    if not settings.kafka_user:
        return address
    user, password = settings.kafka_user, settings.kafka_password.get_secret_value()
    return address | {
        "security.protocol": "SASL_PLAINTEXT",
        "sasl.mechanism": "PLAIN",
        "sasl.jaas.config": f'{PLAIN_LOGIN} required username="{user}" password="{password}";',
    }


def librdkafka_options(settings: Settings) -> dict[str, str]:
    """The same for librdkafka and what is made of it."""
    options = java_options(settings)
    if options.pop("sasl.jaas.config", None):
        options |= {
            "sasl.username": settings.kafka_user,
            "sasl.password": settings.kafka_password.get_secret_value(),
        }
    return options
