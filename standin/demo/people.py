"""Creates the people who can sign in to the demo, with a new password at each start."""

from __future__ import annotations

import secrets

from django.contrib.auth.hashers import make_password

from monitor.models import Role, User

PEOPLE = {
    "admin": ("Ada", "Example", Role.ADMIN),
    "operator": ("Otto", "Example", Role.OPERATOR),
    "viewer": ("Vera", "Example", Role.VIEWER),
}
_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # none that is taken for another when read aloud


def new_password() -> str:
    """Draws sixteen random letters in groups of four: about 79 bits."""
    return "-".join("".join(secrets.choice(_LETTERS) for _ in range(4)) for _ in range(4))


def welcome(password: str) -> None:
    """Creates the demo's people where they are missing, and gives all of them this start's password."""
    hashed = make_password(password)
    for username, (first_name, last_name, role) in PEOPLE.items():
        User.objects.update_or_create(
            username=username,
            defaults={"password": hashed, "role": role, "is_active": True},
            create_defaults={
                "password": hashed,
                "role": role,
                "email": f"{first_name.lower()}@example.com",
                "first_name": first_name,
                "last_name": last_name,
            },
        )
