"""Where artifacts come from: jgo's own default, the user's jgo and Maven settings, proxies and certificates.

Belongs here: turning those settings into a jgo context. No address of a repository is written down in this project.
A mirror is taken from `settings.xml` (the user's, else Maven's) or `[repositories]` of jgo's configuration; a proxy from the
usual variables, a login from ~/.netrc, certificates from REQUESTS_CA_BUNDLE or SSL_CERT_FILE.
"""

import os
import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from jgo.config import GlobalSettings
from jgo.maven import MavenContext, PythonResolver
from jgo.maven._core import DEFAULT_REMOTE_REPOS

from recruit_assets.errors import UserError

if TYPE_CHECKING:
    from jgo.maven._resolver import ProgressCallback  # jgo has it for type checkers only

READ_TIMEOUT_S = 60


def maven_context(repo_cache: Path, progress: "ProgressCallback | None" = None) -> MavenContext:
    """A jgo context that downloads into `repo_cache` from the user's mirrors, else from jgo's default."""
    repositories = DEFAULT_REMOTE_REPOS | GlobalSettings.load().repositories
    mirrors = read_mirrors(_maven_settings())
    return MavenContext(
        resolver=PythonResolver(progress_callback=progress),
        repo_cache=repo_cache,
        remote_repos={name: mirrored(name, url, mirrors) for name, url in repositories.items()},
        timeout=READ_TIMEOUT_S,
    )


def mirrored(name: str, url: str, mirrors: list[tuple[str, str]]) -> str:
    """The address of the first mirror of a repository, else its own; `mirrors` are pairs of mirrorOf and url."""
    for mirror_of, mirror_url in mirrors:
        patterns = [pattern.strip() for pattern in mirror_of.split(",")]
        if f"!{name}" not in patterns and {name, "*", "external:*"} & set(patterns):
            return mirror_url
    return url


def read_mirrors(settings_xml: Path | None) -> list[tuple[str, str]]:
    """Pairs of mirrorOf and url, in the file's order; none without a file. UserError where it isn't XML."""
    if settings_xml is None:
        return []
    try:
        root = ElementTree.parse(settings_xml).getroot()  # noqa: S314  # the user's own Maven settings
    except ElementTree.ParseError as error:
        raise UserError(f"Maven's settings {settings_xml} can't be read: {error}") from error
    mirrors = [element for element in root.iter() if _tag(element) == "mirror"]
    fields = [{_tag(child): (child.text or "").strip() for child in mirror} for mirror in mirrors]
    return [(each["mirrorOf"], _expanded(each["url"])) for each in fields if each.get("mirrorOf") and each.get("url")]


@contextmanager
def certificates() -> Iterator[None]:
    """Let `requests` trust what OpenSSL is told to trust; it reads only variables of its own."""
    bundle = os.environ.get("SSL_CERT_FILE")
    if not bundle or "REQUESTS_CA_BUNDLE" in os.environ or "CURL_CA_BUNDLE" in os.environ:
        yield
        return
    os.environ["REQUESTS_CA_BUNDLE"] = bundle
    try:
        yield
    finally:
        del os.environ["REQUESTS_CA_BUNDLE"]


def _maven_settings() -> Path | None:
    maven_home = os.environ.get("MAVEN_HOME") or os.environ.get("M2_HOME")
    candidates = [Path("~/.m2/settings.xml").expanduser()]
    if maven_home:
        candidates.append(Path(maven_home) / "conf" / "settings.xml")
    return next((path for path in candidates if path.is_file()), None)


def _tag(element: ElementTree.Element) -> str:
    return element.tag.rpartition("}")[2]


def _expanded(value: str) -> str:
    return re.sub(r"\$\{env\.(\w+)\}", lambda match: os.environ.get(match[1], ""), value).rstrip("/")
