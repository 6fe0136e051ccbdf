"""The settings: RECRUIT_* environment variables, secret files, or else the addresses of running local engines.

No other module reads a setting from os.environ. Dagster resources take secrets from dg.EnvVar, so `export` writes the
resolved settings back to the environment.
"""

import os
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from ssl import SSLError, create_default_context
from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_core import ErrorDetails
from pydantic_settings import (
    BaseSettings,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from recruit_assets.contract.attribution import MOST_DAYS, URL, Attribution, attribution, rules_of
from recruit_assets.contract.click_quality import DEFAULT_WINDOW_S, LONGEST_WINDOW_S, ClickRules
from recruit_assets.contract.dead_letters import DLQ_SUFFIX
from recruit_assets.contract.funnel import require_funnel_actions
from recruit_assets.contract.internal_hosts import DEFAULT_HOSTS, host_pattern
from recruit_assets.contract.privacy import FIELDS, PSEUDONYMISED
from recruit_assets.contract.retention import MAX_DAYS, MIN_DAYS
from recruit_assets.contract.url_patterns import portable
from recruit_assets.runtime.errors import UserError
from recruit_assets.runtime.files import read_object
from recruit_assets.runtime.places import Brokers, Folder, Host, folder, is_loopback
from recruit_assets.runtime.secret_files import SUFFIX, secrets_in_files

PREFIX = "RECRUIT_"
MIN_KEY_CHARACTERS = 16
TLS_OFF, TLS_SYSTEM = "off", "system"
ENDPOINTS_FILE = "endpoints.json"
"""In the state directory: addresses and logins of the local engines by setting name, written by `engines start`.

`state_dir` in it is the directory that they run in: the file in a copy of that directory isn't of its own engines.
"""
STORE_ADDRESSES = (("kafka_bootstrap",), ("cassandra_hosts", "cassandra_port"), ("mysql_host", "mysql_port"))
"""The settings that say where each store is. The first of a store is empty while that is unknown."""


def as_utc(moment: datetime) -> datetime:
    """The moment in UTC; without a time zone it is taken as UTC."""
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _whole_hour(value: datetime) -> datetime:
    value = as_utc(value)
    if value.minute or value.second or value.microsecond:
        raise ValueError("must be a whole hour, UTC, such as 2024-01-01T00:00")
    return value


def _checked_words(check: Callable[[list[str]], object]) -> AfterValidator:
    """Of a comma-separated setting: `check` raises ValueError if its words can't be used."""

    def checked(value: str) -> str:
        check(words(value))
        return value

    return AfterValidator(checked)


@cache
def _timezones() -> set[str]:
    """All names; finding them searches a folder of a thousand files, and each tick of a sensor loads the settings."""
    return available_timezones()


def _certificates(value: str) -> str:
    """The file's absolute path, since a run may have another working directory."""
    if value in ("", TLS_OFF, TLS_SYSTEM):
        return value
    file = Path(value)
    try:
        file = file.expanduser().absolute()
        create_default_context(cafile=str(file))
    except (OSError, SSLError, RuntimeError) as error:
        raise ValueError(f"{file} isn't a readable PEM file of CA certificates ({error})") from None
    return str(file)


def _web_address(value: str) -> str:
    if value and not value.startswith(("https://", "http://")):
        raise ValueError("must begin with https:// or http://")
    return value


RETIRED = {
    "alert_webhook": "https://hooks.slack.com/... as it is, or json://HOST/PATH?:message=text (jsons:// for https)",
    "alert_smtp_host": "mailtos://USER:PASSWORD@HOST:587?from=SENDER&to=RECIPIENT, or mailto://HOST without a login",
}
"""Settings of earlier versions that RECRUIT_ALERT_URLS replaces: a value of it that does the same."""

Port = Annotated[int, Field(ge=1, le=65535)]
WholeHour = Annotated[datetime, AfterValidator(_whole_hour)]
Identifier = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,47}$")]
TopicName = Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,240}$")]
TlsCa = Annotated[str, AfterValidator(_certificates)]
"""The CA of a server's certificate: a PEM file, `system` for the machine's own list, `off`, or empty."""
WebAddress = Annotated[str, AfterValidator(_web_address)]
HostNames = Annotated[str, Field(pattern=r"^([A-Za-z0-9.-]+(, *[A-Za-z0-9.-]+)*)?$")]
Origins = Annotated[str, Field(pattern=r"^(\*|https?://[^\s,/]+(, *https?://[^\s,/]+)*)?$")]
Replicas = Annotated[str, Field(pattern=r"^([1-9]|[A-Za-z0-9_.-]+:[1-9](,[A-Za-z0-9_.-]+:[1-9])*)$")]


