"""Self-contained HTML pages and PNG plots: what a stage found, for people."""
