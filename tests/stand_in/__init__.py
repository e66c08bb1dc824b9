"""A framework made for the tests of the gate, in as many versions as there are changes planted in it."""
