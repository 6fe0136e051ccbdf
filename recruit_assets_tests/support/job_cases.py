"""Events and the job that they count for, computed by hand: what both of the pipeline's implementations must find.

The rules are `job_id,ed.jobId,ed.data.job_id,dl`, the pattern /(?:stelle|job)/(?<job_id>[0-9]+).
"""

from typing import NamedTuple

RULES = ("job_id", "ed.jobId", "ed.data.job_id", "dl")
PATTERN = "/(?:stelle|job)/(?<job_id>[0-9]+)"

Found = tuple[str, int, int, int, int] | None
"""Rule, job, publisher, campaign, group."""


class Case(NamedTuple):
    """An event: its ids of GRAIN, event data and landing URL; and what is found."""

    own: tuple[int | None, int | None, int | None, int | None]
    ed: str | None
    dl: str | None
    found: Found


NOBODY = (None, None, None, None)
URL = "https://jobs.example/stelle/7?x=/job/8"
DEEP = 600


def data(ed: str | None, *found: int) -> Case:
    """An event that says nothing itself, with this event data; what rule ed.jobId finds."""
    return Case(NOBODY, ed, None, ("ed.jobId", *(*found, 0, 0, 0)[:4]) if found else None)  # type: ignore[arg-type]  # four ids


def url(dl: str | None, *found: int) -> Case:
    return Case(NOBODY, None, dl, ("dl", *found, 0, 0, 0) if found else None)  # type: ignore[arg-type]  # four ids


