"""What `privacy erase` refuses before it opens any store."""

import pytest

from recruit_assets.ingest.erasing import erase
from recruit_assets.runtime.errors import UserError
from recruit_assets.runtime.settings import load_settings


def test_nobody_is_erased_while_jobs_are_found_in_what_an_erasure_deletes() -> None:
    """The report would lose the clicks of the erased person."""
    settings = load_settings(attribution="job_id,ed.jobId")

    with pytest.raises(UserError, match=r"RECRUIT_ATTRIBUTION is job_id,ed\.jobId"):
        erase(settings, "jane@example.org")
