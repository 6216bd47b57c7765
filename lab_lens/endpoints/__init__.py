"""Endpoints: a model behind an address, and the smoke test that it must pass before it is put into production."""
