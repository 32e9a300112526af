//! Named places where a test can make this crate fail. Without the feature `fault_injection`, which nothing that is shipped
//! has, there is nothing here but a call that comes to nothing.

#[cfg(feature = "fault_injection")]
use std::sync::{Mutex, PoisonError};

/// Where panics can be injected, in the order data flows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A batch was taken from the queue.
    Taken,
    Route,
    Redact,
    Encode,
    /// The console's text is half done.
    EncodeText,
    /// A file has the record's line, the next has not.
    Push,
    /// A batch is encoded and not written.
    Delivered,
    BeforeWrite,
    /// The system has the bytes, nobody else knows.
    AfterWrite,
    /// Files are half renamed.
    Rotate,
    Sync,
    Console,
    /// Everything is written, the buffers are not given back.
    Committed,
    Recover,
    /// The recovery has noted what it is about to write.
    Noted,
    /// A part of a rotated file is packed, the next is not.
    PackPart,
    /// A packed file is whole under its temporary name, and on no device.
    PackWritten,
    /// It is on the device, and was not read back.
    PackSynced,
    /// It was read back, and has its temporary name.
    PackVerified,
    /// It has its name, beside the original.
    PackNamed,
    /// Its name is on the device, beside the original.
    PackKept,
    /// The original is gone.
    PackRemoved,
}

/// How a panic that was asked for ends its message.
#[cfg(feature = "fault_injection")]
pub const MESSAGE: &str = "was made to fail";

#[cfg(feature = "fault_injection")]
static ARMED: Mutex<Option<(Fault, u32, u32)>> = Mutex::new(None);

/// Makes `fault` happen from now on, after it was passed `skip` times, `times` times.
#[cfg(feature = "fault_injection")]
pub fn arm(fault: Fault, skip: u32, times: u32) {
    *ARMED.lock().unwrap_or_else(PoisonError::into_inner) = Some((fault, skip, times));
}

/// How many times the armed fault is still to happen; nothing is armed any more.
#[cfg(feature = "fault_injection")]
pub fn disarm() -> u32 {
    ARMED.lock().unwrap_or_else(PoisonError::into_inner).take().map_or(0, |(_, _, times)| times)
}

/// Passes a place; panics if that is armed.
#[inline(always)]
#[cfg_attr(not(feature = "fault_injection"), allow(unused_variables, clippy::missing_const_for_fn))]
pub fn pass(fault: Fault) {
    #[cfg(feature = "fault_injection")]
    assert!(!is_due(fault), "{fault:?} {MESSAGE}");
}

#[cfg(feature = "fault_injection")]
fn is_due(fault: Fault) -> bool {
    let mut armed = ARMED.lock().unwrap_or_else(PoisonError::into_inner);
    match &mut *armed {
        Some((which, skip, _)) if *which == fault && *skip > 0 => {
            *skip -= 1;
            false
        }
        Some((which, _, times)) if *which == fault && *times > 0 => {
            *times -= 1;
            true
        }
        _ => false,
    }
}
