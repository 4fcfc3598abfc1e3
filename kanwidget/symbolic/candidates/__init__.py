"""The functions that could stand in the place of an edge: on its curve, or on what rows of data ask of it."""
