"""Slices of the held-out notes, disparities between them with their evidence, and advice."""
