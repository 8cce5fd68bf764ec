"""Administers who may sign in and what they may do; each person's own profile; signing in."""
