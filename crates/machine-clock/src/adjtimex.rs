//! The call (docs/adr/0020-how-good-the-clock-is.md).
use std::io;

use super::KernelClock;

/// Asks the kernel; changes nothing and needs no privilege.
///
/// # Errors
/// Those of the system; [`io::ErrorKind::Unsupported`] where there is no such call.
#[cfg(target_os = "linux")]
#[cfg_attr(
    target_pointer_width = "64",
    expect(clippy::useless_conversion, reason = "the kernel's long has 32 bits elsewhere")
)]
pub fn read() -> io::Result<KernelClock> {
    #[expect(unsafe_code, reason = "no safe crate reads what adjtimex tells")]
    // SAFETY: `timex` is plain numbers, so all zeros is a value of it; with `modes` 0 the call only fills in the
    // structure behind the exclusive reference, which lives through the call.
    let (state, told) = unsafe {
        let mut told: libc::timex = std::mem::zeroed();
        (libc::adjtimex(&raw mut told), told)
    };
    if state < 0 {
        return Err(io::Error::last_os_error());
    }
    let nanoseconds = told.status & libc::STA_NANO != 0;
    let offset = i64::from(told.offset);
    Ok(KernelClock {
        disciplined: state != libc::TIME_ERROR && told.status & libc::STA_UNSYNC == 0,
        offset_us: if nanoseconds { offset / 1_000 } else { offset },
        max_error_us: u64::try_from(told.maxerror).unwrap_or(u64::MAX),
    })
}

/// There is no such call here.
///
/// # Errors
/// Always [`io::ErrorKind::Unsupported`].
#[cfg(not(target_os = "linux"))]
pub fn read() -> io::Result<KernelClock> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    #[test]
    fn the_kernel_answers_and_vouches_for_no_less_than_it_knows() {
        let clock = super::read().unwrap();
        // The kernel counts up to 16 s and then says that nobody disciplines the clock.
        assert!(clock.max_error_us <= 16_000_000, "{clock:?}");
        assert!(!clock.disciplined || clock.max_error_us < 16_000_000, "{clock:?}");
    }
}
