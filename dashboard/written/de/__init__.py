"""Holds Django's formats beside German texts."""
