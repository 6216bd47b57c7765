"""Telling people and systems how a run ended: log, file, webhook, mail; never with text of notes."""
