"""The login of a local engine's only user. Other users of the machine reach the engine's port, and can't log in."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from recruit_assets.runtime.files import atomic_write
from recruit_assets.runtime.settings import TLS_OFF


@dataclass(frozen=True, slots=True)
class Login:
    """A user with a random password, which is kept in a private file."""

    user: str
    file: Path

    def create(self) -> str:
        """The password, which is chosen and stored if there is none yet."""
        if not self.password:
            atomic_write(self.file, secrets.token_urlsafe(24), private=True)
        return self.password

    @property
    def password(self) -> str:
        """Empty if the engine was last started by a version that asked for no login."""
        return self.file.read_text(encoding="utf-8") if self.file.exists() else ""

    @property
    def pair(self) -> tuple[str, str] | None:
        """User and password; None without a password."""
        password = self.password
        return (self.user, password) if password else None

    def settings(self, store: str) -> Mapping[str, str]:
        """User and password as settings of Kafka's or Cassandra's clients; none without a password."""
        pair = self.pair
        if pair is None:
            return {}
        user, password = pair
        # nothing leaves this machine
        return {f"{store}_user": user, f"{store}_password": password, f"{store}_tls_ca": TLS_OFF}
