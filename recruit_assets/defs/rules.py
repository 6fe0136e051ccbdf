"""RECRUIT_ATTRIBUTION of this process: the same for an asset's body, its code version and its IO manager."""

from recruit_assets.runtime.settings import load_settings

RULES = load_settings().job_rules
