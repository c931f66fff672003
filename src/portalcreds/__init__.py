"""Default passwords, forced changes and sign-ins for the contacts of a school's parent portal."""

__version__ = "0.1.0"
