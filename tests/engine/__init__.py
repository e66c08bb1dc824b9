"""What the tests of the formula engine share."""
