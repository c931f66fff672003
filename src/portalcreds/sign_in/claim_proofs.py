"""Ask for what the school gave a family before a default may be changed: a number of theirs, or a code in a letter."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, Final, Protocol

import attrs

from .._arguments import has_methods, is_callable, is_missing, is_text, refused_unless, several_in
from .._ids import digest
from .._text import MAX_CODE_LENGTH, is_code, is_default_ignorable, same_text
from .._value import Value
from ..accounts import Account
from ..contacts import ContactId
from ..exceptions import ConfigurationError
from ..secret import Secret

CODE_LENGTH: Final = 10
"""Characters of a letter code: 42 bits, of which one credential allows ten guesses."""

_GROUP: Final = 5
"""After how many of them a hyphen stands."""

_ALPHABET: Final = "bcdfghjknprtvxy3478"
"""What `portalcreds.default_passwords.RandomReadable` draws from: no two look alike, and they make no words."""

_MAX_GIVEN: Final = 255
"""Characters of what is typed; more are not looked at (R8)."""

_RETURN_TEXTS: Final = "return a dict of contact ids, each with a list of texts, such as {contact_id: [str(number)]}"

FindValues = Callable[[Sequence[ContactId]], Mapping[ContactId, Iterable[str | None]]]
"""Returns for each of these contacts what it may give; those who have nothing may be left out."""


_kind: Final = refused_unless(is_code, f"pass a code of 1 to {MAX_CODE_LENGTH} characters, such as student_number")


@attrs.frozen(eq=False, repr=False)
class KnownValues(Value):
    """
    A `ClaimProof` over what your application knows: any one of a contact's values is right.

    Such as the student number of each child, or the number on the enrolment form. Blanks, hyphens and case make no
    difference, neither here nor as typed, and neither do width and the digits of other scripts.

    Args:
        find_values: Returns the values of each of several contacts, by contact id: one question for many. What it
            raises comes out of the service.
        kind: What the form has to ask for, as a code such as ``student_number``.

    Raises:
        ConfigurationError: A part is not valid; later, that *find_values* returned what holds no texts.
    """

    _find_values: FindValues = attrs.field(
        alias="find_values",
        repr=False,
        validator=is_callable(hint="pass a function that returns the values of each of several contacts"),
    )
    kind: str = attrs.field(kw_only=True, validator=_kind)

    def verify(self, account: Account, given: Secret, tenant: str, /) -> bool:
        """Return whether this is one of the contact's values."""
        # First of all, so that what it raises shows no frame with anything in the clear (R14).
        values = self._values([account.contact_id])[account.contact_id]
        typed = digest(_folded(given))
        # Beside one that nobody can give: whoever has none is refused after the same steps. And all of them.
        matches = [same_text(typed, value) for value in (digest("\0"), *values)]
        return any(matches)

    def find_missing(self, accounts: Sequence[Account], /) -> Collection[ContactId]:
        """Return those of the contacts who have no value."""
        values = self._values([account.contact_id for account in accounts])
        return [contact_id for contact_id, found in values.items() if not found]

    def _values(self, contact_ids: Sequence[ContactId]) -> dict[ContactId, list[str]]:
        """Return the digests of the values of each of the contacts."""
        found: Any = self._find_values(contact_ids)  # Any: what a function without type checks returns.
        if not isinstance(found, Mapping):
            raise ConfigurationError("find_values", _RETURN_TEXTS)
        return {contact_id: _digests(found.get(contact_id, ())) for contact_id in contact_ids}


class _Keys(Protocol):
    @property
    def current_id(self) -> bytes: ...

    @property
    def names(self) -> tuple[str, ...]: ...

    def find(self, key_id: bytes, /) -> bytes | None: ...


@attrs.frozen(eq=False, repr=False)
class LetterCode(Value):
    """
    A `ClaimProof` that asks for a short code, such as ``x7kdb-33vnf``, which the school prints in a letter.

    Nothing is stored: the code is computed from a key, the tenant, the contact and what was issued last. So a re-issue
    gives a new one, and so does a password that the contact chose. `AccountService.reveal_claim_codes` tells it.

    Args:
        keys: A `portalcreds.hashers.KeyRing` of its own. Codes are made with its current key. Those of its other keys
            still work, so keep a key for as long as letters made with it are on their way.
        kind: What the form has to ask for, as a code.

    Raises:
        ConfigurationError: A part is not valid.
    """

    _keys: _Keys = attrs.field(
        alias="keys",
        repr=False,
        validator=has_methods("find", hint='pass a KeyRing, such as KeyRing(current="k1", keys={"k1": key})'),
    )
    kind: str = attrs.field(kw_only=True, default="letter_code", validator=_kind)

    def verify(self, account: Account, given: Secret, tenant: str, /) -> bool:
        """Return whether this is the account's code, made with any of the keys."""
        typed = _folded(given)
        names = [name.encode("ascii") for name in self._keys.names]
        matches = [same_text(typed, self._code(name, account, tenant)) for name in names]
        return any(matches)

    def find_missing(self, accounts: Sequence[Account], /) -> Collection[ContactId]:
        """Return nobody: everybody has a code."""
        return ()

    def code_of(self, account: Account, tenant: str, /) -> Secret:
        """Return the account's code, made with the current key. A service records that it was told; this does not."""
        code = self._code(self._keys.current_id, account, tenant)
        return Secret("-".join(code[at : at + _GROUP] for at in range(0, CODE_LENGTH, _GROUP)))

    def _code(self, key_id: bytes, account: Account, tenant: str) -> str:
        # Loading OpenSSL costs more than all of the kernel.
        import hmac

        key = self._keys.find(key_id)
        if key is None:
            raise ConfigurationError("keys", "pass a KeyRing that finds the keys it names")
        credential = account.credential
        # Not the epoch: a letter that is on its way must survive that an account is disabled and enabled again.
        issue = (credential.issue_id, None if credential.changed_at is None else credential.changed_at.isoformat())
        # In a form that no two of them share; surrogates and all.
        message = repr(("letter code", 1, tenant, str(account.contact_id), *issue))
        number = int.from_bytes(hmac.digest(key, message.encode("utf-8", "backslashreplace"), "sha256"), "big")
        code = ""
        for _ in range(CODE_LENGTH):
            number, at = divmod(number, len(_ALPHABET))
            code += _ALPHABET[at]
        return code


def _digests(values: Any) -> list[str]:  # Any: what a function without type checks returns.
    """Return the digests of the values that are not empty; of the same length, however long the values are."""
    found = several_in(
        "find_values", values, _RETURN_TEXTS, lambda each: is_text(each) or is_missing(each), ConfigurationError
    )
    folded = (_folded(Secret(value)) for value in found if not is_missing(value))
    return [digest(text) for text in folded if text]


def _folded(given: Secret) -> str:
    """Return a text without what people leave out, add or change when they type it; nothing if it is too long."""
    text = given.reveal()
    if len(text) > _MAX_GIVEN:
        return ""
    kept = [_plain(char) for char in unicodedata.normalize("NFKC", text).casefold()]
    return unicodedata.normalize("NFC", "".join(kept))


def _plain(char: str) -> str:
    category = unicodedata.category(char)
    if category in ("Zs", "Pd", "Cc") or is_default_ignorable(char):
        return ""
    return str(unicodedata.decimal(char)) if category == "Nd" else char
