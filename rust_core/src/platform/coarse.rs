//! The time for what happens often and needs no precision.

/// Milliseconds since some moment, which come to the same again after 49 days. They are up to ten too old: asking the kernel's last tick
/// takes a fifth of the time of a clock.
#[cfg(target_os = "linux")]
#[must_use]
pub fn coarse_milliseconds() -> u32 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: a place for the answer; this clock is there since Linux 2.6.32, and the answer stays zero where it is not.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC_COARSE, &raw mut time) };
    let (seconds, nanoseconds) = (time.tv_sec.cast_unsigned(), time.tv_nsec.cast_unsigned());
    #[allow(clippy::cast_possible_truncation, reason = "it begins anew")]
    let milliseconds = seconds.wrapping_mul(1_000).wrapping_add(nanoseconds / 1_000_000) as u32;
    milliseconds
}

#[cfg(not(target_os = "linux"))]
#[must_use]
pub fn coarse_milliseconds() -> u32 {
    static BEGUN: std::sync::LazyLock<std::time::Instant> = std::sync::LazyLock::new(std::time::Instant::now);
    #[allow(clippy::cast_possible_truncation, reason = "it begins anew")]
    let milliseconds = BEGUN.elapsed().as_millis() as u32;
    milliseconds
}
