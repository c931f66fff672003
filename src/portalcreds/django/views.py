"""Two pages: sign in, and choose a password. ``urls`` names them, and their templates may be replaced."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import LoginView
from django.core.exceptions import ValidationError
from django.db import transaction
from django.forms import CharField, Form, HiddenInput, PasswordInput, TextInput
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import translation
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.generic import FormView

from ..sign_in import (
    ClaimProofRefused,
    DefaultExpired,
    PasswordChanged,
    PasswordChangeRequired,
    PasswordCompromised,
    PasswordRefused,
    TicketInvalid,
    TryLater,
)
from ..sign_in.outcomes import Unavailable
from ..texts import text_of
from .configuration import LABEL
from .signing_in import complete_change

_CODES = {PasswordCompromised: "known", DefaultExpired: "expired", TryLater: "later", Unavailable: "unavailable"}


class ChooseForm(Form):
    """A new password, with the ticket that allows it."""

    ticket = CharField(widget=HiddenInput)
    asks = CharField(widget=HiddenInput, required=False)
    claim_proof = CharField(label=_("What the school gave you"), widget=TextInput(attrs={"autocomplete": "off"}))
    new = CharField(label=_("New password"), strip=False, widget=PasswordInput(attrs={"autocomplete": "new-password"}))

    def __init__(self, *args: Any, **keywords: Any) -> None:
        """Leave out what is not asked for: *asks* is the code of what is, as `PasswordChangeRequired` has it."""
        super().__init__(*args, **keywords)
        if not self["asks"].value():
            del self.fields["claim_proof"]


class SignInForm(AuthenticationForm):
    """Django's form, which says what the portal says."""

    def get_invalid_login_error(self) -> ValidationError:
        """Return the message for the outcome; the same for everybody who is denied (R7)."""
        outcome = getattr(self.request, "portal_outcome", None)
        code = _CODES.get(type(outcome))
        if outcome is None or code is None:
            return super().get_invalid_login_error()
        return ValidationError(text_of(outcome, translation), code=code)


# Outside of the request's transaction: what is counted and what is on the record stands, whatever the view does next.
@method_decorator(transaction.non_atomic_requests, name="dispatch")
class SignInView(LoginView):
    """Django's `LoginView`, which goes on to the page to choose a password where that is due."""

    form_class = SignInForm
    template_name = f"{LABEL}/sign_in.html"

    def form_invalid(self, form: Any) -> Any:
        """Return the page to choose a password if that is due; else the form again."""
        outcome = getattr(self.request, "portal_outcome", None)
        if isinstance(outcome, PasswordChangeRequired):
            chosen = ChooseForm(initial={"ticket": outcome.ticket.reveal(), "asks": outcome.claim_proof})
            # In the page and not in the session: a ticket is nobody's business but the form's.
            return render(self.request, ChooseView.template_name, {"form": chosen, "reason": outcome.reason})
        return super().form_invalid(form)


@method_decorator((sensitive_post_parameters(), never_cache, transaction.non_atomic_requests), name="dispatch")
class ChooseView(FormView):
    """The page to choose a password, which takes what the form of `SignInView` sent."""

    form_class = ChooseForm
    template_name = f"{LABEL}/choose.html"
    http_method_names = ("post",)

    def form_valid(self, form: Any) -> Any:
        """Go to the sign-in page if the password is changed; else show what is wrong with it."""
        sent = form.cleaned_data
        outcome = complete_change(self.request, sent["ticket"], sent["new"], claim_proof=sent.get("claim_proof"))
        match outcome:
            case PasswordChanged():
                messages.success(self.request, text_of(outcome, translation), fail_silently=True)
                return redirect(reverse(f"{LABEL}:sign_in"))
            case PasswordRefused(violations=violations):
                form.add_error("new", [text_of(violation, translation) for violation in violations])
            case ClaimProofRefused() if "claim_proof" in form.fields:
                form.add_error("claim_proof", text_of(outcome, translation))
            case ClaimProofRefused() | TicketInvalid():
                messages.error(self.request, text_of(TicketInvalid(), translation), fail_silently=True)
                return redirect(reverse(f"{LABEL}:sign_in"))
            case _:
                form.add_error(None, text_of(outcome, translation))
        return self.form_invalid(form)
