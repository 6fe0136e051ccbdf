"""All subjects of `recruit-assets doctor`, in the order in which they are shown."""

from collections.abc import Sequence
from typing import Any

import dagster as dg

from recruit_assets.observability.doctor.cassandra import cassandra
from recruit_assets.observability.doctor.dagster import dagster
from recruit_assets.observability.doctor.examine import Subject, examine, not_looked_at
from recruit_assets.observability.doctor.files import files
from recruit_assets.observability.doctor.given_settings import given_settings
from recruit_assets.observability.doctor.kafka import kafka
from recruit_assets.observability.doctor.machine import machine
from recruit_assets.observability.doctor.mysql import mysql
from recruit_assets.observability.doctor.spark import spark
from recruit_assets.observability.doctor.verdict import AS_IT_SAYS, Finding, fail
from recruit_assets.runtime.errors import UserError
from recruit_assets.runtime.settings import Settings, uses_other_engines, variable

START = "run `recruit-assets engines start`"


def subjects(settings: Settings, *, jobs: Sequence[str], checks: Sequence[dg.AssetCheckKey]) -> list[Subject[Any]]:
    """`jobs` and `checks` name those of the code location whose last results are looked at. Opens nothing."""
    are_elsewhere = uses_other_engines(settings)

    def remedy(store: str, *names: str) -> str:
        given = " and ".join(map(variable, names))
        return f"start {store}, or correct {given}" if are_elsewhere else f"{START}, or correct {given}"

    return [
        machine(has_local_engines=not are_elsewhere),
        given_settings(settings),
        files(settings),
        kafka(settings, remedy=remedy("Kafka", "kafka_bootstrap")),
        cassandra(settings, remedy=remedy("Cassandra", "cassandra_hosts", "cassandra_port")),
        mysql(settings, remedy=remedy("the server", "mysql_host", "mysql_port")),
        spark(settings, remedy=remedy("Spark", "spark_master")),
        dagster(settings, jobs=jobs, checks=checks),
    ]


def findings_without_settings(error: UserError) -> list[Finding]:
    """What can be said while a setting is invalid: only this machine is looked at."""
    # the defaults, which nobody looks at: they only give the names of the checks
    first, given, *others = subjects(Settings.model_construct(), jobs=(), checks=())
    invalid = Finding(given.name, given.checks[0].name, fail(str(error), AS_IT_SAYS))
    rest = not_looked_at([given, *others], "a setting is invalid")
    return [*examine([first]), invalid, *rest[1:]]
