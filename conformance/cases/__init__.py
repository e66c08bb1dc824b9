"""Cases: what they are, where they come from, and how a failing one is made smaller."""
