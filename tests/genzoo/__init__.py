"""The zoo from the formula: wrong and right implementations that are derived from the graph of each loss."""
