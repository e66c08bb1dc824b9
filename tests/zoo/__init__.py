"""Right and wrong implementations of both losses, to try the bounds and the clauses on."""
