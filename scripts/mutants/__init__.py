"""Puts single faults into copies of the code and reports which of them no test notices (make mutants)."""
