"""Finds a flow of which many runs fail within some hours, whatever part of its runs that is."""
