//! `/proc/PID/maps`: what lies where in a process's memory.
//!
//! Minimum kernel version: any plumb runs on. A line that does not have the known shape is no mapping.

use core::ops::Range;

use crate::scan::Scanner;

/// One mapping.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mapping<'a> {
    /// Its addresses.
    pub range: Range<u64>,
    /// Whether code in it can run.
    pub executable: bool,
    /// Where in its file it begins.
    pub offset: u64,
    /// Inode of its file; 0 if there is none.
    pub inode: u64,
    /// Path of its file, a name in brackets (`[vdso]`), or empty.
    pub path: &'a [u8],
    /// Whether the file has no name any more.
    pub deleted: bool,
}

/// Decodes the whole file.
pub fn decode_maps(maps: &[u8]) -> impl Iterator<Item = Mapping<'_>> {
    maps.split(|byte| *byte == b'\n').filter_map(decode_mapping)
}

/// Decodes one line: `START-END PERMS OFFSET MAJOR:MINOR INODE PATH`.
///
/// ```
/// use plumb_wire::proc::maps::decode_mapping;
///
/// let line = b"7f0000001000-7f0000003000 r-xp 00001000 fe:01 42        /lib/libc.so.6";
/// let mapping = decode_mapping(line).unwrap();
/// assert!(mapping.executable);
/// assert_eq!((mapping.offset, mapping.inode, mapping.path), (0x1000, 42, &b"/lib/libc.so.6"[..]));
/// ```
pub fn decode_mapping(line: &[u8]) -> Option<Mapping<'_>> {
    let mut scanner = Scanner::new(line);
    let start = scanner.hex()?;
    scanner.literal(b'-')?;
    let end = scanner.hex()?;
    let permissions = scanner.word(4)?;
    let offset = scanner.hex()?;
    scanner.word(usize::MAX)?;
    let inode = scanner.decimal()?;
    scanner.skip_space();
    let path = scanner.rest();
    let alive = path.strip_suffix(b" (deleted)");
    (start < end).then(|| Mapping {
        range: start..end,
        executable: permissions.get(2) == Some(&b'x'),
        offset,
        inode,
        path: alive.unwrap_or(path),
        deleted: alive.is_some(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Kernel 6.18, `cat /proc/self/maps`, shortened.
    const MAPS: &[u8] = b"\
00400000-0041f000 r-xp 00000000 fe:01 1234                               /usr/bin/a program
7f5a1c000000-7f5a1c021000 rwxp 00000000 00:00 0 \n\
7f5a20a00000-7f5a20a26000 r--p 00000000 fe:01 5678                       /usr/lib/x.so (deleted)
7ffd5b5f2000-7ffd5b5f4000 r-xp 00000000 00:00 0                          [vdso]
ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0                  [vsyscall]
";

    #[test]
    fn files_anonymous_memory_and_the_kernels_pages() {
        let maps: Vec<_> = decode_maps(MAPS).collect();
        let paths: Vec<_> = maps.iter().map(|mapping| mapping.path).collect();
        assert_eq!(
            paths,
            [
                &b"/usr/bin/a program"[..],
                b"",
                b"/usr/lib/x.so",
                b"[vdso]",
                b"[vsyscall]"
            ]
        );
        let executable: Vec<_> = maps.iter().map(|mapping| mapping.executable).collect();
        assert_eq!(executable, [true, true, false, true, true]);
        assert!(maps[2].deleted && !maps[0].deleted);
        assert_eq!(maps[0].range, 0x40_0000..0x41_f000);
    }

    #[test]
    fn a_damaged_line_is_no_mapping() {
        for line in [
            &b""[..],
            b"zz-10 r-xp 0 fe:01 1 /x",
            b"1000-2000 r-xp",
            b"2000-1000 r-xp 00000000 fe:01 1 /x",
        ] {
            assert_eq!(decode_mapping(line), None);
        }
    }
}
