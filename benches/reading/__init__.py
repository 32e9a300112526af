"""What it takes to find records again: one trace in packed files by their indices, and lines of plain files, beside `rg`, `zstdgrep` and `zstdcat`.

- `files`: log files as a program of this library leaves them;
- `search`: one search in a process of its own, with `read_logs`;
- `run`: searches in turn, and the best of each; the table in `docs/reading.md`.
"""
