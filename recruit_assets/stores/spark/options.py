"""Options of the Cassandra connector and of JDBC: addresses, logins, TLS."""

from recruit_assets.runtime.places import host_port
from recruit_assets.runtime.settings import TLS_OFF, Settings
from recruit_assets.stores.tls import TRUSTSTORE_PASSWORD, is_verified, java_truststore

RECONNECT_MAX_S = 5
"""The longest pause between attempts to reach a Cassandra node. The drivers' own limits, 10 minutes in Python and one
minute in Spark, would delay the report long after an outage."""
CIPHERS = (
    "TLS_AES_256_GCM_SHA384",
    "TLS_AES_128_GCM_SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
    "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
)
"""The connector's own list (3.5.1) is two suites without forward secrecy, which need an RSA certificate."""
WRITES = {"spark.cassandra.output.batch.size.bytes": "4096", "spark.cassandra.output.concurrent.writes": "64"}
"""A durable commit log answers after 10 ms at the earliest: with the connector's own 5 batches of 1 KiB in flight, most
of a task's time would be waiting. Cassandra counts up to five times the connector's bytes, and rejects 50 KiB."""


def cassandra_options(settings: Settings) -> dict[str, str]:
    """The connector's options, including the password: addresses, login, TLS, consistency."""
    options = {
        "keyspace": settings.cassandra_keyspace,
        "spark.cassandra.connection.host": ",".join(settings.contact_points),
        "spark.cassandra.connection.port": str(settings.cassandra_port),
        "spark.cassandra.connection.localDC": settings.cassandra_datacenter,
        "spark.cassandra.connection.reconnectionDelayMS.max": str(RECONNECT_MAX_S * 1000),
        "spark.cassandra.input.consistency.level": "LOCAL_QUORUM",  # the connector's default is LOCAL_ONE
        "spark.cassandra.output.consistency.level": "LOCAL_QUORUM",
        "spark.cassandra.output.ignoreNulls": "true",
        "directJoinSetting": "on",  # not chosen otherwise: it would scan the table
    }
    return options | cassandra_login(settings) | _cassandra_tls(settings)


def mysql_options(settings: Settings, table: str) -> dict[str, str]:
    """Spark's and Connector/J's options, including the password, for a table of the report database."""
    options = {
        "url": f"jdbc:mysql://{host_port(settings.mysql_host, settings.mysql_port)}/{settings.mysql_database}",
        "connectionTimeZone": "UTC",
        "forceConnectionTimeZoneToSession": "true",
        "driver": "com.mysql.cj.jdbc.Driver",
        "dbtable": table,
        "user": settings.mysql_user,
        "password": settings.mysql_password.get_secret_value(),
    }
    if not is_verified(settings.mysql_tls_ca):
        # a server that poses as the database would ask for the password in clear text
        options["disabledAuthenticationPlugins"] = "mysql_clear_password"
    return options | _mysql_tls(settings)


def cassandra_login(settings: Settings) -> dict[str, str]:
    """User and password as options of the connector; none without a user."""
    if not settings.cassandra_user:
        return {}
    return {
        "spark.cassandra.auth.username": settings.cassandra_user,
        "spark.cassandra.auth.password": settings.cassandra_password.get_secret_value(),
    }


def _cassandra_tls(settings: Settings) -> dict[str, str]:
    """The connector checks the nodes' certificates, but not their host names: it can't (3.5.1)."""
    if not is_verified(settings.cassandra_tls_ca):
        return {}
    options = {
        "spark.cassandra.connection.ssl.enabled": "true",
        "spark.cassandra.connection.ssl.enabledAlgorithms": ",".join(CIPHERS),
    }
    if store := java_truststore(settings.cassandra_tls_ca, settings):
        options |= {
            "spark.cassandra.connection.ssl.trustStore.path": str(store),
            "spark.cassandra.connection.ssl.trustStore.password": TRUSTSTORE_PASSWORD,
            "spark.cassandra.connection.ssl.trustStore.type": "PKCS12",
        }
    return options


def _mysql_tls(settings: Settings) -> dict[str, str]:
    """Connector/J's options; without a setting it uses TLS if the server offers it, unverified, as PyMySQL does."""
    if settings.mysql_tls_ca == TLS_OFF:
        # MySQL's login asks for the server's key where the connection isn't encrypted
        return {"sslMode": "DISABLED", "allowPublicKeyRetrieval": "true"}
    if not is_verified(settings.mysql_tls_ca):
        return {}
    options = {"sslMode": "VERIFY_IDENTITY"}
    if store := java_truststore(settings.mysql_tls_ca, settings):
        options |= {
            "trustCertificateKeyStoreUrl": store.as_uri(),
            "trustCertificateKeyStorePassword": TRUSTSTORE_PASSWORD,
            "trustCertificateKeyStoreType": "PKCS12",
            "fallbackToSystemTrustStore": "false",
        }
    return options
