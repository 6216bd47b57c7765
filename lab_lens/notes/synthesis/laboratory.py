"""Laboratory tests with adult reference ranges as the lab of MIMIC's hospital flags them."""

from dataclasses import dataclass
from random import Random


@dataclass(frozen=True)
class LabTest:
    """A test: the range of healthy adults, decimals that are reported, and where charts list it."""

    name: str
    chart: str
    low: float
    high: float
    decimals: int
    unit: str
    panel: str

    def text(self, value: float) -> str:
        """The value with as many decimals as the lab reports."""
        return f"{value:.{self.decimals}f}"

    def flag(self, value: float) -> str:
        """'*' outside the reference range, as MIMIC's lab lines mark it."""
        return "" if self.low <= float(self.text(value)) <= self.high else "*"

    def normal(self, rng: Random) -> float:
        """A value inside the reference range."""
        margin = 0.1 * (self.high - self.low)
        return rng.uniform(self.low + margin, self.high - margin)


def anion_gap(bicarbonate: float) -> float:
    """The gap in mEq/L, with potassium as this lab computes it: acids that take bicarbonate's place widen it."""
    return 14.0 if bicarbonate > 20 else 38.0 - bicarbonate


TESTS = {
    test.name: test
    for test in (
        LabTest("WBC", "WBC", 4.0, 11.0, 1, "K/uL", "count"),
        LabTest("hemoglobin", "Hgb", 12.0, 16.0, 1, "g/dL", "count"),
        LabTest("platelets", "Plt Ct", 150, 440, 0, "K/uL", "count"),
        LabTest("INR", "INR(PT)", 0.9, 1.1, 1, "", "coagulation"),
        LabTest("glucose", "Glucose", 70, 105, 0, "mg/dL", "chemistry"),
        LabTest("BUN", "UreaN", 6, 20, 0, "mg/dL", "chemistry"),
        LabTest("creatinine", "Creat", 0.5, 1.1, 1, "mg/dL", "chemistry"),
        LabTest("sodium", "Na", 133, 145, 0, "mEq/L", "chemistry"),
        LabTest("potassium", "K", 3.3, 5.1, 1, "mEq/L", "chemistry"),
        LabTest("bicarbonate", "HCO3", 22, 32, 0, "mEq/L", "chemistry"),
        LabTest("calcium", "Calcium", 8.4, 10.3, 1, "mg/dL", "minerals"),
        LabTest("magnesium", "Mg", 1.6, 2.6, 1, "mg/dL", "minerals"),
        LabTest("phosphate", "Phos", 2.7, 4.5, 1, "mg/dL", "minerals"),
        LabTest("ALT", "ALT", 0, 40, 0, "IU/L", "liver"),
        LabTest("AST", "AST", 0, 40, 0, "IU/L", "liver"),
        LabTest("alkaline phosphatase", "AlkPhos", 40, 130, 0, "IU/L", "liver"),
        LabTest("total bilirubin", "TotBili", 0.0, 1.5, 1, "mg/dL", "liver"),
        LabTest("albumin", "Albumin", 3.5, 5.2, 1, "g/dL", "liver"),
        LabTest("lipase", "Lipase", 0, 60, 0, "IU/L", "liver"),
        LabTest("ammonia", "Ammonia", 10, 60, 0, "umol/L", "liver"),
        LabTest("troponin T", "cTropnT", 0.0, 0.01, 2, "ng/mL", "cardiac"),
        LabTest("BNP", "proBNP", 0, 450, 0, "pg/mL", "cardiac"),
        LabTest("lactate", "Lactate", 0.5, 2.0, 1, "mmol/L", "other"),
        LabTest("CRP", "CRP", 0, 5, 1, "mg/L", "other"),
        LabTest("CK", "CK(CPK)", 29, 201, 0, "IU/L", "cardiac"),
        LabTest("TSH", "TSH", 0.27, 4.2, 2, "uIU/mL", "other"),
        LabTest("hemoglobin A1c", "HbA1c", 4.8, 5.9, 1, "%", "other"),
        LabTest("ferritin", "Ferritn", 30, 400, 0, "ng/mL", "other"),
        LabTest("acetaminophen level", "Acetmnp", 0, 10, 0, "mcg/mL", "toxicology"),
        LabTest("ethanol level", "Ethanol", 0, 0, 0, "mg/dL", "toxicology"),
        LabTest("lithium level", "Lithium", 0.5, 1.5, 1, "mmol/L", "toxicology"),
        LabTest("LDH", "LD(LDH)", 94, 250, 0, "IU/L", "liver"),
        LabTest("cortisol", "Cortsol", 2, 20, 1, "mcg/dL", "other"),
        LabTest("absolute neutrophil count", "AbsNeut", 1500, 7500, 0, "cells/uL", "count"),
        LabTest("ESR", "ESR", 0, 20, 0, "mm/hr", "other"),
        LabTest("pH", "pH", 7.35, 7.45, 2, "", "gas"),
    )
}
