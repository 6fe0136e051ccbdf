"""The files of the published contract."""

import json
from collections.abc import Mapping
from pathlib import Path

import yaml

from recruit_assets.contract.published.data_contract import Json, event_contract, report_contract
from recruit_assets.contract.published.event_schema import event_schema

EVENT_SCHEMA, EVENT_CONTRACT, REPORT_CONTRACT = "event.schema.json", "event.odcs.yaml", "report.odcs.yaml"
HEADER = "# Written by `make contract`; don't edit.\n"
LINE_LENGTH = 120


def texts() -> Mapping[str, str]:
    """Each file's text by its name."""
    return {
        EVENT_SCHEMA: json.dumps(event_schema(), indent=2) + "\n",
        EVENT_CONTRACT: _yaml(event_contract()),
        REPORT_CONTRACT: _yaml(report_contract()),
    }


def write_files(folder: Path) -> None:
    """Write every file, replacing what is there."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in texts().items():
        (folder / name).write_text(text, encoding="utf-8")


def _yaml(document: Json) -> str:
    return HEADER + yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=LINE_LENGTH)
