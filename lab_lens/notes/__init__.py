"""Notes and examples: reading, demographics, sections, sentences, splits, data checks, synthetic notes."""
