"""Plants faults into valid documents, and measures how many are found, each at its place."""