class Settings(BaseSettings):
    """All settings. An address is empty if it isn't set and no local engine is running; see `require`."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_ignore_empty=True, extra="ignore", frozen=True, hide_input_in_errors=True
    )

    state_dir: Folder = Field(
        Path(".recruit"), description="Ports, logs and data of the local engines, Dagster's storage"
    )
    cache_dir: Folder = Field(
        Path("~/.cache/recruit_assets"), description="Downloaded engines and jars, shared by all clones"
    )

    kafka_bootstrap: Brokers = Field("", description="Kafka brokers, host:port, comma separated")
    kafka_topic: TopicName = Field("raw_events", description="Topic of the raw tracking events")
    kafka_group: str = Field("recruit_ingest", min_length=1, description="Consumer group of ingest")
    kafka_partitions: int = Field(4, ge=1, le=10_000, description="Partitions of a topic that schema apply creates")
    kafka_replication: int = Field(1, ge=1, le=9, description="Replicas of a topic that schema apply creates")
    kafka_min_insync: int = Field(
        0, ge=0, le=9, description="Replicas that must store a record before it is acknowledged; 0: all but one"
    )
    kafka_tls_ca: TlsCa = Field(
        "", description="PEM file with the CA of the brokers' certificates, or `system`; `off`: log in without TLS"
    )
    kafka_user: str = Field("", description="SASL user; empty: no login")
    kafka_password: SecretStr = Field(SecretStr(""), description="SASL password")
    kafka_mechanism: Literal["SCRAM-SHA-512", "PLAIN"] = Field("SCRAM-SHA-512", description="SASL mechanism")
    max_event_bytes: int = Field(
        512 * 1024,
        ge=1024,
        le=5 * 1024 * 1024,
        description="Maximum size of an event, decompressed; a larger one becomes a dead letter",
    )

    ingest_processes: int = Field(
        1, ge=1, le=64, description="Consumer processes of one `ingest`, and of a run that drains the topic"
    )
    metrics_address: str = Field(
        "",
        pattern=r"^(\[[0-9a-fA-F:]+\]|[A-Za-z0-9.-]+)?(:\d{1,5})?$",
        description="host:port of ingest's Prometheus metrics; process n listens on port + n; empty: none",
    )

    collect_origins: Origins = Field(
        "", description="Origins of the pages that may send to `collect`, such as https://www.example.com, or *"
    )
    collect_rate: int = Field(
        50, ge=0, description="Requests per second that `collect` takes from one address, on average; 0: any number"
    )
    collect_proxies: str = Field(
        "127.0.0.1",
        description="Addresses of the reverse proxies in front of `collect`, whose X-Forwarded-For is believed; comma "
        "separated",
    )

    cassandra_hosts: str = Field("", description="Cassandra contact points, comma separated")
    cassandra_port: Port = Field(9042, description="Cassandra's native port")
    cassandra_keyspace: Identifier = Field("recruit", description="Keyspace of the platform's tables")
    cassandra_datacenter: str = Field("datacenter1", min_length=1, description="Local datacenter of the contact points")
    cassandra_replication: Replicas = Field(
        "1", description="Replicas per row of a keyspace that schema apply creates; for several datacenters dc1:3,dc2:3"
    )
    cassandra_tls_ca: TlsCa = Field(
        "", description="PEM file with the CA of the nodes' certificates, or `system`; `off`: log in without TLS"
    )
    cassandra_user: str = Field("", description="Cassandra user; empty: no login")
    cassandra_password: SecretStr = Field(SecretStr(""), description="Cassandra password")

    mysql_host: Host = Field("", description="MySQL or MariaDB host")
    mysql_port: Port = Field(3306, description="MySQL or MariaDB port")
    mysql_user: str = Field("", description="MySQL user")
    mysql_password: SecretStr = Field(SecretStr(""), description="MySQL password")
    mysql_database: Identifier = Field("recruit", description="Database of the report")
    analyst_user: Identifier = Field("recruit_analyst", description="Read-only login of dashboards and analysts")
    analyst_password: SecretStr = Field(
        SecretStr(""), description="Password of the analyst user; if set, schema apply creates the user"
    )
    mysql_tls_ca: TlsCa = Field(
        "",
        description="PEM file with the CA of the server's certificate, or `system`; `off`: no TLS; may be empty for a "
        "server on this machine: unverified TLS if offered",
    )

    spark_master: str = Field("local[*]", min_length=1, description="Spark master of the classic session")
    spark_remote: str = Field("", pattern=r"^(sc://.+)?$", description="Spark Connect address; empty: classic session")
    spark_gateway: str = Field(
        "", description="File with the address of a warm Spark on this machine; empty: each process starts its own"
    )
    spark_driver_memory: str = Field("1g", pattern=r"^\d+[kmg]$", description="Memory of a local Spark driver")
    spark_driver_host: str = Field(
        "", description="Address at which a cluster's executors reach this driver; empty: Spark chooses it"
    )
    spark_executor_memory: str = Field("1g", pattern=r"^\d+[kmg]$", description="Memory of an executor on a cluster")
    spark_cores_max: int = Field(
        4,
        ge=1,
        description="Cores that a session uses on a standalone cluster; also the number of tasks that read an hour "
        "there and over Spark Connect",
    )

    first_hour: WholeHour = Field(
        datetime(2024, 1, 1, tzinfo=UTC), description="First hourly partition, UTC; may only be lowered"
    )
    retention_days: int = Field(
        0,
        ge=0,
        le=MAX_DAYS,
        description="Days after which events expire and their hours are frozen, at least 7; 0: they are kept",
    )
    privacy: Literal["keep", "pseudonymise", "drop"] = Field(
        "keep", description="What is stored of the fields that identify people, see docs/security.md"
    )
    privacy_key: SecretStr = Field(
        SecretStr(""), description="Key of the pseudonyms, 16 characters or more; needed for `pseudonymise`"
    )
    privacy_names: str = Field(
        "user_id,userId,email,phone,ip",
        description="Names of fields that become pseudonyms as uid does, also inside `ed` and unknown fields; comma "
        "separated",
    )
    attribution: Annotated[str, _checked_words(rules_of)] = Field(
        "job_id",
        description="Where a countable event names its job, the first place that does counts: `job_id`, `ed.<key>` "
        "such as `ed.jobId`, `dl`; comma separated, see docs/analysts.md",
    )
    attribution_dl: str = Field(
        "", description="For `dl`: regular expression of landing URLs, whose group `(?<job_id>...)` is the job"
    )
    funnel_actions: Annotated[str, _checked_words(require_funnel_actions)] = Field(
        "",
        description="Further actions (values of `custom_track`) that are counted in `funnel_actions`, such as "
        "`interview_scheduled,hired`; comma separated, in the order of the funnel",
    )
    click_quality: Literal["off", "on"] = Field(
        "off", description="`on`: the table `click_quality` says which traffic is valid, see docs/analysts.md"
    )
    click_window_s: int = Field(
        DEFAULT_WINDOW_S,
        ge=0,
        le=LONGEST_WINDOW_S,
        description="Whoever comes back to the same job within so many seconds is a duplicate; 0: nobody is",
    )
    internal_hosts: Annotated[str, _checked_words(host_pattern)] = Field(
        ",".join(DEFAULT_HOSTS),
        description="Hosts in landing URLs of the site's own people: names, suffixes such as `*.example.com`, "
        "addresses and networks; comma separated",
    )
    attribution_days: int = Field(
        0,
        ge=0,
        le=MOST_DAYS,
        description="In `attributed_conversions`, the advertisement that a person last clicked on gets the credit for "
        "an application within so many days; usually 7; 0: the table isn't made",
    )
    timezone: str = Field("UTC", description="Time zone of the 6 AM schedule")
    report_timezone: str = Field("UTC", description="Time zone whose days the daily tables have, see docs/analysts.md")

    ui_hosts: HostNames = Field(
        "", description="Names, besides the loopback's, under which Dagster's UI is reached; comma separated"
    )
    ui_operator_password: SecretStr = Field(
        SecretStr(""),
        description="Password of the UI's login `operator`, who may change; without any password there is no login",
    )
    ui_viewer_password: SecretStr = Field(
        SecretStr(""), description="Password of the UI's login `viewer`, who may read"
    )
    grafana_url: WebAddress = Field(
        "", description="Address of Grafana, such as https://grafana.example.com; the UI links to its dashboards"
    )
    run_retention_days: int = Field(30, ge=1, description="Days after which finished Dagster runs are deleted")
    alert_urls: SecretStr = Field(
        SecretStr(""), description="Where alerts go: Apprise URLs, separated by spaces or commas; empty: nowhere"
    )

    @field_validator("retention_days")
    @classmethod
    def _long_enough(cls, value: int) -> int:
        if 0 < value < MIN_DAYS:
            raise ValueError(f"must be 0 or at least {MIN_DAYS}: the daily schedule looks back days")
        return value

    @field_validator("privacy_names")
    @classmethod
    def _free_text(cls, value: str) -> str:
        needed = [name for name in words(value) if name in FIELDS and name not in PSEUDONYMISED]
        if needed:
            raise ValueError(f"{', '.join(needed)} can't be pseudonyms: the report needs them, or they aren't text")
        return value

    @field_validator("attribution_dl")
    @classmethod
    def _portable_pattern(cls, value: str) -> str:
        if value:
            portable(value)
        return value

    @field_validator("timezone", "report_timezone")
    @classmethod
    def _known_timezone(cls, value: str) -> str:
        if value not in _timezones():
            raise ValueError("isn't an IANA time zone name such as Europe/Berlin")
        return value

    @field_validator("alert_urls")
    @classmethod
    def _urls(cls, value: SecretStr) -> SecretStr:
        """Whether a service can use them is checked where they are used: that takes seconds."""
        if any(url.strip(",;") and "://" not in url for url in value.get_secret_value().split()):
            raise ValueError("must be URLs such as slack://... or mailtos://..., see docs/operators.md")
        return value

    @field_validator("spark_remote", "cassandra_hosts")
    @classmethod
    def _no_ipv6(cls, value: str) -> str:
        if value.startswith("sc://[") or (":" in value and not value.startswith("sc://")):
            raise ValueError(
                "Spark's clients know no IPv6 addresses here: use host names, without a port for Cassandra"
            )
        return value

    @model_validator(mode="after")
    def _whole_logins(self) -> Self:
        """A login needs user and password, and TLS must be chosen or switched off explicitly."""
        if self.mysql_host and not self.mysql_tls_ca and not is_loopback(self.mysql_host):
            raise ValueError(_tls_is_missing("mysql_host", "mysql_tls_ca"))
        logins = (
            ("kafka", self.kafka_user, self.kafka_password, self.kafka_tls_ca),
            ("cassandra", self.cassandra_user, self.cassandra_password, self.cassandra_tls_ca),
        )
        for store, user, password, tls_ca in logins:
            if bool(user) != bool(password.get_secret_value()):
                given, missing = ("user", "password") if user else ("password", "user")
                raise ValueError(f"{variable(f'{store}_{given}')} is set but {variable(f'{store}_{missing}')} isn't")
            if user and not tls_ca:
                raise ValueError(_tls_is_missing(f"{store}_user", f"{store}_tls_ca"))
        return self

    @model_validator(mode="after")
    def _key_of_pseudonyms(self) -> Self:
        if self.privacy == "pseudonymise" and len(self.privacy_key.get_secret_value()) < MIN_KEY_CHARACTERS:
            raise ValueError(
                f"{variable('privacy')} is pseudonymise, so {variable('privacy_key')} needs {MIN_KEY_CHARACTERS} "
                "characters or more: with a shorter key, people could be guessed from their pseudonyms"
            )
        return self

    @model_validator(mode="after")
    def _usable_rules(self) -> Self:
        names = words(self.attribution)
        if URL in names and not self.attribution_dl:
            raise ValueError(f"{variable('attribution')} has {URL} but {variable('attribution_dl')} isn't set")
        if self.attribution_dl and URL not in names:
            raise ValueError(f"{variable('attribution_dl')} is set but {variable('attribution')} doesn't have {URL}")
        if self.privacy == "drop" and len(names) > 1:
            raise ValueError(
                f"{variable('privacy')} is drop, so ed and dl aren't stored: {variable('attribution')} must be job_id"
            )
        return self

    @model_validator(mode="after")
    def _stored_fields(self) -> Self:
        if self.privacy == "drop" and self.has_click_quality:
            raise ValueError(
                f"{variable('privacy')} is drop, so uid, ua and dl aren't stored, which verdicts need: "
                f"{variable('click_quality')} must be off"
            )
        return self

    @model_validator(mode="after")
    def _clicks_are_kept(self) -> Self:
        if 0 < self.retention_days < self.attribution_days:
            raise ValueError(
                f"{variable('attribution_days')} is {self.attribution_days} but events expire after "
                f"{variable('retention_days')}, {self.retention_days} days"
            )
        return self

    @model_validator(mode="after")
    def _possible_replicas(self) -> Self:
        if self.kafka_min_insync > self.kafka_replication:
            raise ValueError(
                f"{variable('kafka_min_insync')} is {self.kafka_min_insync} but {variable('kafka_replication')} only "
                f"{self.kafka_replication}: Kafka would reject every record"
            )
        if self.cassandra_datacenter not in self.cassandra_replicas:
            raise ValueError(
                f"{variable('cassandra_replication')} has no replica in {self.cassandra_datacenter}, the "
                f"{variable('cassandra_datacenter')}: every read and write needs a quorum there"
            )
        return self

    @property
    def kafka_acknowledging(self) -> int:
        """min.insync.replicas of the topics."""
        return self.kafka_min_insync or max(1, self.kafka_replication - 1)

    @property
    def cassandra_replicas(self) -> dict[str, int]:
        """Replicas per row, by datacenter."""
        if self.cassandra_replication.isdigit():
            return {self.cassandra_datacenter: int(self.cassandra_replication)}
        pairs = (part.rpartition(":") for part in self.cassandra_replication.split(","))
        return {name: int(count) for name, _, count in pairs}

    @property
    def job_rules(self) -> Attribution:
        """How the job of a countable event is found."""
        return attribution(words(self.attribution), self.attribution_dl)

    @property
    def funnel_action_list(self) -> list[str]:
        return words(self.funnel_actions)

    @property
    def has_click_quality(self) -> bool:
        return self.click_quality == "on"

    @property
    def click_rules(self) -> ClickRules:
        """What is a valid click."""
        return ClickRules(self.click_window_s, host_pattern(words(self.internal_hosts)), self.report_timezone)

    @property
    def ui_host_names(self) -> list[str]:
        return words(self.ui_hosts)

    @property
    def collect_origin_list(self) -> list[str]:
        return words(self.collect_origins)

    @property
    def dlq_topic(self) -> str:
        return self.kafka_topic + DLQ_SUFFIX

    @property
    def has_warm_spark(self) -> bool:
        """True if runs use the warm Spark of the local engines; a configured cluster takes precedence."""
        return bool(self.spark_gateway) and not self.spark_remote and self.spark_master.startswith("local")

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)

    @property
    def report_zone(self) -> ZoneInfo:
        return ZoneInfo(self.report_timezone)

    @property
    def contact_points(self) -> list[str]:
        return words(self.cassandra_hosts)

    def require(self, *names: str) -> None:
        """UserError naming the first of these settings that is empty."""
        for name in names:
            value = getattr(self, name)
            if not (value.get_secret_value() if isinstance(value, SecretStr) else value):
                raise UserError(
                    f"{variable(name)} is not set and no local engine is running ({self.state_dir / ENDPOINTS_FILE}): "
                    "set it, or run `recruit-assets engines start`"
                )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments take precedence over environment and secret files, and those over the local engines' file."""
        given = env_settings() | init_settings()
        engines = InitSettingsSource(settings_cls, _local_engines(Path(given.get("state_dir") or ".recruit"), given))
        return init_settings, env_settings, _secret_files(settings_cls), engines


