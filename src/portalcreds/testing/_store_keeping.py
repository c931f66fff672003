"""The rules for keeping accounts exactly as they are."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import attrs

from ..accounts import Account, Credential, CredentialOrigin, PasswordHash
from ..contacts import Contact, ContactId
from ..protocols import AccountStore
from ._store_samples import CODE_POINTS, HASH, NOW, add, an_account, issued, step, stored

_MICROSECOND = timedelta(microseconds=1)

_TEXTS = (
    "O'Brien",
    "O’Brien",
    'Anna "Ann"',
    " outer blanks ",
    "double  blank",
    "ends with a blank ",
    "\u00a0no-break\u00a0",
    "tab\tand\nline",
    "van der BERG",
    "Núñez",
    "Nu\u0301n\u0303ez",
    "ß",
    "ǆ",
    "李",
    "محمد",
    "\U0001f468\u200d\U0001f469\u200d\U0001f467",
    "\U0001d4d0",
    "\ufeffmark",
    "\uffff",
    "\U0010ffff",
    "100% _ \\ ; -- /* ' \" ` ? :name %s %(name)s $1 {0}",
    "NULL",
    "0123",
    "1e3",
    "",
    " ",
)
"""Names as schools have them, and text that formats, shells and databases may alter."""

_INSTANTS = (
    datetime(1970, 1, 1, tzinfo=UTC),
    datetime(1970, 1, 1, tzinfo=UTC) - timedelta(microseconds=1),
    datetime(1, 1, 1, tzinfo=UTC),
    datetime(2026, 3, 29, 1, 30, 0, 1, tzinfo=UTC),
    datetime(2026, 10, 25, 1, 30, 0, 999_999, tzinfo=UTC),
    datetime(2038, 1, 19, 3, 14, 8, 500_000, tzinfo=UTC),
    datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
)
"""The ends of the calendar, hours of clock changes, the end of 32 bits, and single microseconds."""

_HASHES = (
    "$argon2id$v=19$m=65536,t=3,p=4$c2FsdHNhbHRzYWx0$aGFzaA+/",
    "$2y$10$abcdefghijklmnopqrstuv",
    "ABCDEFabcdef",
    " blank around ",
    "",
    "é\U0001f600",
    "x" * 512,
)


class KeepingRules:
    """What a store must keep of the values that it gets."""

    def test_names_come_back_exactly(self, store: AccountStore) -> None:
        """No name is trimmed, folded, normalised or quoted: the default password *is* the name."""
        for number, text in enumerate(_TEXTS):
            contact = Contact(contact_id=ContactId(f"c{number}"), first_name=text, last_name=text, email=text)
            account = Account(contact=contact)
            add(store, account)
            assert stored(store, account).contact == contact

    def test_no_name_is_not_an_empty_one(self, store: AccountStore) -> None:
        """None comes back as None and an empty text as an empty text."""
        without = Account(contact=Contact(contact_id=ContactId("1")))
        empty = Account(contact=Contact(contact_id=ContactId("2"), first_name="", last_name="", email=""))
        add(store, without, empty)
        assert stored(store, without).contact == without.contact
        assert stored(store, empty).contact == empty.contact

    def test_the_longest_texts_are_not_cut(self, store: AccountStore) -> None:
        """255 code points of four bytes each fit into every text of a contact, and 255 into a user name."""
        text = "\U0001f600" * CODE_POINTS
        contact = Contact(contact_id=ContactId(text), first_name=text, last_name=text, email=text)
        account = Account(contact=contact, username=text)
        add(store, account)
        assert store.find(contact.contact_id) == account
        assert store.find_by_username(text) == account

    def test_long_texts_differ_at_their_ends(self, store: AccountStore) -> None:
        """Ids and user names that differ only in the last of 255 characters are different."""
        accounts = [an_account("x" * (CODE_POINTS - 1) + end, "y" * (CODE_POINTS - 1) + end) for end in "ab"]
        add(store, *accounts)
        assert [store.find(account.contact_id) for account in accounts] == accounts
        assert [store.find_by_username(str(account.username_key)) for account in accounts] == accounts

    def test_usernames_are_shown_as_given(self, store: AccountStore) -> None:
        """The user name keeps its case, blanks and form; only its key is folded."""
        for number, username in enumerate((" Rosa ", "ROSE", "Nu\u0301n\u0303ez", "ﬁn", "O'Brien%_")):
            account = an_account(str(number), username)
            add(store, account)
            assert stored(store, account).username == username

    def test_ids_come_back_exactly(self, store: AccountStore) -> None:
        """Identifiers stay text, also if they look like numbers."""
        ids = ("007", "7", "1e3", "NULL", "a b", "é", "e\u0301", "'; --", "\U0001f600", "0x1F", "-1")
        accounts = [an_account(contact_id) for contact_id in ids]
        add(store, *accounts)
        assert [stored(store, account).contact_id for account in accounts] == list(ids)

    def test_instants_come_back_to_the_microsecond(self, store: AccountStore) -> None:
        """No time is rounded or shifted by a time zone."""
        for number, at in enumerate(_INSTANTS):
            account = attrs.evolve(an_account(str(number)), last_sign_in_at=at)
            add(store, account)
            assert stored(store, account).last_sign_in_at == at

    def test_instants_come_back_in_utc(self, store: AccountStore) -> None:
        """Every time of an account is aware and in UTC."""
        account = an_account("1")
        add(store, account)
        found = step(store, account, issued(account))
        for at in (found.credential.issued_at, found.credential.expires_at):
            assert at is not None
            assert at.utcoffset() == timedelta(0)

    def test_every_field_of_a_credential_comes_back(self, store: AccountStore) -> None:
        """Every field of a credential is kept, and no two are swapped."""
        credential = Credential(
            password_hash=HASH,
            origin=CredentialOrigin.ISSUED,
            change_required_by="compromised",
            strategy="s" * 64,
            issue_id="i" * 64,
            issued_by="staff-1 é" + "x" * 200,
            issued_at=NOW,
            changed_at=NOW + timedelta(microseconds=1),
            expires_at=NOW + timedelta(microseconds=2),
            epoch=2**40,
            ticket_digest="0123456789abcdef" * 4,
            ticket_expires_at=NOW + timedelta(microseconds=3),
        )
        account = attrs.evolve(an_account("1"), credential=credential)
        add(store, account)
        found = stored(store, account).credential
        for field in attrs.fields(Credential):
            assert getattr(found, field.name) == getattr(credential, field.name), field.name

    def test_every_field_of_an_account_comes_back(self, store: AccountStore) -> None:
        """Every field of an account is kept, and no two are swapped."""
        account = attrs.evolve(
            an_account("1", "rosa"),
            is_active=False,
            last_sign_in_at=NOW,
            erased_at=NOW + timedelta(microseconds=1),
            name_changed_at=NOW + timedelta(microseconds=2),
        )
        add(store, account)
        found = stored(store, account)
        for field in attrs.fields(Account):
            assert getattr(found, field.name) == getattr(account, field.name), field.name

    def test_every_origin_comes_back(self, store: AccountStore) -> None:
        """Each origin is kept, and with it whether a change is required."""
        accounts = [
            an_account("1"),
            issued(an_account("2")),
            attrs.evolve(an_account("3"), credential=Credential(password_hash=HASH, origin=CredentialOrigin.CHOSEN)),
            attrs.evolve(an_account("4"), credential=Credential(password_hash=HASH, origin=CredentialOrigin.IMPORTED)),
        ]
        accounts[1] = attrs.evolve(accounts[1], version=1)
        add(store, *accounts)
        found = [stored(store, account).credential for account in accounts]
        assert [credential.origin for credential in found] == list(CredentialOrigin)
        assert [credential.must_change for credential in found] == [False, True, False, False]

    def test_hashes_come_back_exactly(self, store: AccountStore) -> None:
        """A stored hash is untrusted text; the store does not interpret it (R10)."""
        for number, encoded in enumerate(_HASHES):
            credential = Credential(password_hash=PasswordHash(encoded), origin=CredentialOrigin.IMPORTED)
            account = attrs.evolve(an_account(str(number)), credential=credential)
            add(store, account)
            found = stored(store, account).credential.password_hash
            assert found is not None
            assert found.encoded == encoded

    def test_a_default_of_an_old_name_stays_one(self, store: AccountStore) -> None:
        """The time of a name change is kept to the microsecond and compared with the time of issue (R5)."""
        account = an_account("1")
        add(store, account)
        ready = step(store, account, issued(account))
        assert ready.name_changed_at is None
        contact = attrs.evolve(ready.contact, last_name="Neu")
        renamed = step(store, ready, ready.refresh(contact, username=None, at=NOW + _MICROSECOND))
        assert renamed.name_changed_at == NOW + _MICROSECOND
        assert renamed.has_default_of_old_name
        assert step(store, renamed, renamed.erase(erased_at=NOW)).name_changed_at is None

    def test_ticket_digests_come_back_exactly(self, store: AccountStore) -> None:
        """The digest of an open ticket is kept, and removed with the ticket (R2)."""
        account = an_account("1")
        add(store, account)
        ready = step(store, account, issued(account))
        digest = "0123456789abcdef" * 4
        opened = step(store, ready, ready.open_ticket(digest, expires_at=NOW))
        assert opened.credential.ticket_digest == digest
        assert opened.credential.ticket_expires_at == NOW
        closed = step(store, opened, opened.disable())
        assert closed.credential.ticket_digest is None
        assert closed.credential.ticket_expires_at is None

    def test_what_is_taken_away_is_gone(self, store: AccountStore) -> None:
        """Fields that became None are written too: an erased account keeps no personal data."""
        account = attrs.evolve(an_account("1", "rosa"), last_sign_in_at=NOW)
        add(store, account)
        erased = step(store, account, account.erase(erased_at=NOW))
        assert erased.contact == Contact(contact_id=account.contact_id)
        assert erased.username is None
        assert erased.last_sign_in_at is None
        assert erased.credential.password_hash is None
