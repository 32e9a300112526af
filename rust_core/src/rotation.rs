//! When a log file is changed for a new one, and what its predecessors are called. Decides only; `sink` acts.
