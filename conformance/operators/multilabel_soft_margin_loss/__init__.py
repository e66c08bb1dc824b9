"""Clauses of the multi-label soft margin loss."""
