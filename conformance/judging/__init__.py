"""A subject as a law sees it, what is expected of it, and how the two are compared."""
