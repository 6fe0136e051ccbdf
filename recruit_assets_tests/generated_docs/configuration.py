"""docs/configuration.md: every setting with its default, its allowed values and its meaning."""

from collections.abc import Iterator
from datetime import datetime
from typing import Literal, get_args, get_origin

from annotated_types import Ge, Le
from pydantic import SecretStr
from pydantic.fields import FieldInfo

from recruit_assets.runtime.settings import PREFIX, AccountPasswords, Settings, variable

GROUPS = {
    "Kafka and ingest": ("kafka_", "max_event_", "ingest_", "metrics_"),
    "Cassandra": ("cassandra_",),
    "MySQL or MariaDB": ("mysql_", "analyst_"),
    "Spark": ("spark_",),
    "Hours, retention and privacy": ("first_hour", "retention_", "timezone", "report_timezone", "privacy"),
    "Dagster's UI, runs and alerts": ("ui_", "grafana_", "run_", "alert_"),
    "This machine": ("state_", "cache_"),
}
"""Prefixes of the settings' names by section. A setting without one of them comes last."""
OTHERS = "Other settings"

INTRODUCTION = """\
# Configuration

Settings are environment variables. They are checked when a command starts: a wrong one ends it with exit code 2 and one
line that names the variable. An empty variable counts as not set. In Docker they go into `docker/.env`.

A secret may be in a file instead: `RECRUIT_MYSQL_PASSWORD_FILE` names a file with the password, and so on.

An address that isn't set is that of the local engines in `RECRUIT_STATE_DIR`; `recruit-assets engines env` prints it.

Written by `make docs` from `recruit_assets/runtime/settings/`; don't edit.
"""
ACCOUNTS = """
## Passwords of the report database's users

`recruit-assets accounts apply` reads them; without one of them it leaves that user as it is.

| variable | user |
|---|---|
"""
ELSEWHERE = """
## Variables of other programs

| variable | what it does here |
|---|---|
| `DAGSTER_HOME` | Dagster's home, in place of the one in `RECRUIT_STATE_DIR` |
| `JAVA_HOME` | a Java 17 for the local engines and Spark; another version is ignored |
| `SPARK_LOCAL_DIRS` | where a local Spark puts temporary files |
| `http_proxy`, `https_proxy`, `no_proxy` | for downloads and webhooks, never for addresses of this machine |
| `SSL_CERT_FILE`, `REQUESTS_CA_BUNDLE` | the CAs that downloads trust |
"""


def configuration_page() -> str:
    """The page's text."""
    fields = dict(Settings.model_fields)
    sections = []
    for title, prefixes in GROUPS.items():
        names = [name for name in fields if name.startswith(prefixes)]
        sections.append(_section(title, {name: fields.pop(name) for name in names}))
    if fields:
        sections.append(_section(OTHERS, fields))
    accounts = "".join(
        f"| `{PREFIX}ACCOUNT_{role.upper()}` | `recruit_{role}` |\n" for role in AccountPasswords.model_fields
    )
    return "\n".join([INTRODUCTION, *sections]) + ACCOUNTS + accounts + ELSEWHERE


def _section(title: str, fields: dict[str, FieldInfo]) -> str:
    rows = [
        f"| `{variable(name)}` | {_default(field)} | {', '.join(_allowed(field))} | {field.description} |"
        for name, field in fields.items()
    ]
    return "\n".join([f"## {title}\n", "| variable | default | allowed | meaning |", "|---|---|---|---|", *rows, ""])


def _default(field: FieldInfo) -> str:
    match field.get_default():
        case SecretStr() | "":
            return ""
        case datetime() as moment:
            return f"`{moment:%Y-%m-%dT%H:%M}`"
        case other:
            return f"`{other}`"


def _allowed(field: FieldInfo) -> Iterator[str]:
    """What the type says; rules that need words are in the description."""
    if field.annotation is SecretStr:
        yield "a secret"
    elif get_origin(field.annotation) is Literal:
        yield from (f"`{choice}`" for choice in get_args(field.annotation))
    lowest = next((rule.ge for rule in field.metadata if isinstance(rule, Ge)), None)
    highest = next((rule.le for rule in field.metadata if isinstance(rule, Le)), None)
    if highest is not None:
        yield f"{lowest} to {highest}"
    elif lowest is not None:
        yield f"at least {lowest}"
