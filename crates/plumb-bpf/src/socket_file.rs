//! `struct socket_file`: what the programs tell of one socket, and of the process that holds it.
//!
//! The C side is `probes/socket_file.h`, which asserts the same size. Pure.

/// Bytes of a record.
pub(crate) const LEN: usize = 72;
/// Bytes of a command name.
const COMM_LEN: usize = 16;

/// A socket behind a descriptor of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SocketFile {
    /// The socket's inode in sockfs, as sock_diag and `/proc/net` print it.
    pub inode: u64,
    /// The socket's cookie; 0 when the kernel has made none, because nobody asked for it. A dump of
    /// sock_diag asks for the cookie of every socket it lists, so read that first.
    pub cookie: u64,
    /// Inode of the socket's network namespace.
    pub netns: u64,
    /// Id of the cgroup the socket was made in; 0 when this kernel does not tell (before 5.16).
    pub cgroup: u64,
    /// When the process began, in nanoseconds since boot (`task_struct.start_boottime`). Field 22 of
    /// `/proc/PID/stat` is this in clock ticks, which tells whether a pid is still the same process.
    pub start_ns: u64,
    /// The process, as the reader's namespace of processes counts.
    pub tgid: u32,
    /// The thread whose own table of files this is; the same as `tgid` for the process's table.
    pub tid: u32,
    /// The descriptor.
    pub fd: i32,
    /// `AF_*`.
    pub family: u16,
    /// `SOCK_*`.
    pub kind: u16,
    /// `IPPROTO_*`, or what the family counts as protocols.
    pub protocol: u16,
    /// The process's command name; zero bytes behind its end. Any bytes may be in it.
    pub comm: [u8; COMM_LEN],
}

impl SocketFile {
    /// The command name without the zero bytes behind it.
    pub fn comm(&self) -> &[u8] {
        let len = self.comm.iter().position(|&byte| byte == 0);
        &self.comm[..len.unwrap_or(COMM_LEN)]
    }
}

/// Decodes a record.
pub(crate) fn decode_socket_file(bytes: &[u8; LEN]) -> SocketFile {
    let mut words = Words(bytes);
    SocketFile {
        inode: u64::from_ne_bytes(words.take()),
        cookie: u64::from_ne_bytes(words.take()),
        cgroup: u64::from_ne_bytes(words.take()),
        start_ns: u64::from_ne_bytes(words.take()),
        netns: u32::from_ne_bytes(words.take()).into(),
        tgid: u32::from_ne_bytes(words.take()),
        tid: u32::from_ne_bytes(words.take()),
        fd: i32::from_ne_bytes(words.take()),
        family: u16::from_ne_bytes(words.take()),
        kind: u16::from_ne_bytes(words.take()),
        protocol: u16::from_ne_bytes(words.take()),
        comm: {
            let [_, _] = words.take();
            words.take()
        },
    }
}

/// What is left of a record.
struct Words<'a>(&'a [u8]);

impl Words<'_> {
    /// Takes the next bytes; zeros behind the end, which a record of [`LEN`] bytes never reaches.
    fn take<const N: usize>(&mut self) -> [u8; N] {
        let Some((head, rest)) = self.0.split_first_chunk::<N>() else {
            return [0; N];
        };
        self.0 = rest;
        *head
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Writes a record as the C side lays it out.
    fn encode(file: &SocketFile) -> Vec<u8> {
        let netns = u32::try_from(file.netns).expect("namespaces have 32 bits");
        let parts: [&[u8]; 13] = [
            &file.inode.to_ne_bytes(),
            &file.cookie.to_ne_bytes(),
            &file.cgroup.to_ne_bytes(),
            &file.start_ns.to_ne_bytes(),
            &netns.to_ne_bytes(),
            &file.tgid.to_ne_bytes(),
            &file.tid.to_ne_bytes(),
            &file.fd.to_ne_bytes(),
            &file.family.to_ne_bytes(),
            &file.kind.to_ne_bytes(),
            &file.protocol.to_ne_bytes(),
            &[0xff, 0xff],
            &file.comm,
        ];
        parts.concat()
    }

    proptest! {
        #[test]
        fn every_field_is_where_the_c_side_puts_it(
            words: [u64; 4],
            netns: u32,
            ids: [u32; 2],
            fd: i32,
            halves: [u16; 3],
            comm: [u8; COMM_LEN],
        ) {
            let file = SocketFile {
                inode: words[0],
                cookie: words[1],
                cgroup: words[2],
                start_ns: words[3],
                netns: netns.into(),
                tgid: ids[0],
                tid: ids[1],
                fd,
                family: halves[0],
                kind: halves[1],
                protocol: halves[2],
                comm,
            };
            let bytes: [u8; LEN] = encode(&file).try_into().expect("a record's length");
            prop_assert_eq!(decode_socket_file(&bytes), file);
        }

        #[test]
        fn a_name_ends_at_its_first_zero(comm: [u8; COMM_LEN]) {
            let file = SocketFile { comm, ..SocketFile::default() };
            prop_assert!(!file.comm().contains(&0));
            prop_assert!(comm.starts_with(file.comm()));
        }
    }
}
