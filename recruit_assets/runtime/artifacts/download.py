"""Fetches one artifact over HTTP and proves that it is the one the lock names.

Belongs here: repositories in turn, retries, the SHA-256. Not here: where it is put (`install`), repositories'
addresses (`repositories`).
"""

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
"""Takes the number of bytes that arrived; negative when a try is given up."""

TRIES = 4
WAIT: wait_base = wait_random_exponential(multiplier=0.5, max=10)
CHUNK_BYTES = 256 * 1024
NOT_HERE = frozenset({401, 403, 404, 410})
"""A repository's answers that another try doesn't change; the next repository may have the file."""


@dataclass(frozen=True, slots=True)
class Source:
    """Repositories, addresses by name, and the session to reach them with."""

    session: requests.Session
    repositories: Mapping[str, str]


def download(artifact: LockedArtifact, target: Path, *, source: Source, advance: Advance) -> None:
    """Write the artifact to `target`, from the first repository that has it.

    Raises UserError when none gives it, Inconsistent when what arrives isn't what the lock names; `target` may then
    hold a part of it.
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
        f"{artifact} couldn't be downloaded ({'; '.join(answers)}). Check the network, proxy and Maven mirror; "
        "what is complete is kept, so just run it again"
    )


def verify(path: Path, artifact: LockedArtifact) -> None:
    """Inconsistent unless the file's SHA-256 is the lock's."""
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != artifact.sha256:
        raise Inconsistent(
            f"{artifact} isn't the file that the lock names: its SHA-256 is {found}, the lock says {artifact.sha256}. "
            "It was not used; what served it (a mirror or a proxy) can't be trusted"
        )


def _fetch(session: requests.Session, address: str, target: Path, advance: Advance) -> int | None:
    """Nothing when the whole file was written, the HTTP status when this repository doesn't have it."""
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
