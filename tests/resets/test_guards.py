"""What keeps one operator from doing too much, and ways that somebody may try around it."""

from __future__ import annotations

import pytest

from portal import OFFICE, Portal
from portalcreds import default_passwords
from portalcreds.contacts import Contact, ContactId
from portalcreds.default_passwords import LastNameFirstInitial, NameTemplate, Passphrase, RandomReadable
from portalcreds.exceptions import InvalidValueError, PrivilegeDeniedError
from portalcreds.privileges import Grants, Operator, Privilege
from portalcreds.protocols import DefaultPasswordStrategy
from portalcreds.resets import Decision, DecisionReason
from resets.running import confirmed, epochs, outcomes

PARENT = Operator(operator_id="office", contact_id=ContactId("c-1"))

# -- one's own account, and those above


def test_one_s_own_password_is_set_by_no_detour(portal: Portal) -> None:
    """R16: not alone, not in a bulk, not by a plan that somebody else made, and not by resuming in another process."""
    boss = Operator(operator_id="boss")
    portal = portal.with_parts(authorizer=Grants(privileges={"office": Privilege, "boss": Privilege}))
    with pytest.raises(PrivilegeDeniedError):
        portal.resets.reset_password("c-1", PARENT)
    plan = portal.resets.plan(["c-1", "c-2"], boss)
    assert plan.count(Decision.WILL_SET) == 2
    job = portal.resets.start(plan.confirm(PARENT))
    assert outcomes(portal.resets.resume(job.key).run()) == {
        ("cannot", DecisionReason.NOT_PERMITTED): 1,
        ("set", None): 1,
    }
    assert epochs(portal, [ContactId("c-1"), ContactId("c-2")]) == [0, 1]


def test_who_outranks_is_set_by_no_detour(portal: Portal) -> None:
    """R16: a principal's account stays as it is, also if it becomes one between the plan and the job."""
    above: set[str] = set()
    grants = Grants(privileges={"office": Privilege}, outranks=lambda account: account.contact_id in above)
    portal = portal.with_parts(authorizer=grants)
    job = portal.resets.start(confirmed(portal, ["c-1", "c-2"]))
    above.add("c-1")
    with pytest.raises(PrivilegeDeniedError):
        portal.resets.reset_password("c-1", OFFICE)
    assert outcomes(job.run()) == {("cannot", DecisionReason.NOT_PERMITTED): 1, ("set", None): 1}


# -- one password for everybody


def test_no_strategy_makes_one_password_for_everybody() -> None:
    """R19: whatever ships, two people with nothing in common have two passwords; a rule without a name is refused."""
    ken = Contact(contact_id=ContactId("1"), first_name="Ken", last_name="Sato")
    rosa = Contact(contact_id=ContactId("2"), first_name="Rosa", last_name="Abbiatici")
    made: list[DefaultPasswordStrategy] = [
        LastNameFirstInitial(),
        NameTemplate(template="Welcome-{first_initial}"),
        Passphrase(),
        RandomReadable(),
    ]
    shipped = {
        each
        for name in default_passwords.__all__
        if isinstance(each := getattr(default_passwords, name), type) and hasattr(each, "derive")
    }
    assert {type(strategy) for strategy in made} == shipped
    for strategy in made:
        assert strategy.derive(ken).secret != strategy.derive(rosa).secret
    for template in ("Welcome1", "", "{{last_name}}"):
        with pytest.raises(InvalidValueError):
            NameTemplate(template=template)
