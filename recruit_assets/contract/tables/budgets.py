"""What campaigns and jobs may spend, and which alerts were sent."""

from recruit_assets.contract.types import Column, SqlTable, Type

BUDGET = SqlTable(
    name="budget",
    description="What a campaign or a job may spend in a month. The site loads it.",
    columns=(
        Column("scope", Type.VARCHAR_32, "campaign or job", nullable=False),
        Column("id", Type.INT, "The campaign or job", nullable=False),
        Column("month", Type.DATE, "First day of the month, UTC", nullable=False),
        Column("amount", Type.DOUBLE, "What may be spent, in the unit of the bids", nullable=False),
    ),
    primary_key=("scope", "id", "month"),
)

BUDGET_ALERTS = SqlTable(
    name="budget_alerts",
    description="Which thresholds of which budgets were reached, a row per alert. Another amount is another budget.",
    columns=(
        *BUDGET.columns,
        Column("threshold", Type.INT, "Percent of the amount", nullable=False),
        Column("spent", Type.DOUBLE, "What was spent when this was noticed", nullable=False),
        Column("noticed_at", Type.DATETIME_MICROS, "When it was noticed, UTC", nullable=False),
        Column("waiting", Type.VARCHAR, "Alert channels that haven't taken the message yet", nullable=False),
    ),
    primary_key=(*BUDGET.primary_key, "amount", "threshold"),
    indexes=(("waiting",),),
)
