"""Who takes part in the benchmark of discovery: a row each in `table`."""
