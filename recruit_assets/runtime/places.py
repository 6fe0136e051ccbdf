"""Where things are, as settings name it: folders and addresses."""

import re
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated
from unicodedata import category

from pydantic import AfterValidator

from recruit_assets.runtime.foreign_text import printable

SEPARATORS = {
    ":": "separates paths in options of Java and MariaDB",
    **dict.fromkeys("*?[", "makes it a pattern for Dagster, which wouldn't find its dagster.yaml there"),
}
NOT_TEXT = {"Cc": "is a control character", "Cs": "isn't UTF-8"}
"""These and the above can't be in the path of a folder: the programs that are given it know no escape for them."""


def folder(value: Path) -> Path:
    """The folder's one path, whatever links lead to it: by it engines are recognized as this folder's.

    ValueError if the path has a character that can't be used.
    """
    try:
        found = value.expanduser().resolve()
    except (OSError, RuntimeError) as error:  # no home directory, links in a circle
        raise ValueError(f"{value} has no full path: {error}") from None
    for character in str(found):
        if why := SEPARATORS.get(character) or NOT_TEXT.get(category(character)):
            raise ValueError(f"{printable(str(found))} can't be used: {printable(repr(character))} {why}")
    return found


def _brokers(value: str) -> str:
    for broker in value.split(",") if value else ():
        if not re.fullmatch(r"(\[[0-9A-Fa-f:.]+\]|[^\[\]:\s]+)(:\d{1,5})?", broker.strip()):
            raise ValueError(f"{broker!r} isn't host:port; an IPv6 address has brackets, as in [::1]:9092")
    return value


def _bare_host(value: str) -> str:
    """The host without the brackets of an IPv6 address; `host_port` adds them where they are needed."""
    return value.strip().removeprefix("[").removesuffix("]")


def is_loopback(host: str) -> bool:
    """Whether the host is this machine, by a name or address that no other machine has."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def host_port(host: str, port: int) -> str:
    """The address as URLs and messages have it."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


Folder = Annotated[Path, AfterValidator(folder)]
Brokers = Annotated[str, AfterValidator(_brokers)]
Host = Annotated[str, AfterValidator(_bare_host)]