class AccountPasswords(BaseSettings):
    """RECRUIT_ACCOUNT_<ROLE>: the passwords that `accounts apply` sets for the users of the report database."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX + "ACCOUNT_", env_ignore_empty=True, extra="ignore", frozen=True, hide_input_in_errors=True
    )

    owner: SecretStr = SecretStr("")
    ingest: SecretStr = SecretStr("")
    lineage: SecretStr = SecretStr("")
    analyst: SecretStr = SecretStr("")
    dagster: SecretStr = SecretStr("")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """As for the settings."""
        return init_settings, env_settings, _secret_files(settings_cls)


def _secret_files(settings_cls: type[BaseSettings]) -> PydanticBaseSettingsSource:
    """The secrets whose variable, with _FILE, names a file."""
    prefix = settings_cls.model_config["env_prefix"]
    fields = settings_cls.model_fields.items()
    names = {prefix + name.upper(): name for name, field in fields if field.annotation is SecretStr}
    found = secrets_in_files(names, os.environ)
    return InitSettingsSource(settings_cls, {names[variable]: secret for variable, secret in found.items()})


def _tls_is_missing(given: str, missing: str) -> str:
    return (
        f"{variable(given)} is set but {variable(missing)} isn't: set it to a PEM file with the CA, to `{TLS_SYSTEM}`, "
        f"or to `{TLS_OFF}` if the network is protected otherwise"
    )


def words(value: str) -> list[str]:
    """The parts of a comma-separated setting."""
    return [part.strip() for part in value.split(",") if part.strip()]


def variable(name: str) -> str:
    """The environment variable of a setting."""
    return PREFIX + name.upper()


def read_endpoints(state_dir: Path) -> dict[str, Any]:
    """Addresses and logins of the engines running in this directory, by setting name; none without such engines."""
    found = read_object(
        state_dir / ENDPOINTS_FILE, remedy="remove it, then run `recruit-assets engines start`, which writes it anew"
    )
    return found if found.pop("state_dir", str(state_dir)) == str(state_dir) else {}


def _local_engines(state_dir: Path, given: Mapping[str, Any]) -> dict[str, Any]:
    """Addresses and logins of the local engines, but not of a store with another address in `given`: the login would
    go to another server.
    """
    try:
        found = read_endpoints(folder(state_dir))
    except ValueError:  # reported with the setting's name when it is validated
        return {}
    elsewhere = tuple(
        names[0].partition("_")[0] + "_"
        for names in STORE_ADDRESSES
        if any(name in found and str(given.get(name) or found[name]) != str(found[name]) for name in names)
    )
    return {name: value for name, value in found.items() if not name.startswith(elsewhere)}


def uses_other_engines(settings: Settings) -> bool:
    """True if the environment sets all addresses and no local engine is running."""
    are_set = all(getattr(settings, address) for address, *_ in STORE_ADDRESSES)
    return are_set and not read_endpoints(settings.state_dir)


def load_settings(**overrides: object) -> Settings:
    """Settings from overrides, environment and local engines; UserError names each invalid variable."""
    try:
        settings = Settings(**overrides)  # type: ignore[arg-type]  # pydantic checks what the type checker can't
    except ValidationError as error:
        raise UserError(f"Invalid setting: {'; '.join(_problem(each) for each in error.errors())}") from None
    if not settings.alert_urls.get_secret_value():
        _refuse_retired(os.environ)
    return settings


def _refuse_retired(environment: Mapping[str, str]) -> None:
    """An installation must not lose its alerts in silence. The value isn't shown: it may be a secret."""
    for name, equivalent in RETIRED.items():
        if environment.get(variable(name)):
            raise UserError(
                f"{variable(name)} is not used any more. Set {variable('alert_urls')} instead, to {equivalent}, and "
                f"remove {variable(name)}; docs/operators.md has more"
            )


def _problem(error: ErrorDetails) -> str:
    """A rule about several settings names them itself; other errors have the setting's name in `loc`."""
    return f"{variable(str(error['loc'][0]))}: {error['msg']}" if error["loc"] else error["msg"]


def as_environment(settings: Settings) -> Mapping[str, str]:
    """Every setting as an environment variable, secrets included."""
    values: dict[str, str] = {}
    for name in Settings.model_fields:
        value = getattr(settings, name)
        match value:
            case SecretStr():
                values[variable(name)] = value.get_secret_value()
            case datetime():
                values[variable(name)] = value.isoformat()
            case _:
                values[variable(name)] = str(value)
    return values


def export(settings: Settings) -> None:
    """Write all settings to this process's environment, for Dagster's EnvVar and for child processes."""
    values = as_environment(settings)
    for name in values:
        os.environ.pop(name + SUFFIX, None)  # a secret may be given once
    os.environ.update(values)
