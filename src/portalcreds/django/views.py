"""Two pages: sign in, and choose a password. ``urls`` names them, and their templates may be replaced."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import LoginView
from django.core.exceptions import ValidationError
from django.db import transaction
from django.forms import CharField, Form, HiddenInput, PasswordInput
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import translation
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.generic import FormView

from ..sign_in import DefaultExpired, PasswordChanged, PasswordChangeRequired, PasswordRefused, TicketInvalid, TryLater
from ..sign_in.outcomes import Unavailable
from ..texts import text_of
from .configuration import LABEL
from .signing_in import complete_change


class ChooseForm(Form):
    """A new password, with the ticket that allows it."""

    ticket = CharField(widget=HiddenInput)
    new = CharField(label=_("New password"), strip=False, widget=PasswordInput(attrs={"autocomplete": "new-password"}))


class SignInForm(AuthenticationForm):
    """Django's form, which says what the portal says."""

    def get_invalid_login_error(self) -> ValidationError:
        """Return the message for the outcome; the same for everybody who is denied (R7)."""
        match getattr(self.request, "portal_outcome", None):
            case DefaultExpired() as outcome:
                return ValidationError(text_of(outcome, translation), code="expired")
            case TryLater() as outcome:
                return ValidationError(text_of(outcome, translation), code="later")
            case Unavailable() as outcome:
                return ValidationError(text_of(outcome, translation), code="unavailable")
        return super().get_invalid_login_error()


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
            chosen = ChooseForm(initial={"ticket": outcome.ticket.reveal()})
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
        outcome = complete_change(self.request, form.cleaned_data["ticket"], form.cleaned_data["new"])
        match outcome:
            case PasswordChanged():
                messages.success(self.request, text_of(outcome, translation), fail_silently=True)
                return redirect(reverse(f"{LABEL}:sign_in"))
            case PasswordRefused(violations=violations):
                form.add_error("new", [text_of(violation, translation) for violation in violations])
            case TicketInvalid():
                messages.error(self.request, text_of(outcome, translation), fail_silently=True)
                return redirect(reverse(f"{LABEL}:sign_in"))
            case _:
                form.add_error(None, text_of(outcome, translation))
        return self.form_invalid(form)
