"""Threads of torch and of Python."""
