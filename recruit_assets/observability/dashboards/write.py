"""The files in docker/grafana that this package generates."""

import json
from collections.abc import Mapping
from pathlib import Path

from recruit_assets.observability.dashboards import alert_rules
from recruit_assets.observability.dashboards.budgets import BUDGETS
from recruit_assets.observability.dashboards.document import Json
from recruit_assets.observability.dashboards.health import HEALTH
from recruit_assets.observability.dashboards.performance import PERFORMANCE
from recruit_assets.observability.dashboards.quality import QUALITY


def texts() -> Mapping[str, str]:
    """Each file's text by its path in the folder."""
    dashboards = {f"dashboards/{one.uid}.json": _text(one.as_json()) for one in (PERFORMANCE, QUALITY, BUDGETS, HEALTH)}
    return dashboards | {"provisioning/alerting/rules.json": _text(alert_rules.as_document())}


def write_files(folder: Path) -> None:
    """Write every file, replacing what is there."""
    for path, text in texts().items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")


def _text(document: Json) -> str:
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"
