"""Spark: that the one which runs would use can be reached."""

from contextlib import nullcontext
from pathlib import Path
from urllib.parse import urlsplit

from recruit_assets.observability.doctor.examine import Check, Subject
from recruit_assets.observability.doctor.verdict import Verdict, ok
from recruit_assets.runtime.settings import Settings
from recruit_assets.stores.probes import require_listener
from recruit_assets.stores.spark.warm import probe_spark

CONNECT_PORT, MASTER_PORT = 15002, 7077


def spark(settings: Settings, *, remedy: str) -> Subject[Settings]:
    return Subject("Spark", lambda: nullcontext(settings), CHECKS, remedy)


def _reachable(settings: Settings) -> Verdict:
    """A job of the warm Spark. Elsewhere a session would take a share of the cluster, so only the port is tried."""
    if settings.has_warm_spark:
        probe_spark(Path(settings.spark_gateway))
        return ok("the warm Spark ran a job")
    remote, master = settings.spark_remote, settings.spark_master
    if remote:
        return _listens("Spark Connect", remote, CONNECT_PORT)
    if master.startswith("spark://"):
        # of several masters, the first: the others are its stand-ins
        return _listens("Spark's master", master.partition(",")[0], MASTER_PORT)
    return ok(f"each run starts its own ({master})")


def _listens(what: str, address: str, default_port: int) -> Verdict:
    found = urlsplit(address)
    host, port = found.hostname or "", found.port or default_port
    require_listener(what, host, port)
    return ok(f"{what} at {host}:{port} listens; no job was run")


CHECKS: tuple[Check[Settings], ...] = (Check("reachable", _reachable),)
