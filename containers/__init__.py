"""Images: which packages each family carries, how they are locked, built and named."""
