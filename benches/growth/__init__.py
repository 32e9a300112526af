"""How cost grows with what a program does: one curve for each thing there may be more of, explained, and held to a factor.

- `curve`: what a curve is; `curves/`: all of them, a module for each family;
- `bench`: what a measurement has in its hands; `child`: one measurement, in a process of its own;
- `page`: `docs/growth.md` and its plots; `run`: the command.
"""
