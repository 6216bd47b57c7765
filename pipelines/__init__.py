"""Graphs of components, and their compilation."""
