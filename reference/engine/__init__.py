"""One formula in: values, gradients, bounds and plain implementations out."""
