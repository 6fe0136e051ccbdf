"""Changes to the schema of existing installations, in order: the n-th migration leads to version n.

A new one goes at the end and raises CURRENT_VERSION in contract/tables/bookkeeping.py. New tables, nullable columns and
indexes of Cassandra need no migration: `schema apply` creates them from the contract.
"""

from collections.abc import Sequence

from recruit_assets.stores.migrations import (
    m0001_baseline,
    m0002_replays,
    m0003_companies_follow_jobs,
    m0004_index_of_coverage,
    m0005_erasures,
)
from recruit_assets.stores.migrations.runner import Migration

MIGRATIONS: Sequence[Migration] = (
    m0001_baseline,
    m0002_replays,
    m0003_companies_follow_jobs,
    m0004_index_of_coverage,
    m0005_erasures,
)
