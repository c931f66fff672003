"""The pages to sign in and to choose a password: ``path("portal/", include(…))``."""

from __future__ import annotations

from django.urls import path

from .configuration import LABEL
from .views import ChooseView, SignInView

app_name = LABEL
urlpatterns = [
    path("sign-in/", SignInView.as_view(), name="sign_in"),
    path("choose/", ChooseView.as_view(), name="choose"),
]
