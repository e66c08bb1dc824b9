"""Uses of the ports that no clause meets, each run under its framework's interpreter by ``.ci/check_ports.py``."""
