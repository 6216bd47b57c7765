"""Serve a model directory over HTTP on the contract of Vertex AI custom containers."""
