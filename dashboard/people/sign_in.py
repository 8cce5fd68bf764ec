"""Closes the sign-up: nobody adds themselves."""

from __future__ import annotations

from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """Refuses sign-ups: people are added by an admin or by `manage.py createsuperuser`."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False
