"""Downloads one artifact from the first repository that has it, with retries, and checks its SHA-256."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import requests
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential
from tenacity.wait import wait_base

from recruit_assets.runtime.artifacts.lockfile import LockedArtifact
from recruit_assets.runtime.artifacts.repositories import TIMEOUT_S, without_login
from recruit_assets.runtime.errors import Inconsistent, UserError

Advance = Callable[[int], None]
"""Takes the number of bytes received; negative when an attempt failed."""

TRIES = 4
WAIT: wait_base = wait_random_exponential(multiplier=0.5, max=10)
CHUNK_BYTES = 256 * 1024
NOT_HERE = frozenset({401, 403, 404, 410})
"""Status codes that a retry doesn't change; the next repository may have the file."""


@dataclass(frozen=True, slots=True)
class Source:
    """Repository addresses by name, and the HTTP session for them."""

    session: requests.Session
    repositories: Mapping[str, str]


def download(artifact: LockedArtifact, target: Path, *, source: Source, advance: Advance) -> None:
    """Write the artifact to `target`, from the first repository that has it.

    UserError if no repository delivers it, Inconsistent if its hash is wrong; `target` is then incomplete.
    """
    tries = Retrying(
        retry=retry_if_exception_type(requests.RequestException),
        stop=stop_after_attempt(TRIES),
        wait=WAIT,
        reraise=True,
    )
    answers = []
    for name, address in source.repositories.items():
        try:
            status = tries(_fetch, source.session, f"{address}/{artifact.path}", target, advance)
        except requests.RequestException as error:
            answers.append(f"{name}: {without_login(str(error))}")
            continue
        if status is None:
            verify(target, artifact)
            return
        answers.append(f"{name}: HTTP status {status}")
    raise UserError(
        f"{artifact} couldn't be downloaded ({'; '.join(answers)}). Check network, proxy and Maven mirror, and run the "
        "command again; complete downloads are kept"
    )


def verify(path: Path, artifact: LockedArtifact) -> None:
    """Inconsistent if the file's SHA-256 isn't the one in the lock."""
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != artifact.sha256:
        raise Inconsistent(
            f"{artifact} isn't the file in the lock: its SHA-256 is {found}, the lock says {artifact.sha256}. "
            "It wasn't used. Don't trust the mirror or proxy that sent it"
        )


def _fetch(session: requests.Session, address: str, target: Path, advance: Advance) -> int | None:
    """None if the file was written, else the HTTP status of a repository that doesn't have it."""
    arrived = 0
    try:
        with session.get(address, stream=True, timeout=TIMEOUT_S) as response:
            if response.status_code in NOT_HERE:
                return response.status_code
            response.raise_for_status()
            with target.open("wb") as file:
                for chunk in response.iter_content(CHUNK_BYTES):
                    file.write(chunk)
                    arrived += len(chunk)
                    advance(len(chunk))
    except requests.RequestException:
        advance(-arrived)
        raise
    return None
