"""Real clients on bad networks."""
