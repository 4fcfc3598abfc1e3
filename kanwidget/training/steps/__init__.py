"""The steps of a training: data and settings checked, one step after the other, the best state kept."""
