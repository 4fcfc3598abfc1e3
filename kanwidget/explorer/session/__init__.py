"""A network, its data, its training and its history. No thread, no notebook, no browser."""
