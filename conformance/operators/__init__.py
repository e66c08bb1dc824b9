"""The operators, and the clauses that are special to each."""
