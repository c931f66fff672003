"""Find what is wrong with tables before it costs data."""
