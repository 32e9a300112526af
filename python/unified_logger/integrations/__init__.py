"""Frameworks, servers and other loggers, each in a module of its own, which a program imports if it uses it."""
