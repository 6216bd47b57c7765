"""The contract of every stage: one typed KFP component a file, nothing else."""
