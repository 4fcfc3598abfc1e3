"""The contract between kernel and browser: records, messages, topics."""
