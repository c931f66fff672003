"""Keep accounts, events and counts in SQL, said once for every driver and database."""
