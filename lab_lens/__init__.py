"""Lab Lens: summarize hospital discharge notes, and release a model only when it is proven good, fair and faithful."""

__version__ = "0.1.0"
