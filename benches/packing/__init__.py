"""What packing and indexing cost the calls, while they go on.

- `stage`: one run in a process of its own, beside rotated files that are packed meanwhile, or beside none;
- `run`: runs in turn, and the medians of their ratios; the table in `docs/files.md`.
"""
