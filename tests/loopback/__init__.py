"""Servers on loopback that speak a cloud's protocol, so that tests can use the real clients over a real wire."""
