"""Clauses that both operators share: each is declared once, and registered for each of them."""
