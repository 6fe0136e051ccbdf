"""Secrets in files: where a variable may hold a secret, the same name with _FILE may name a file that holds it.

Docker shows a container's environment to everybody who may use Docker, and passes it to every process in it.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path

from recruit_assets.runtime.errors import UserError

SUFFIX = "_FILE"


def secrets_in_files(variables: Iterable[str], environment: Mapping[str, str]) -> dict[str, str]:
    """The secrets that files hold, by variable; without the line's end. An empty file holds none.

    UserError if a variable and its file are both given, or if the file can't be read.
    """
    found: dict[str, str] = {}
    for variable in variables:
        file = environment.get(variable + SUFFIX, "")
        if not file:
            continue
        if environment.get(variable):
            raise UserError(f"{variable} and {variable}{SUFFIX} are both set: unset one of them")
        if secret := read_secret(Path(file), named_by=variable + SUFFIX):
            found[variable] = secret
    return found


def read_secret(file: Path, *, named_by: str) -> str:
    """The text of the file without the line's end; UserError, which names who asks for it, if it can't be read."""
    try:
        return file.read_text(encoding="utf-8").rstrip("\r\n")
    except OSError as error:
        raise UserError(f"{named_by}: can't read {file}: {error.strerror}") from None
    except ValueError:  # not UTF-8; the error's text would show a part of the secret
        raise UserError(f"{named_by}: {file} isn't UTF-8 text") from None