CASES = (
    # several rules
    Case((1, 2, 3, 4), '{"jobId":5}', URL, ("job_id", 1, 2, 3, 4)),
    Case((0, None, None, None), '{"jobId":5,"publisherId":6}', URL, ("job_id", 0, 0, 0, 0)),
    Case((-9, 0, 0, 0), '{"jobId":5}', None, ("job_id", -9, 0, 0, 0)),
    Case(NOBODY, '{"jobId":5,"data":{"job_id":6}}', URL, ("ed.jobId", 5, 0, 0, 0)),
    Case(NOBODY, '{"jobId":-5,"data":{"job_id":6}}', URL, ("ed.data.job_id", 6, 0, 0, 0)),
    Case(NOBODY, '{"jobId":null,"data":{"job_id":null}}', URL, ("dl", 7, 0, 0, 0)),
    Case((None, 2, None, 4), "no JSON", URL, ("dl", 7, 2, 0, 4)),
    Case((None, 2, 3, 4), None, None, None),
    # publisher, campaign and group: the event's own, else those beside the job
    data('{"customEvent":"click","jobId":192,"publisherId":0,"userId":123}', 192),
    data('{"jobId":192,"publisherId":2,"campaignId":"3","groupId":4.0}', 192, 2, 3, 4),
    Case((None, 9, None, 0), '{"jobId":1,"publisherId":2,"campaignId":3,"groupId":4}', None, ("ed.jobId", 1, 9, 3, 0)),
    data('{"jobId":192,"publisherId":-2,"campaignId":true,"groupId":[4]}', 192),
    data('{"jobId":192,"publisher_id":2}', 192),
    Case(NOBODY, '{"publisher_id":1,"data":{"job_id":6,"publisher_id":2,"publisherId":3}}', None,
         ("ed.data.job_id", 6, 2, 0, 0)),
    # what an id is
    data('{"jobId":192}', 192), data('{"jobId":192.0}', 192), data('{"jobId":"192"}', 192),
    data('{"jobId":"192.0"}', 192), data('{"jobId":1.92e2}', 192), data('{"jobId":19200E-2}', 192),
    data('{"jobId":"0192"}', 192), data('{"jobId":0}', 0),
    data('{"jobId":-0.0}', 0), data('{"jobId":"1e2"}', 100), data('{"jobId":192.000000000000000001}', 192),
    data('{"jobId":2147483647}', 2**31 - 1), data('{"jobId":2147483647.0}', 2**31 - 1),
    data('{"jobId":"2147483647.0"}', 2**31 - 1), data('{"jobId":12345678.0}', 12345678),
    data('{"jobId":2147483648}'), data('{"jobId":-1}'), data('{"jobId":"-1"}'), data('{"jobId":192.5}'),
    data('{"jobId":18446744073709551616}'), data('{"jobId":4294967488}'), data('{"jobId":1e400}'),
    data('{"jobId":"1e400"}'), data('{"jobId":null}'), data('{"jobId":true}'), data('{"jobId":"true"}'),
    data('{"jobId":""}'), data('{"jobId":" 192"}'), data('{"jobId":"192\\n"}'), data('{"jobId":"192a"}'),
    data('{"jobId":"192d"}'), data('{"jobId":"1_9"}'), data('{"jobId":"0x12"}'), data('{"jobId":"+5"}'),
    data('{"jobId":"NaN"}'), data('{"jobId":"Infinity"}'), data('{"jobId":".5"}'), data('{"jobId":"5."}'),
    data('{"jobId":"١٩٢"}'), data('{"jobId":[192]}'), data('{"jobId":{"id":192}}'), data('{"jobId":{"jobId":192}}'),
    data('{"jobid":192}'), data('{"JobId":192}'), data('{"data":{"jobId":192}}'),
    # what isn't a JSON object
    data(None), data(""), data(" "), data("null"), data("192"), data('"192"'), data("jobId=192&x=1"),
    data('[{"jobId":192}]'), data('{"jobId":192'), data('{"jobId":192,}'), data('{"x":tru,"jobId":192}'),
    data("{'jobId':192}"), data('{jobId:192}'), data('{"jobId":0192}'), data('{"jobId":+192}'), data('{"jobId":NaN}'),
    data('{"jobId":192,"x":NaN}'), data('{"jobId":192,"x":-Infinity}'), data('{"jobId":192,"x":"\\q"}'),
    data('{"jobId":192,"publisherId":"\\q"}'), data('{"jobId":192,"x":"\t"}'), data('{"jobId":192 "x":1}'),
    data('{"jobId":192,"x":{"y":}}'), data('/* */{"jobId":192}'), data('\ufeff{"jobId":192}'), data('x{"jobId":192}'),
    data('{"x":' * DEEP + "1" + "}" * DEEP), data('{"jobId":192,"x":' + "[" * DEEP + "]" * DEEP + "}"),
    data('{"jobId":192,"x":' + "9" * 400 + "}"),
    # what is one all the same
    data(' \t\r\n{ "jobId" : 192 } ', 192), data('{"jobId":192} and more', 192), data('{"jobId":192}}', 192),
    data('{"jobId":1,"jobId":2}', 2), data('{"jobId":1,"jobId":null}'), data('{"job\\u0049d":192}', 192),
    data('{"jobId":192,"title":"cut \\ud83d"}', 192), data('{"jobId":192,"x":1e400}', 192),
    data('{"jobId":192,"x":{"a":[1,{"b":null}],"c":"}"}}', 192), data('{"jobId":"\\u0031"}', 1),
    data('{"jobId":192,"ü":"🦊","\\u0000":0}', 192), data('{"jobId":192,"x":' + "9" * 200 + "}", 192),
    # objects in the object
    Case(NOBODY, '{"data":{"job_id":6,"x":[{}]}}', None, ("ed.data.job_id", 6, 0, 0, 0)),
    Case(NOBODY, '{"data":{"job_id":1},"data":{"job_id":2}}', None, ("ed.data.job_id", 2, 0, 0, 0)),
    Case(NOBODY, '{"data":{"job_id":1},"data":null}', None, None),
    Case(NOBODY, '{"data":{"job_id":1},"data":5}', None, None),
    Case(NOBODY, '{"data":5,"data":{"job_id":1}}', None, None),
    Case(NOBODY, '{"data":"{\\"job_id\\":6}"}', None, None),
    Case(NOBODY, '{"data":[{"job_id":6}]}', None, None),
    Case(NOBODY, '{"data":{"job_id":6}', None, None),
    # landing URLs
    url(URL, 7), url("https://jobs.example/job/0007", 7), url("/job/"), url("/JOB/7"), url(""), url(None),
    url("/job/2147483648"), url("/job/2147483648/job/5"), url("/job/\u0667"), url("x" * 995 + "/job/7"),
    url("x" * 990 + "/job/7", 7),
    url("🦊" * 994 + "/job/78", 7),
)  # fmt: skip
