"""Holds the mirror against Zoho by night, and takes away what has outlived its age."""
