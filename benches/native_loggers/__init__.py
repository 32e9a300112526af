"""Loggers of other languages as programs of their own: each logs the benches' record and measures itself."""
