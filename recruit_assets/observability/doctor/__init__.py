"""`recruit-assets doctor`: looks at everything that the platform needs, and says what is wrong and what to do.

A subject is what is reached in one way, such as Kafka; each of its checks is one line. `decisions` has the pure rules.
A new check is a rule there, a line in its subject's CHECKS, and a fault in the tests that makes it fail.
"""

from recruit_assets.observability.doctor.examine import Check, Subject, examine
from recruit_assets.observability.doctor.subjects import findings_without_settings, subjects
from recruit_assets.observability.doctor.verdict import Finding, State, Verdict, all_is_well

__all__ = [
    "Check",
    "Finding",
    "State",
    "Subject",
    "Verdict",
    "all_is_well",
    "examine",
    "findings_without_settings",
    "subjects",
]
