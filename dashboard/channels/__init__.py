"""Channels beside mail: what they are, and what admins do with them."""
