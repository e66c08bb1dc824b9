"""Clauses of the multi-label margin loss."""
