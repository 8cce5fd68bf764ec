"""Makes things go wrong on purpose: the script of faults, their kinds, and a story for each known fault."""
