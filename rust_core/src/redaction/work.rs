//! Counts what is read of texts beyond one look at each of their bytes, so that a test can hold it to their length. Nothing but in tests.

#[cfg(test)]
std::thread_local! {
    static BYTES: std::cell::Cell<u64> = const { std::cell::Cell::new(0) };
}

/// So many bytes were read.
#[inline]
pub fn add(_bytes: usize) {
    #[cfg(test)]
    BYTES.set(BYTES.get() + _bytes as u64);
}

/// How many were, since this was last asked.
#[cfg(test)]
pub fn take() -> u64 {
    BYTES.take()
}
