"""A fake engine that starts at once: a Python process that writes a file when it is ready."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from recruit_assets.local.engines.engine import Command, EngineName
from recruit_assets.runtime.echo import Echo
from recruit_assets.runtime.errors import StoreUnavailable

OBEDIENT = "import signal; signal.pause()"
DEAF = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); READY\nwhile True: signal.pause()"


@dataclass(frozen=True)
class FakeEngine:
    """Accepts work as soon as its process has written the file `ready`."""

    folder: Path
    script: str = OBEDIENT
    ports: Mapping[str, int] = field(default_factory=lambda: {"kafka": 1})
    name: EngineName = EngineName.KAFKA
    lock: str = "kafka"

    @property
    def mark(self) -> str:
        return f"mark-of-{self.folder}"

    def prepare(self, echo: Echo) -> Command:
        ready = self.folder / "ready"
        ready.unlink(missing_ok=True)
        touch = f"open({str(ready)!r}, 'w').close()"
        script = self.script.replace("READY", touch) if "READY" in self.script else f"{touch}\n{self.script}"
        return Command((sys.executable, "-c", script, self.mark), self.folder)

    def probe(self) -> None:
        if not (self.folder / "ready").exists():
            raise StoreUnavailable("not ready")

    def endpoints(self) -> Mapping[str, str | int]:
        return {}
