"""Under which licence a wheel or jar is, as the file itself says."""

import re
import zipfile
from collections.abc import Iterator
from importlib.metadata import metadata
from pathlib import Path

_SHORT = 60
"""Longer values of a wheel's field License are the whole text of the licence."""
_APACHE = re.compile(r"apache.{0,60}\b2(\.0)?\b", re.IGNORECASE | re.DOTALL)
"""How its name, address and text begin."""


def licence_of_wheel(name: str) -> str:
    """The licence of an installed package: its SPDX expression, or else its own words; empty if it says nothing."""
    said = metadata(name)
    if expression := said["License-Expression"]:
        return expression
    words = " ".join((said["License"] or "").split())
    if words and len(words) <= _SHORT:
        return words
    classifiers = (line.split(" :: ") for line in said.get_all("Classifier", []))
    return ", ".join(parts[-1] for parts in classifiers if parts[0] == "License")


def licence_of_jar(jar: Path) -> str:
    """The licences in its pom.xml, manifest or licence file; empty if it says nothing, as many jars do."""
    with zipfile.ZipFile(jar) as archive:
        texts = {name: archive.read(name).decode(errors="replace") for name in archive.namelist() if _may_tell(name)}
    told = (each.split(";")[0] for name, text in texts.items() for each in _told(name, text))
    return ", ".join(dict.fromkeys("Apache-2.0" if _APACHE.search(each) else each for each in told))


def _may_tell(name: str) -> bool:
    return (name.startswith("META-INF/maven/") and name.endswith("/pom.xml")) or bool(
        re.fullmatch(r"META-INF/MANIFEST\.MF|(META-INF/)?LICEN[CS]E(\.txt|\.md)?", name)
    )


def _told(name: str, text: str) -> Iterator[str]:
    if name.endswith("pom.xml"):
        licences = re.search(r"<licenses>(.*?)</licenses>", text, re.DOTALL)
        yield from (each.strip() for each in re.findall(r"<name>(.*?)</name>", licences[1] if licences else ""))
    elif name.endswith(".MF"):
        unfolded = re.sub(r"\r?\n ", "", text)
        for said in re.findall(r"^Bundle-License: (.+?)\r?$", unfolded, re.MULTILINE):
            yield from (each.strip() for each in said.split(","))
    elif _APACHE.match(text.lstrip()):
        yield "Apache-2.0"
