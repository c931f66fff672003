"""
An app for Django sites, with the extra ``django``: put this package's name into ``INSTALLED_APPS``.

Nothing is imported here, so that Django can import the app before its registry is ready: take `get_portal` from
``configuration``, the steps of a form from ``signing_in``, and name the backends and the middleware in the settings.
"""
