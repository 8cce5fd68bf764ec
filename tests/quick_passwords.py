"""Hashes passwords the product's way with the least work: a real hash takes longer than all else a test does."""

from __future__ import annotations

from django.contrib.auth.hashers import Argon2PasswordHasher


class QuickArgon2(Argon2PasswordHasher):
    """Spends one pass over as little memory as Argon2 allows."""

    time_cost = 1
    memory_cost = 8
    parallelism = 1
