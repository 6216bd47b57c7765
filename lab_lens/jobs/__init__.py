"""Training as a custom job of Vertex AI: on spot machines, on several, on the next best one when one is not to be had.

`python -m lab_lens.jobs` is what the training task of a pipeline compiled for Vertex AI runs in the ops image. It gives
the task's own command to a custom job in the trainer image and waits; the command writes the task's outputs itself.
"""
