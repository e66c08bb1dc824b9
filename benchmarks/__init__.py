"""What the suite costs, against what; one command each."""
