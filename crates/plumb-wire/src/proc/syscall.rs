//! `/proc/PID/task/TID/syscall`: the system call a sleeping thread is in.
//!
//! Needs the right to trace the process. Minimum kernel version: any plumb runs on; a kernel without
//! CONFIG_HAVE_ARCH_TRACEHOOK has no such file.

use crate::scan::Scanner;

/// Where a thread is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InKernel {
    /// It runs, or could: there is nothing to say of it.
    Running,
    /// It sleeps in the kernel, but not in a system call (a page fault).
    NotInCall {
        /// Its stack pointer.
        sp: u64,
        /// Its instruction pointer.
        ip: u64,
    },
    /// It sleeps in a system call.
    Call {
        /// The number of the call, as this machine counts.
        number: u64,
        /// The arguments.
        arguments: [u64; 6],
        /// Its stack pointer.
        sp: u64,
        /// Its instruction pointer.
        ip: u64,
    },
}

/// Decodes the file's only line.
///
/// ```
/// use plumb_wire::proc::syscall::{InKernel, decode_syscall};
///
/// assert_eq!(decode_syscall(b"running\n"), Some(InKernel::Running));
/// assert_eq!(
///     decode_syscall(b"0 0x3 0x7ffe0 0x400 0x0 0x0 0x0 0x7ffd8 0x7f11\n"),
///     Some(InKernel::Call { number: 0, arguments: [3, 0x7ffe0, 0x400, 0, 0, 0], sp: 0x7ffd8, ip: 0x7f11 }),
/// );
/// ```
pub fn decode_syscall(line: &[u8]) -> Option<InKernel> {
    if line.trim_ascii() == b"running" {
        return Some(InKernel::Running);
    }
    let mut scanner = Scanner::new(line);
    let number = scanner.signed()?;
    let Ok(number) = u64::try_from(number) else {
        let (sp, ip) = (scanner.hex()?, scanner.hex()?);
        return Some(InKernel::NotInCall { sp, ip });
    };
    let mut arguments = [0; 6];
    for argument in &mut arguments {
        *argument = scanner.hex()?;
    }
    let (sp, ip) = (scanner.hex()?, scanner.hex()?);
    Some(InKernel::Call {
        number,
        arguments,
        sp,
        ip,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outside_a_call_there_are_two_registers() {
        assert_eq!(
            decode_syscall(b"-1 0x7ffe10 0x55aa\n"),
            Some(InKernel::NotInCall {
                sp: 0x007f_fe10,
                ip: 0x55aa
            })
        );
    }

    #[test]
    fn a_line_cut_short_says_nothing() {
        assert_eq!(decode_syscall(b"45 0x3 0x7f\n"), None);
        assert_eq!(decode_syscall(b""), None);
    }
}
