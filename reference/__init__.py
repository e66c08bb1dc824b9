"""The oracles and the bounds: numbers only, no framework."""
