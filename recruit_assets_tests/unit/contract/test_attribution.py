"""The rules of RECRUIT_ATTRIBUTION: which there are, what is recorded of them, and their keys in `ed`."""

import pytest

from recruit_assets.contract.attribution import DEFAULT, Rule, attribution, rules_of


@pytest.mark.parametrize(
    ("path", "keys"),
    [
        (("jobId",), ("jobId", "publisherId", "campaignId", "groupId")),
        (("data", "job_id"), ("job_id", "publisher_id", "campaign_id", "group_id")),
        (("JobID",), ("JobID", "PublisherID", "CampaignID", "GroupID")),
        (("job",), ("job", "publisher", "campaign", "group")),
        (("vacancy",), ("vacancy", None, None, None)),
    ],
)
def test_the_other_ids_are_beside_the_job(path: tuple[str, ...], keys: tuple[str | None, ...]) -> None:
    assert Rule("a rule", path).keys == keys


@pytest.mark.parametrize(
    ("names", "why"),
    [
        ([], "must have job_id"),
        (["ed.jobId"], "must have job_id"),
        (["job_id", "job_id"], "has job_id twice"),
        (["job_id", "ed"], "the rule 'ed'"),
        (["job_id", "ed."], r"the rule 'ed\.'"),
        (["job_id", "ed.job Id"], "the rule 'ed.job Id'"),
        (["job_id", "ed._mistake"], "the rule 'ed._mistake'"),
        (["job_id", "ed.a.b.c.d.e"], "at most 4 keys"),
        (["job_id", "uid"], "the rule 'uid'"),
        (["job_id", *(f"ed.a{number}" for number in range(8))], "has 9 rules"),
    ],
)
def test_other_rules_are_refused(names: list[str], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        rules_of(names)


def test_nothing_is_recorded_of_events_own_jobs() -> None:
    assert (attribution(["job_id"], ""), DEFAULT.recorded) == (DEFAULT, "")


def test_other_rules_are_recorded_in_their_order_with_the_pattern() -> None:
    one = attribution(["ed.jobId", "dl", "job_id"], r"/(?<job_id>\d+)")

    assert one.recorded == "ed.jobId,dl,job_id /([0-9]+)"
    assert one == attribution(["ed.jobId", "dl", "job_id"], "/(?P<job_id>[0-9]+)")
