"""The engine: device, checkpoints, batching, training, generation and scoring of sequence-to-sequence models."""
