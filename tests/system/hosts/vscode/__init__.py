"""VS Code's widget manager, as npm has it, for a page of its own."""
