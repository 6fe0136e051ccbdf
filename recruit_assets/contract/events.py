"""The fields of one tracking event."""

from recruit_assets.contract.measures import ACTION_SPELLINGS
from recruit_assets.contract.types import Column, Type

FUTURE_ALLOWANCE_S = 300
"""An event may be this much later than its Kafka record's own timestamp."""
MAX_UID_BYTES = 8 * 1024
"""Cassandra may leave a longer text out of an index (sai_string_term_size_fail_threshold)."""


def _event(name: str, type: Type, description: str) -> Column:
    return Column(name, type, description, nullable=name != "create_time")


EVENT_COLUMNS = (
    _event("create_time", Type.TIMEUUID, "Identity and creation time of the event, a version-1 UUID"),
    _event("bid", Type.INT, "Price of one click; null counts as 0"),
    _event("bn", Type.TEXT, "Browser name"),
    _event("campaign_id", Type.INT, "Advertising campaign; null counts as 0"),
    _event("cd", Type.INT, "Colour depth of the screen, bits"),
    _event("custom_track", Type.TEXT, f"The user's action; counted are {', '.join(ACTION_SPELLINGS)}"),
    _event("de", Type.TEXT, "Document encoding"),
    _event("dl", Type.TEXT, "Document location, the page's URL"),
    _event("dt", Type.TEXT, "Document title"),
    _event("ed", Type.TEXT, "Event data as the tracker sent it"),
    _event("ev", Type.INT, "Event kind number of the tracker"),
    _event("group_id", Type.INT, "Group of jobs; null counts as 0"),
    _event("id", Type.TEXT, "Tracker's own identifier"),
    _event("job_id", Type.INT, "Job advertisement; a countable event without one is unattributed, 0 is a job"),
    _event("md", Type.TEXT, "Mobile device flag"),
    _event("publisher_id", Type.INT, "Site that showed the advertisement; null counts as 0"),
    _event("rl", Type.TEXT, "Referrer location"),
    _event("sr", Type.TEXT, "Screen resolution"),
    _event("ts", Type.TEXT, "Event time as received; where absent, the time inside create_time is the event time"),
    _event("tz", Type.INT, "Offset of the user's time zone, minutes"),
    _event("ua", Type.TEXT, "User agent"),
    _event("uid", Type.TEXT, "User identifier"),
    _event("utm_campaign", Type.TEXT, "UTM campaign"),
    _event("utm_content", Type.TEXT, "UTM content"),
    _event("utm_medium", Type.TEXT, "UTM medium"),
    _event("utm_source", Type.TEXT, "UTM source"),
    _event("utm_term", Type.TEXT, "UTM term"),
    _event("v", Type.INT, "Tracker version"),
    _event("vp", Type.TEXT, "Viewport size"),
)
"""The 29 fields of one Kafka message (a JSON object in UTF-8); only create_time is required."""
