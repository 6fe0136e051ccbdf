"""The data contracts of event and report, as ODCS 3.1 documents."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from recruit_assets.contract.analyst_model import VIEWS, View
from recruit_assets.contract.events import EVENT_COLUMNS, FUTURE_ALLOWANCE_S
from recruit_assets.contract.tables import CLICK_QUALITY, DAILY_COMPANY_METRICS, DAILY_JOB_METRICS, MYSQL_REPORT
from recruit_assets.contract.types import Column, SqlTable, Type

Json = dict[str, Any]
"""A JSON object."""

SECONDS = "yyyy-MM-dd HH:mm:ss"
TYPES: dict[Type, tuple[str, Json]] = {
    Type.INT: ("integer", {"format": "i32"}),
    Type.BIGINT: ("integer", {"format": "i64"}),
    Type.DOUBLE: ("number", {"format": "f64"}),
    Type.TEXT: ("string", {}),
    Type.VARCHAR: ("string", {"maxLength": 255}),
    Type.VARCHAR_32: ("string", {"maxLength": 32}),
    Type.TIMEUUID: ("string", {"format": "uuid"}),
    Type.DATE: ("date", {"format": "yyyy-MM-dd"}),
    Type.TIMESTAMP: ("timestamp", {"format": f"{SECONDS}.SSS", "timezone": False}),
    Type.DATETIME: ("timestamp", {"format": SECONDS, "timezone": False}),
}
"""ODCS's logical type and its options. Times without a zone are UTC."""

REPORT_TABLES: tuple[SqlTable, ...] = (MYSQL_REPORT, DAILY_JOB_METRICS, DAILY_COMPANY_METRICS, CLICK_QUALITY)


class ReliedOnBy(StrEnum):
    """Whom a change can break."""

    SENDERS = "senders"
    READERS = "readers"


@dataclass(frozen=True, slots=True)
class DataContract:
    """What a contract says beside its fields.

    Its version rises by the rules of `compatibility`: the first number with a change that breaks those who rely on it,
    the second with any other change of the fields.
    """

    name: str
    version: str
    relied_on_by: ReliedOnBy
    purpose: str
    usage: str
    limitations: str


EVENT = DataContract(
    name="event",
    version="1.0.0",
    relied_on_by=ReliedOnBy.SENDERS,
    purpose="What a site's tracker sends to the event topic: one JSON object in UTF-8 per Kafka record.",
    usage="Any Kafka producer with acks=all. If in doubt, send a record again: an event counts once.",
    limitations=(
        "A record also becomes a dead letter if its event time is before RECRUIT_FIRST_HOUR, older than "
        f"RECRUIT_RETENTION_DAYS, or more than {FUTURE_ALLOWANCE_S} s after Kafka received it, or if it has more than "
        "RECRUIT_MAX_EVENT_BYTES."
    ),
)
REPORT = DataContract(
    name="report",
    version="1.1.0",
    relied_on_by=ReliedOnBy.READERS,
    purpose="Clicks, applications and spend per hour, job, publisher, campaign and group, and the same by day.",
    usage="Read it with any MySQL client. An hour or day is replaced in one transaction, so it is never read half.",
    limitations=(
        "Times are UTC; days of the daily tables are those of RECRUIT_REPORT_TIMEZONE. An hour or day may change "
        "later: late events and corrected jobs are counted in it."
    ),
)


def event_contract() -> Json:
    topic = {
        "name": "raw_events",
        "physicalType": "topic",
        "description": "The event topic. Fields that aren't listed are kept in `extra`.",
        "authoritativeDefinitions": [{"url": "event.schema.json", "type": "implementation"}],
    }
    return _document(EVENT, [topic | _object(EVENT_COLUMNS, key=("create_time",))])


def report_contract() -> Json:
    return _document(REPORT, [*map(_table, REPORT_TABLES), *map(_view, VIEWS)])


def _document(contract: DataContract, objects: Sequence[Json]) -> Json:
    return {
        "apiVersion": "v3.1.0",
        "kind": "DataContract",
        "id": f"urn:recruit-assets:{contract.name}",
        "name": contract.name,
        "version": contract.version,
        "status": "active",
        "dataProduct": "recruit_assets",
        "description": {
            "purpose": contract.purpose,
            "usage": contract.usage,
            "limitations": contract.limitations,
        },
        "schema": list(objects),
    }


def _table(table: SqlTable) -> Json:
    described = {
        "name": table.name,
        "physicalType": "table",
        "description": table.description,
        "dataGranularityDescription": f"One row per {', '.join(table.primary_key)}",
    }
    return described | _object(table.columns, table.primary_key)


def _view(view: View) -> Json:
    return {"name": view.name, "physicalType": "view", "description": view.description} | _object(view.columns)


def _object(columns: Sequence[Column], key: Sequence[str] = ()) -> Json:
    return {"logicalType": "object", "properties": [_property(column, key) for column in columns]}


def _property(column: Column, key: Sequence[str]) -> Json:
    logical, options = TYPES[column.type]
    found: Json = {"name": column.name, "logicalType": logical}
    if options:
        found["logicalTypeOptions"] = dict(options)
    found |= {"required": not column.nullable, "description": column.description}
    if column.name in key:
        found |= {"primaryKey": True, "primaryKeyPosition": list(key).index(column.name) + 1}
    return found
