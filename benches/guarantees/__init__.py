"""What is kept when something goes wrong: every event, run for this library and for others side by side.

- `loggers/`: how each library is set up, a module each;
- `events/`: what happens, a module for each family;
- `app`: what a child process has in its hands; `ledger`: which calls it made;
- `stage`: starts child processes, ends those that hang; `lines`: counts what is on disk;
- `page`: tables of `docs/guarantees.md`; `run`: the command.
"""
