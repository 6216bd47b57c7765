"""The `lab-lens` command: the composition root. One file a sub-command; heavy libraries load when a command runs."""
