"""The contract between kernel and browser: records, topics, labels."""
