"""Settings of the folders on this machine."""

from pathlib import Path

from pydantic import BaseModel, Field

from recruit_assets.runtime.places import Folder


class FolderSettings(BaseModel):
    """Where the platform keeps its files."""

    state_dir: Folder = Field(
        Path(".recruit"), description="Ports, logs and data of the local engines, Dagster's storage"
    )
    cache_dir: Folder = Field(
        Path("~/.cache/recruit_assets"), description="Downloaded engines and jars, shared by all clones"
    )
