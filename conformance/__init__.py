"""Clauses, cases, the runner and the command line."""
