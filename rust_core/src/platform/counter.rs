//! The processor's counter of time, where there is one that costs less than a look at the clock.

#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
mod imp {
    /// Ticks of the time stamp counter.
    #[inline]
    #[must_use]
    pub fn counter() -> u64 {
        // SAFETY: every processor of this architecture has it; where a process is forbidden to read it, so is the system's
        // clock, which is made of it.
        unsafe { std::arch::x86_64::_rdtsc() }
    }

    /// Whether the counter is the same on all processors and never changes its pace: where Linux makes its clock of it, it has
    /// found that out, and goes on looking.
    #[must_use]
    pub fn is_counter_steady() -> bool {
        std::fs::read_to_string("/sys/devices/system/clocksource/clocksource0/current_clocksource")
            .is_ok_and(|source| source.trim() == "tsc")
    }
}

#[cfg(not(all(target_arch = "x86_64", target_os = "linux")))]
mod imp {
    /// None that is known to be cheap and steady.
    #[inline]
    #[must_use]
    pub const fn counter() -> u64 {
        0
    }

    #[must_use]
    pub const fn is_counter_steady() -> bool {
        false
    }
}

pub use imp::*;
