"""The search for hyperparameters: trials, the study that outlives its process, what was found."""
