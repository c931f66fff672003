"""Make the passwords of contacts in Django's column unusable, and take their hashes into the portal first."""

from __future__ import annotations

from collections import Counter
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.hashers import make_password
from django.core.management.base import BaseCommand, CommandError

from ....exceptions import PortalCredsError
from ....privileges import Operator
from ...checks import find_open_doors
from ...configuration import get_portal


class Command(BaseCommand):
    """Close the old door; without ``--confirm``, say what would be done."""

    help = "Make the passwords of contacts in Django's column unusable. Shows what it would do without --confirm."

    def add_arguments(self, parser: Any) -> None:
        """Take whether to import, and OK."""
        parser.add_argument("--import", action="store_true", help="take the hashes into the portal first")
        parser.add_argument("--confirm", action="store_true", help="do it")
        parser.add_argument("--operator", default="manage.py", help="who is on the record for it")

    def handle(self, **options: Any) -> None:
        """Import the hashes, if asked to, and close the door behind them."""
        try:
            self._handle(Operator(operator_id=options["operator"]), options["import"], options["confirm"])
        except PortalCredsError as error:
            raise CommandError(str(error)) from None

    def _handle(self, operator: Operator, imports: bool, confirmed: bool) -> None:
        portal, users = get_portal(), get_user_model()._default_manager
        counts: Counter[str] = Counter()
        for found in find_open_doors():
            if imports:
                plan = portal.accounts.plan_import([(key, user.password) for key, user in found.items()], operator)
                items = portal.accounts.apply_import(plan.confirm(operator)) if confirmed else plan
                counts.update(f"import: {item.kind.value}" for item in items)
            known = portal.store.find_many(list(found))
            # Only then: whom nothing lets in any more needs a default of the school's.
            counts["without a password in the portal"] += sum(
                account.credential.password_hash is None for account in known.values()
            )
            counts["closed" if confirmed else "to be closed"] += len(found)
            if confirmed:
                keys = [user.pk for user in found.values()]
                users.filter(pk__in=keys).update(password=make_password(None))
        for what, count in (+counts).items():  # Without those that are zero.
            self.stdout.write(f"{what}: {count}")
        if not confirmed:
            self.stdout.write("nothing was written; --confirm does it")
