"""Registries of released models: immutable versions, a production pointer, and a history of who, when and why."""
