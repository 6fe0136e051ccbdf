"""Each test starts with empty caches, so that none of its results come from another test."""

import pytest

from recruit_assets.transforms import decode, numbers, validate


@pytest.fixture(autouse=True)
def _empty_caches() -> None:
    for module in (decode, numbers, validate):
        for found in vars(module).values():
            if hasattr(found, "cache_clear"):
                found.cache_clear()
