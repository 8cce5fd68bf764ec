"""Finds one kind of thing each: a module has `look`, and `gaps` where it needs what may not be mirrored."""
