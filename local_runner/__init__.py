"""Runs a compiled pipeline on this machine through kfp.local, with that library's traps guarded."""
