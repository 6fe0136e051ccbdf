"""What a committed offset belongs to, as the commit's metadata says: a topic, by its id, and a keyspace.

A topic that is deleted and made anew has the same name, and Kafka keeps offsets by name. Two deployments may use the
same group, and then each would get half of the events.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from kafka.structs import OffsetAndMetadata

from recruit_assets.runtime.errors import UserError
from recruit_assets.runtime.settings import Settings


@dataclass(frozen=True, slots=True)
class Owner:
    """The Cassandra keyspace whose ingest commits. Keyspaces of two clusters often share a name, never an id."""

    keyspace: str
    keyspace_id: str = ""
    """Empty where nobody has asked Cassandra; then the names decide."""

    def is_same(self, other: "Owner") -> bool:
        ids = {self.keyspace_id, other.keyspace_id}
        return self.keyspace == other.keyspace and (len(ids) == 1 or "" in ids)

    def __str__(self) -> str:
        return self.keyspace + (f" (id {self.keyspace_id})" if self.keyspace_id else "")


@dataclass(frozen=True, slots=True)
class CommitLabel:
    """The metadata of our commits."""

    topic_id: str
    owner: Owner

    def __str__(self) -> str:
        return f"topic id {self.topic_id}, keyspace {self.owner}"

    def encode(self) -> str:
        return json.dumps(
            {"topic_id": self.topic_id, "keyspace": self.owner.keyspace, "keyspace_id": self.owner.keyspace_id}
        )

    def covers(self, commit: OffsetAndMetadata) -> bool:
        """Whether the commit is of this topic and owner, or has no label: an older version, or an operator's reset."""
        found = label_of(commit)
        return found is None or (found.topic_id == self.topic_id and found.owner.is_same(self.owner))


def label_of(commit: OffsetAndMetadata) -> CommitLabel | None:
    """The commit's label; None if it has none of ours."""
    try:
        fields = json.loads(commit.metadata or "")
        return CommitLabel(str(fields["topic_id"]), Owner(str(fields["keyspace"]), str(fields["keyspace_id"])))
    except (ValueError, TypeError, KeyError):
        return None


def require_own_group(commits: Mapping[int, OffsetAndMetadata], owner: Owner, settings: Settings) -> None:
    """UserError if the group belongs to another keyspace: to the one that committed the lowest partition."""
    labels = [label for _, commit in sorted(commits.items()) if (label := label_of(commit)) is not None]
    if labels and not labels[0].owner.is_same(owner):
        raise UserError(
            f"RECRUIT_KAFKA_GROUP {settings.kafka_group} belongs to keyspace {labels[0].owner}, which has committed "
            f"its offsets of topic {settings.kafka_topic}; this is keyspace {owner}. Each would get a part of the "
            "events. Set RECRUIT_KAFKA_GROUP to a name of its own: ingest then reads the topic from its first offset"
        )
