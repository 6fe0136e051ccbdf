"""What is kept of the texts that were read as numbers; their values are in `test_validate`."""

import pytest

from recruit_assets.transforms import numbers


@pytest.mark.parametrize(("length", "kept"), [(32, 1), (33, 0)])
def test_only_short_texts_are_kept(length: int, kept: int) -> None:
    """A producer that sends long ones would otherwise fill the memory: the cache has 4,096 places."""
    assert numbers.spelled_number("7".rjust(length, "0")) == 7

    assert numbers._cached_number.cache_info().currsize == kept
