"""Lets admins say who may sign in and what they may do, and everybody sign in and set their own profile."""
