"""Stores what slows guessing down, and from where people signed in. `monitor.sign_in` alone writes both tables."""

from __future__ import annotations

from django.db import models

from monitor.models.people import User


class SignInCount(models.Model):
    """Counts wrong passwords by one of the ways of `monitor.sign_in.how_long_to_wait`, such as those for a name."""

    # A digest: a name that nobody has may be a password in the wrong field.
    key = models.CharField(max_length=64, unique=True)
    failures = models.PositiveIntegerField(default=0)
    at = models.DateTimeField(help_text="of the last that was counted")

    class Meta:
        indexes = [models.Index(fields=["at"], name="signin_count_at")]

    def __str__(self) -> str:
        return f"{self.failures} until {self.at}"


class KnownNetwork(models.Model):
    """Records from where a person signed in with the right password: nobody's guesses keep them out from there."""

    person = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    network = models.CharField(max_length=45, help_text="an address of IPv4, the /64 of one of IPv6")
    at = models.DateTimeField(help_text="of the last sign-in")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["person", "network"], name="one_row_per_known_network")]

    def __str__(self) -> str:
        return f"person {self.person_id} from {self.network}"
