"""Virtual environments that hold one version of a framework each: made, found again, and the runs made in them."""
