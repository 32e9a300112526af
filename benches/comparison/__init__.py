"""This library beside others: what a call costs, and how much reaches the disk."""
