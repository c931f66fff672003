"""Create the tables of accounts, their words, audit events, counts of attempts and jobs."""

from __future__ import annotations

from django.db import migrations

from ..operations import CreateTables


class Migration(migrations.Migration):
    """The first one."""

    initial = True
    dependencies = ()
    operations = (CreateTables(),)
