//! Exceptions as they travel through the queue, and how they are rendered behind it.
