"""Rules of the stored schema, of either store."""

from collections.abc import Sequence

from recruit_assets.contract.tables import CURRENT_VERSION
from recruit_assets.observability.doctor.verdict import Verdict, fail, ok, shown

APPLY = "run `recruit-assets schema apply`"


def tables(differences: Sequence[str]) -> Verdict:
    """What differs from the contract. The command adds what is missing, and says what to do about the rest."""
    if differences:
        return fail(shown(differences), APPLY)
    return ok("every table and column is as the program expects")


def version(stored: int) -> Verdict:
    """`stored` is 0 if no version is recorded. One that isn't ours is refused before, with a message that says so."""
    if stored == 0:
        return fail(f"no schema version is recorded, this program needs {CURRENT_VERSION}", APPLY)
    return ok(f"version {stored}")
