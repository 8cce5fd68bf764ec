"""Finds pages and things by a few letters."""
