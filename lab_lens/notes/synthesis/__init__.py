"""Pieces of the synthetic discharge notes: what happens to a patient, and how notes and summaries tell it.

`scenarios` holds clinical facts, `narratives` the prose of full notes; `patients` samples a structured patient from the
former before a word is written, so that a note and its reference summary cannot disagree.
"""
