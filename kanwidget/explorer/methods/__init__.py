"""What a person calls on an explorer: editing, asking, saving."""
