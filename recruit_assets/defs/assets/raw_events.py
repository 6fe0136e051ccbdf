"""The asset raw_events: what Kafka holds, as rows of Cassandra."""

import dagster as dg

from recruit_assets.contract.tables import RAW_EVENTS
from recruit_assets.defs.assets.column_metadata import OWNERS, column_schema
from recruit_assets.defs.assets.documentation import FOR_OPERATORS
from recruit_assets.defs.assets.sources import kafka_topic
from recruit_assets.defs.resources import KafkaResource
from recruit_assets.defs.resources.current_run import CurrentRun
from recruit_assets.defs.resources.failures import as_failures
from recruit_assets.defs.resources.kafka import Backlog
from recruit_assets.defs.runs import names_partitions
from recruit_assets.runtime.errors import UserError
from recruit_assets.stores.dagster.compat import has_partitioned_assets


@dg.asset(
    deps=[kafka_topic],
    io_manager_key="cassandra_io_manager",
    group_name="recruitment",
    kinds={"kafka", "cassandra"},
    owners=OWNERS,
    code_version="1",  # a drain only adds events; it doesn't make the hours before it stale
    description=f"{RAW_EVENTS.description} Materializing drains the topic to its end as seen at the start.",
    metadata={"docs": FOR_OPERATORS, "dagster/column_schema": column_schema(RAW_EVENTS.columns)},
)
def raw_events(context: dg.AssetExecutionContext, kafka: KafkaResource) -> Backlog:
    """The records that ingest hasn't committed. The IO manager stores each before its offset moves.

    A run that is to replace hours after that, but doesn't say which, fails before it drains anything.
    """
    with as_failures(CurrentRun(context.instance, context.run.run_id)):
        if has_partitioned_assets(context.job_def) and not names_partitions(context.run.tags):
            raise UserError(f"{context.job_name} replaces hours, this run names none: launch it again, pick partitions")
    return kafka.backlog()
