"""Side-by-side measurements: the same work done in each way, in the same run, and the ratio."""
