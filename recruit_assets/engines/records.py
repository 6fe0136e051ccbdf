"""Small files of the state directory that only their owner may read, written whole or not at all."""

import os
from pathlib import Path
from tempfile import mkstemp


def write_private(file: Path, content: str) -> None:
    """Replace a file's content atomically, with mode 0600 from its first byte on."""
    descriptor, name = mkstemp(dir=file.parent, prefix=f".{file.name}.")  # 0600 by definition
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as partial:
            partial.write(content)
        Path(name).replace(file)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
