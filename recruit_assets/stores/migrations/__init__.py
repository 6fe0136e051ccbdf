"""What changes the schema of an existing installation, in order: the n-th migration leads to version n.

A new one goes at the end, and raises CURRENT_VERSION in contract/tables.py. Missing tables and missing nullable columns
need none: `schema apply` creates them from the contract.
"""

from collections.abc import Sequence

from recruit_assets.stores.migrations import m0001_baseline
from recruit_assets.stores.migrations.runner import Migration

MIGRATIONS: Sequence[Migration] = (m0001_baseline,)
