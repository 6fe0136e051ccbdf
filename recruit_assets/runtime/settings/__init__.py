"""The settings: RECRUIT_* environment variables, secret files, or else the addresses of running local engines.

No other package reads a setting from os.environ. Dagster resources take secrets from dg.EnvVar, so `export` writes the
resolved settings back to the environment.
"""

from recruit_assets.runtime.settings.accounts import AccountPasswords
from recruit_assets.runtime.settings.loading import RETIRED, as_environment, export, load_settings, uses_other_engines
from recruit_assets.runtime.settings.model import Settings
from recruit_assets.runtime.settings.sources import ENDPOINTS_FILE, PREFIX, STORE_ADDRESSES, read_endpoints, variable
from recruit_assets.runtime.settings.value_types import TLS_OFF, TLS_SYSTEM, as_utc, words

__all__ = (
    "ENDPOINTS_FILE",
    "PREFIX",
    "RETIRED",
    "STORE_ADDRESSES",
    "TLS_OFF",
    "TLS_SYSTEM",
    "AccountPasswords",
    "Settings",
    "as_environment",
    "as_utc",
    "export",
    "load_settings",
    "read_endpoints",
    "uses_other_engines",
    "variable",
    "words",
)
