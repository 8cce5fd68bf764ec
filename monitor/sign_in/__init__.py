"""Slows down whoever guesses passwords, and never the person who comes from where that person signed in before.

`how_long_to_wait` decides and is pure; `attempts` counts in the database, so that all processes share the counts, and
is asked before a password is looked at. Who asks says from where: `dashboard.people.sign_in`.
"""

from monitor.sign_in.attempts import Claim, claim, forget, give_back, place_of
from monitor.sign_in.how_long_to_wait import Place, SignInVerdict

__all__ = ["Claim", "Place", "SignInVerdict", "claim", "forget", "give_back", "place_of"]
