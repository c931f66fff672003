"""The app: registers its checks, and keeps the portal."""

from __future__ import annotations

from threading import Lock
from typing import Any

from django.apps import AppConfig
from django.contrib.auth.signals import user_logged_in
from django.core import checks
from django.core.signals import setting_changed

from ..portal import Portal
from .configuration import LABEL, SETTING


class PortalConfig(AppConfig):
    """The app, whose label is the same under whatever name the package was copied."""

    name = __name__.rpartition(".")[0]
    label = LABEL
    verbose_name = "Parent portal"

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._portal: Portal | None = None
        self._lock = Lock()

    def ready(self) -> None:
        """Register what needs models and settings."""
        # Here, because users are models.
        from .checks import check_settings, check_tables, check_the_old_door
        from .sessions import keep_epoch

        checks.register(check_settings, checks.Tags.security)
        checks.register(check_tables, checks.Tags.database)
        checks.register(check_the_old_door, checks.Tags.database)
        user_logged_in.connect(keep_epoch, dispatch_uid=self.name)
        setting_changed.connect(self._forget, dispatch_uid=self.name)

    def get_portal(self) -> Portal:
        """Return the portal."""
        from .configuration import make_portal

        with self._lock:
            if self._portal is None:
                self._portal = make_portal()
            return self._portal

    def _forget(self, *, setting: str, **others: Any) -> None:
        if setting == SETTING and self._portal is not None:
            self._portal.close()
            self._portal = None
