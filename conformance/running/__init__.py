"""From a plan to findings: calibration, workers, cells, reproducers."""
