"""What the data say about noise and smoothness, while Levenberg-Marquardt trains."""
