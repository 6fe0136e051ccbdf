"""The oldest engines that we were tested with."""

import re
from collections.abc import Sequence

from recruit_assets.observability.doctor.verdict import Verdict, ok, warn

OLDEST = {"Kafka": (4, 0), "Cassandra": (5, 0), "MySQL": (8, 4), "MariaDB": (10, 11)}


def version(store: str, *found: str) -> Verdict:
    """The versions of the store's servers, as they spell them."""
    oldest = ".".join(map(str, OLDEST[store]))
    text = f"{store} {', '.join(found)}"
    if any(_numbers(one) < OLDEST[store] for one in found):
        return warn(f"{text}, older than {oldest}, the oldest that was tested", f"upgrade {store}")
    if len(found) > 1:
        return warn(f"{text}: the nodes have different versions", "finish the upgrade of the cluster")
    return ok(text)


def sql_store(spelt: str) -> str:
    """Which of the two servers has such a version."""
    return "MariaDB" if "mariadb" in spelt.lower() else "MySQL"


def dotted(numbers: Sequence[int]) -> str:
    return ".".join(map(str, numbers))


def _numbers(spelt: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", spelt)[:2])
