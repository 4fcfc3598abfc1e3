"""The constants of trees, fitted one tree or thousands at a time."""
