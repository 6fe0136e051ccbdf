"""`make release`: the files of a release in dist/, and the image where Docker is."""

import shutil
import subprocess
import sys
from pathlib import Path

from recruit_assets import __version__
from recruit_assets.runtime.errors import UserError
from recruit_assets_tests.release.build import build_release
from recruit_assets_tests.release.source import require_committed

REPOSITORY = Path(__file__).parents[2]


def main() -> None:
    require_committed(REPOSITORY)
    for file in build_release(REPOSITORY, REPOSITORY / "dist"):
        sys.stdout.write(f"{file.relative_to(REPOSITORY)}\n")
    image = f"recruit-assets:{__version__}"
    if has_docker():
        build = ["docker", "build", "--tag", image, "--file", "docker/Dockerfile", "."]
        if subprocess.run(build, cwd=REPOSITORY, check=False).returncode:
            raise UserError("the image couldn't be built, see above; the files in dist/ are complete")
        sys.stdout.write(f"image {image}\n")
    else:
        sys.stdout.write(f"no image {image}: there is no Docker daemon\n")


def has_docker() -> bool:
    installed = shutil.which("docker") is not None
    return installed and subprocess.run(["docker", "info"], capture_output=True, check=False).returncode == 0


if __name__ == "__main__":
    try:
        main()
    except UserError as error:
        sys.exit(str(error))
