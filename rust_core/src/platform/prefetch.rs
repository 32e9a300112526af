//! Memory that another processor has written, brought here ahead of its use.

/// Bytes of a line of the cache.
const LINE: usize = 64;

/// Starts to bring bytes into this processor's cache, and does not wait for them.
#[inline]
pub fn prefetch(bytes: &[u8]) {
    // The last byte may lie in a line that no step meets.
    bytes.iter().step_by(LINE).chain(bytes.last()).for_each(prefetch_line);
}

#[cfg(target_arch = "x86_64")]
#[inline]
fn prefetch_line(byte: &u8) {
    use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
    // SAFETY: every processor of this architecture has it, and it reads nothing.
    unsafe { _mm_prefetch::<_MM_HINT_T0>(std::ptr::from_ref(byte).cast()) }
}

/// Others do without.
#[cfg(not(target_arch = "x86_64"))]
#[inline]
const fn prefetch_line(_byte: &u8) {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_of_any_length_may_be_asked_for() {
        let bytes = [7; 3 * LINE];
        (0..=bytes.len()).for_each(|length| prefetch(&bytes[..length]));
        assert_eq!(bytes, [7; 3 * LINE]);
    }
}
