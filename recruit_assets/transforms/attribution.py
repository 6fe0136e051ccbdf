"""Finds the job of countable events in Spark, by the rules of RECRUIT_ATTRIBUTION.

`found_jobs` does the same in Python; a test compares the two. Expressions are SQL text, see `hourly`.
"""

from collections.abc import Iterator, Sequence

from pyspark.sql import DataFrame

from recruit_assets.contract.attribution import (
    GREATEST_ID,
    ID_TEXT,
    MOST_CONTAINERS,
    MOST_DIGITS,
    OWN,
    Attribution,
    Rule,
)
from recruit_assets.contract.measures import SUMMED_FIELDS
from recruit_assets.contract.tables import FILTERED_EVENTS, GRAIN
from recruit_assets.contract.url_patterns import LONGEST_URL
from recruit_assets.transforms.hourly import countable
from recruit_assets.transforms.spark_sql import literal

RULE = FILTERED_EVENTS.counted_by
"""The column with the position of the rule that found the job."""
_STRICT = {
    "mode": "PERMISSIVE",
    "columnNameOfCorruptRecord": "_mistake",
    "allowSingleQuotes": "false",
    "allowNonNumericNumbers": "false",
}
"""Of a text that isn't JSON, `_mistake` isn't null: without it, the fields before the mistake would count."""


def countable_with_found_jobs(raw_events: DataFrame, attribution: Attribution) -> DataFrame:
    """The events whose action counts, with the job that the first rule finds, and the column RULE.

    Both are null if no rule finds one. Without other rules than the event's own job it is `countable`, without RULE.
    """
    if attribution.is_default:
        return countable(raw_events)
    # `countable` takes the job as it is, so it can take the rule along
    events = countable(_with_found_jobs(raw_events, attribution))
    unchanged = (name for name in events.columns if name != "job_id")
    return events.selectExpr("job_id.id AS job_id", *unchanged, f"job_id.rule AS {RULE}")


def with_found_jobs(raw_events: DataFrame, attribution: Attribution) -> DataFrame:
    """The events with the job that the first rule finds, null if none does, and what belongs to it; null where unknown.

    The other columns, and events that don't count, stay as they are.
    """
    if attribution.is_default:
        return raw_events
    named = _with_found_jobs(raw_events, attribution)
    return named.selectExpr("job_id.id AS job_id", *(f"`{name}`" for name in named.columns if name != "job_id"))


def with_action(raw_events: DataFrame, spellings: Sequence[str], attribution: Attribution) -> DataFrame:
    """The events with one of these values of `custom_track` and a job that a rule finds.

    Other null ids and null summed fields are 0, as in `countable`.
    """
    chosen = raw_events.where(f"custom_track IN ({', '.join(map(literal, spellings))})")
    found = with_found_jobs(chosen, attribution).where("job_id IS NOT NULL")
    return found.fillna(0, subset=[*GRAIN[1:], *SUMMED_FIELDS])


def _with_found_jobs(raw_events: DataFrame, attribution: Attribution) -> DataFrame:
    """`with_found_jobs`, but job_id is a struct of the job's id and the rule's position."""
    parsed = raw_events.selectExpr("*", *_parsed(attribution))
    with_ids = parsed.selectExpr("*", *_ids(attribution.rules, attribution.url_pattern))
    others = (f"`{name}`" for name in raw_events.columns if name not in GRAIN)
    return with_ids.selectExpr(*others, *_first(attribution.rules))


def _parsed(attribution: Attribution) -> Iterator[str]:
    """A column for each rule of `ed`: the object, null where it isn't needed or can't be read."""
    for number, rule in enumerate(attribution.rules):
        if not rule.path:
            continue
        readable = [
            f"length(ed) - length(translate(ed, '{{[', '')) <= {MOST_CONTAINERS}",
            f"NOT ed RLIKE '[0-9]{{{MOST_DIGITS}}}'",
        ]
        if OWN in attribution.names[:number]:
            readable.insert(0, "job_id IS NULL")
        options = ", ".join(literal(word) for pair in _STRICT.items() for word in pair)
        parsed = f"from_json(ed, {literal(_schema(rule))}, map({options}))"
        yield f"if({' AND '.join(readable)}, {parsed}, NULL) AS _ed{number}"


def _schema(rule: Rule) -> str:
    """The fields that the rule reads. All are strings: whatever stands there is read, and its text checked."""
    fields = ", ".join(f"`{key}`: STRING" for key in rule.keys if key)
    for key in reversed(rule.path[:-1]):
        fields = f"`{key}`: STRUCT<{fields}>"
    return f"STRUCT<{fields}, _mistake: STRING>"


def _ids(rules: tuple[Rule, ...], url_pattern: str) -> Iterator[str]:
    """For each rule the columns with what it finds: _job0 and, in `ed`, _publisher_id0 and so on."""
    for number, rule in enumerate(rules):
        if rule.name == OWN:
            yield f"job_id AS _job_id{number}"
        elif not rule.path:
            url = f"substring(dl, 1, {LONGEST_URL})"
            yield f"{_id(f'regexp_extract({url}, {literal(url_pattern)}, 1)')} AS _job_id{number}"
        for name, key in zip(GRAIN, rule.keys if rule.path else (), strict=False):
            place = ".".join(f"`{part}`" for part in (f"_ed{number}", *rule.path[:-1], key) if part)
            found = f"if(_ed{number}._mistake IS NULL, {_id(place)}, NULL)" if key else "cast(NULL AS int)"
            yield f"{found} AS _{name}{number}"


def _first(rules: tuple[Rule, ...]) -> Iterator[str]:
    """The job of the first rule that finds one, and what belongs to it."""
    jobs = [f"_job_id{number}" for number in range(len(rules))]
    cases = " ".join(f"WHEN {job} IS NOT NULL THEN {number}" for number, job in enumerate(jobs))
    yield f"struct(coalesce({', '.join(jobs)}) AS id, CASE {cases} END AS rule) AS job_id"
    for name in GRAIN[1:]:
        others = " ".join(
            f"WHEN {job} IS NOT NULL THEN {f'_{name}{number}' if rule.path else 'NULL'}"
            for number, (job, rule) in enumerate(zip(jobs, rules, strict=True))
        )
        yield f"coalesce({name}, CASE {others} END) AS {name}"


def _id(text: str) -> str:
    """The id that a text is; null if it is none."""
    pattern, value = literal(rf"^{ID_TEXT}\z"), f"try_cast({text} AS double)"
    is_id = f"{text} RLIKE {pattern} AND {value} BETWEEN 0 AND {GREATEST_ID} AND {value} % 1 = 0"
    return f"if({is_id}, cast({value} AS int), NULL)"


FINDS_JOBS = (
    *(countable_with_found_jobs, _with_found_jobs, _parsed, _schema, _ids, _first, _id),
    *(_STRICT, ID_TEXT, GREATEST_ID, MOST_CONTAINERS, MOST_DIGITS, LONGEST_URL),
)
"""What decides whose job an event is: the asset's code version follows these."""
