"""How long a call takes at worst, and why: paced calls, late from when they were due, beside what else happens in a process.

- `pacer/`: the loop that paces and times, in C, and reads the kernel's counts between two calls;
- `scenarios`: what happens beside the calls; `stage`: one of them in a process of its own;
- `causes`: what the calls that lost most lost it to;
- `page`: the tables and plots of `docs/tails.md`; `run`: the command.
"""
