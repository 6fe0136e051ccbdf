"""The declared measures, added up over rows of the report."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from recruit_assets.contract.measures import MEASURES, Kpi, Measure
from recruit_assets.contract.types import Type

SUMS = ", ".join(f"COALESCE(SUM({measure.report_column}), 0)" for measure in MEASURES)
"""The columns of a SELECT whose values `totals_of` takes."""
_ZEROS = tuple(0 if measure.type is Type.INT else 0.0 for measure in MEASURES)


@dataclass(frozen=True, slots=True)
class Totals:
    """One number per declared measure, in their order."""

    numbers: tuple[float, ...] = _ZEROS

    def __getitem__(self, measure: Measure) -> float:
        return self.numbers[MEASURES.index(measure)]

    def __add__(self, other: "Totals") -> "Totals":
        return Totals(tuple(one + another for one, another in zip(self.numbers, other.numbers, strict=True)))

    def __sub__(self, other: "Totals") -> "Totals":
        return self + Totals(tuple(-number for number in other.numbers))

    def ratio(self, kpi: Kpi) -> float | None:
        """The key figure; None where it would divide by 0."""
        return self[kpi.numerator] / self[kpi.denominator] if self[kpi.denominator] else None


NOTHING = Totals()


def totals_of(sums: Sequence[Decimal | float]) -> Totals:
    """From the values of SUMS; MySQL returns sums of whole numbers as decimals."""
    return Totals(
        tuple(
            int(number) if measure.type is Type.INT else float(number)
            for measure, number in zip(MEASURES, sums, strict=True)
        )
    )
