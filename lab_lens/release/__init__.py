"""Whether a candidate may replace the champion: declarative rules over measured numbers, and one pure decision."""
