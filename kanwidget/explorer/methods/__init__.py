"""The public methods of an explorer, by kind."""
