"""Finds soon that a flow fails more often than it usually does."""
