"""The command line: one file for the commands of each kind, and what they print."""
