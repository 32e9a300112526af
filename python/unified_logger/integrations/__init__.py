"""Frameworks, servers and other loggers, each in a module of its own that is imported by whoever uses it."""
