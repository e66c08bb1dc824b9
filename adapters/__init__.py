"""Subjects in processes of their own: the contract, the worker, one file per framework."""
