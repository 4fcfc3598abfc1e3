"""The objective: loss, penalty, and their derivatives."""
