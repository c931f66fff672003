"""Reach a database: what drivers and databases say differently, behind one small port."""
