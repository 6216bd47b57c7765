"""What the model looks at: every answer comes from running the model again on changed notes."""
