"""Settings of Spark."""

from pydantic import BaseModel, Field

from recruit_assets.runtime.settings.value_types import SparkRemote


class SparkSettings(BaseModel):
    """Where Spark runs, and with how much memory and how many cores."""

    spark_master: str = Field("local[*]", min_length=1, description="Spark master of the classic session")
    spark_remote: SparkRemote = Field("", description="Spark Connect address; empty: classic session")
    spark_gateway: str = Field(
        "", description="File with the address of a warm Spark on this machine; empty: each process starts its own"
    )
    spark_driver_memory: str = Field("1g", pattern=r"^\d+[kmg]$", description="Memory of a local Spark driver")
    spark_driver_host: str = Field(
        "", description="Address at which a cluster's executors reach this driver; empty: Spark chooses it"
    )
    spark_executor_memory: str = Field("1g", pattern=r"^\d+[kmg]$", description="Memory of an executor on a cluster")
    spark_cores_max: int = Field(
        4,
        ge=1,
        description="Cores that a session uses on a standalone cluster; also the number of tasks that read an hour "
        "there and over Spark Connect",
    )

    @property
    def has_warm_spark(self) -> bool:
        """True if runs use the warm Spark of the local engines; a configured cluster takes precedence."""
        return bool(self.spark_gateway) and not self.spark_remote and self.spark_master.startswith("local")
