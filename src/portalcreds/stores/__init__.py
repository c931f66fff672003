"""Choose where accounts are kept; import the store you want from its own module."""
