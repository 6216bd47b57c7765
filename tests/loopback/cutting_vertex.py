"""A Vertex AI whose connections break at a chosen call."""

from loopback.cutting import Cutting
from loopback.vertex import VertexServer


class CuttingVertex(Cutting, VertexServer):
    """Counts every call."""
