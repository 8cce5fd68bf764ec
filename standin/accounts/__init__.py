"""Plays Zoho's accounts server: tokens, and the addresses /oauth/v2."""
