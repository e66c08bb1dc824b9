"""The losses, each as its formula: one file for one operator."""
