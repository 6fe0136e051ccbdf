"""The repositories of artifacts: jgo's default, or the mirrors in the user's jgo or Maven settings.

This project contains no repository address. Mirrors come from Maven's `settings.xml` and `[repositories]` of jgo's
configuration, a proxy from the usual variables, a login from ~/.netrc, certificates from REQUESTS_CA_BUNDLE or
SSL_CERT_FILE.
"""

import os
import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import requests
from jgo.config import GlobalSettings
from jgo.maven import MavenContext
from requests.adapters import HTTPAdapter

from recruit_assets.runtime.errors import UserError

TIMEOUT_S = 60


def maven_context(repo_cache: Path) -> MavenContext:
    """A jgo context with the user's repositories, which stores files in `repo_cache`."""
    context = MavenContext(repo_cache=repo_cache, timeout=TIMEOUT_S)
    context.remote_repos = repositories()
    return context


def repositories() -> dict[str, str]:
    """Repository addresses by name, without a trailing slash."""
    default = MavenContext(repo_cache=Path()).remote_repos
    mirrors = read_mirrors(_maven_settings())
    known = default | GlobalSettings.load().repositories
    return {name: mirrored(name, url, mirrors).rstrip("/") for name, url in known.items()}


def mirrored(name: str, url: str, mirrors: list[tuple[str, str]]) -> str:
    """The address of the first mirror of a repository, or else its own; `mirrors` are (mirrorOf, address) pairs."""
    for mirror_of, mirror_url in mirrors:
        patterns = {pattern.strip() for pattern in mirror_of.split(",")}
        if f"!{name}" not in patterns and {name, "*", "external:*"} & patterns:
            return mirror_url
    return url


def read_mirrors(settings_xml: Path | None) -> list[tuple[str, str]]:
    """The file's (mirrorOf, address) pairs, none without a file; UserError if it isn't XML."""
    if settings_xml is None:
        return []
    try:
        root = ElementTree.parse(settings_xml).getroot()  # noqa: S314  # the user's own file, which Maven trusts too
    except ElementTree.ParseError as error:
        raise UserError(f"can't read Maven's settings {settings_xml}: {error}") from error
    mirrors = [element for element in root.iter() if _tag(element) == "mirror"]
    fields = [{_tag(child): (child.text or "").strip() for child in mirror} for mirror in mirrors]
    return [(each["mirrorOf"], _expanded(each["url"])) for each in fields if each.get("mirrorOf") and each.get("url")]


def http_session(connections: int) -> requests.Session:
    """A session that trusts the CAs in REQUESTS_CA_BUNDLE or SSL_CERT_FILE, if set."""
    session = requests.Session()
    session.mount("https://", HTTPAdapter(pool_maxsize=connections))
    session.verify = os.environ.get("SSL_CERT_FILE") or True
    return session


def without_login(text: str) -> str:
    """The text without user and password in its addresses."""
    return re.sub(r"//[^/\s@]+@", "//", text)


def _maven_settings() -> Path | None:
    """The user's settings file, or else the installation's, as in Maven itself."""
    maven_home = os.environ.get("MAVEN_HOME") or os.environ.get("M2_HOME")
    candidates = [Path(os.path.expanduser("~/.m2/settings.xml"))]  # noqa: PTH111  # without a home it stays as it is
    if maven_home:
        candidates.append(Path(maven_home) / "conf" / "settings.xml")
    return next((path for path in candidates if path.is_file()), None)


def _tag(element: ElementTree.Element) -> str:
    return element.tag.rpartition("}")[2]


def _expanded(value: str) -> str:
    return re.sub(r"\$\{env\.(\w+)\}", lambda match: os.environ.get(match[1], ""), value)
