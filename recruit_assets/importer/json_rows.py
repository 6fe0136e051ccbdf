"""Rows of a file with a JSON object in each line."""

from collections.abc import Iterator

from recruit_assets.importer.column_map import ColumnMap
from recruit_assets.importer.lines import Line, beginning
from recruit_assets.importer.rows import REJECTED, RefusedRow, Row
from recruit_assets.runtime.errors import RejectedEvent, UserError
from recruit_assets.transforms.decode import decode, exact_numbers


def json_rows(lines: Iterator[Line], columns: ColumnMap, *, name: str, max_bytes: int) -> Iterator[Row | RefusedRow]:
    """The rows. Numbers keep their text, so that nothing is rounded.

    UserError at the end if no row has a column that the map names.
    """
    renamed, unseen = {REJECTED, *columns.fields}, set(columns.fields)
    for line in lines:
        if isinstance(line, RefusedRow):
            yield line
            continue
        number, value = line[0], line[1].strip()
        if not value:
            continue
        try:
            document = decode(value, max_bytes)
            # as sent, where the line can't be sent itself
            is_sent_itself = document.get("create_time") is not None and not renamed & document.keys()
            fields = document if is_sent_itself else exact_numbers(value)
        except RejectedEvent as why:
            yield RefusedRow(number, why.reason, str(why), text=beginning(value))
            continue
        unseen -= fields.keys()
        fields.pop(REJECTED, None)
        fields = columns.renamed(fields, where=f"{name}, line {number}")
        present = {field: found for field, found in fields.items() if found is not None}
        yield Row(number, present, json=value if is_sent_itself else None)
    if unseen:
        raise UserError(f"no row of {name} has the column {min(unseen)}, which --map names")
