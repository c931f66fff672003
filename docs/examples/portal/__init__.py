"""*Manage Parent Portal/Accounts* and the parents' side of it, as a small Flask application to copy from."""
