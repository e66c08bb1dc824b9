"""Laws that operators share, each family in a file of its name, written once against the description of an operator."""
