"""Column metadata of the assets, made from the contract: what the UI shows as schema and column lineage."""

from collections.abc import Iterable, Mapping

import dagster as dg

from recruit_assets.contract.types import Column, Type

OWNERS = ["team:data-platform"]


def column_schema(columns: Iterable[Column]) -> dg.TableSchema:
    """Names, types and meanings of the columns."""
    return dg.TableSchema(columns=[_column(column) for column in columns])


def column_lineage(upstream: dg.AssetKey, sources: Mapping[str, tuple[str, ...]]) -> dg.TableColumnLineage:
    """Which columns of the upstream asset each column comes from."""
    return dg.TableColumnLineage(
        {
            column: [dg.TableColumnDep(asset_key=upstream, column_name=name) for name in names]
            for column, names in sources.items()
        }
    )


def same_names(*names: str) -> dict[str, tuple[str, ...]]:
    """Columns that are copied from columns of the same name."""
    return {name: (name,) for name in names}


def _column(column: Column) -> dg.TableColumn:
    constraints = dg.TableColumnConstraints(nullable=column.nullable)
    return dg.TableColumn(
        column.name, type=_TYPE_NAMES[column.type], description=column.description, constraints=constraints
    )


_TYPE_NAMES = {type_: type_.name.lower() for type_ in Type}
