"""Which field of an event each column of a file becomes: `--map column=field`."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from recruit_assets.runtime.errors import UserError

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class ColumnMap:
    """Fields by column; an empty field leaves the column out. Other columns keep their names."""

    fields: Mapping[str, str]

    def field_of(self, column: str) -> str:
        return self.fields.get(column, column)

    def fields_of(self, columns: Sequence[str], *, where: str) -> list[str]:
        """The field of each column; UserError if the map names a missing column, or two columns are the same field."""
        if missing := [column for column in self.fields if column not in columns]:
            raise UserError(f"{where} has no column {missing[0]}, which --map names; it has {', '.join(columns)}")
        self._require_one_each(columns, where=where)
        return [self.field_of(column) for column in columns]

    def renamed(self, row: Mapping[str, Value], *, where: str) -> dict[str, Value]:
        """The values by field; UserError if two columns of the row are the same field."""
        if self.fields.keys() & row.keys():
            self._require_one_each(row.keys(), where=where)
        named = ((self.field_of(column), value) for column, value in row.items())
        return {field: value for field, value in named if field}

    def _require_one_each(self, columns: Collection[str], *, where: str) -> None:
        first: dict[str, str] = {}
        for column in columns:
            field = self.field_of(column)
            if field and field in first:
                raise UserError(
                    f"{where}: columns {first[field]} and {column} are both the field {field}. Give one another name "
                    f"with --map COLUMN=FIELD, or leave it out with --map COLUMN="
                )
            first[field] = column


def parse_column_map(texts: Sequence[str]) -> ColumnMap:
    """The map of these COLUMN=FIELD; the last `=` counts, since a column's name may have one."""
    fields: dict[str, str] = {}
    for text in texts:
        column, separator, field = text.rpartition("=")
        if not separator or not column:
            raise UserError(f"--map must be COLUMN=FIELD, or COLUMN= to leave the column out, not {text}")
        if column in fields:
            raise UserError(f"--map names the column {column} twice")
        fields[column] = field.strip()
    return ColumnMap(fields)
