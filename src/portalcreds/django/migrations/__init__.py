"""The migrations of our tables."""
