//! Storage beside sockets, as BPF programs attach it (`BPF_MAP_TYPE_SK_STORAGE`), for tests alone.
//!
//! Needs root and a kernel since 5.8. `unsafe` is the one call of `bpf(2)`.

use std::io;
use std::os::fd::{AsFd, AsRawFd, FromRawFd as _, OwnedFd};

/// Commands of `bpf(2)`.
const MAP_CREATE: libc::c_long = 0;
const MAP_UPDATE_ELEM: libc::c_long = 2;
const BTF_LOAD: libc::c_long = 18;
/// `BPF_MAP_TYPE_SK_STORAGE`.
const SK_STORAGE: u32 = 24;
/// `BPF_F_NO_PREALLOC`.
const NO_PREALLOC: u32 = 1;

/// A map whose values live beside sockets.
#[derive(Debug)]
pub struct StorageMap {
    map: OwnedFd,
    value_size: usize,
}

impl StorageMap {
    /// Makes a map of the types of a BTF object: `key` is the id of a 32-bit int, `value` that of
    /// the values, which have `value_size` bytes.
    pub fn create(btf: &[u8], key: u32, value: u32, value_size: u32) -> io::Result<Self> {
        let btf = load(btf)?;
        let mut attr = Words::default();
        for word in [SK_STORAGE, 4, value_size, 0, NO_PREALLOC] {
            attr.word(word);
        }
        // No inner map, node, name or device.
        for _ in 0..7 {
            attr.word(0);
        }
        attr.word(number(&btf)?);
        attr.word(key);
        attr.word(value);
        Ok(Self {
            map: descriptor(call(MAP_CREATE, &attr, &[])?)?,
            value_size: usize::try_from(value_size).map_err(io::Error::other)?,
        })
    }

    /// Attaches a value to a socket.
    pub fn attach(&self, socket: &impl AsFd, value: &[u8]) -> io::Result<()> {
        assert_eq!(
            value.len(),
            self.value_size,
            "the kernel reads a whole value"
        );
        let key = number(&socket.as_fd())?.to_ne_bytes();
        let mut attr = Words::default();
        attr.word(number(&self.map)?);
        attr.word(0);
        call(MAP_UPDATE_ELEM, &attr, &[&key, value]).map(drop)
    }
}

impl AsFd for StorageMap {
    fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
        self.map.as_fd()
    }
}

/// Gives types to the kernel.
fn load(btf: &[u8]) -> io::Result<OwnedFd> {
    let len = u32::try_from(btf.len()).map_err(io::Error::other)?;
    let attr = Words {
        head: Vec::new(),
        // No address of a log, the length of the object, no log.
        tail: vec![0, 0, len, 0, 0],
    };
    descriptor(call(BTF_LOAD, &attr, &[btf])?)
}

/// `union bpf_attr` in pieces: words, then addresses of buffers, then words again.
#[derive(Default)]
struct Words {
    head: Vec<u32>,
    tail: Vec<u32>,
}

impl Words {
    fn word(&mut self, word: u32) {
        self.head.push(word);
    }
}

/// Calls `bpf(2)` with the addresses of `buffers` between the words.
fn call(command: libc::c_long, words: &Words, buffers: &[&[u8]]) -> io::Result<libc::c_long> {
    let mut attr: Vec<u8> = words
        .head
        .iter()
        .flat_map(|word| word.to_ne_bytes())
        .collect();
    for buffer in buffers {
        attr.extend((buffer.as_ptr().expose_provenance() as u64).to_ne_bytes());
    }
    attr.extend(words.tail.iter().flat_map(|word| word.to_ne_bytes()));
    let len = libc::c_long::try_from(attr.len()).map_err(io::Error::other)?;
    #[expect(unsafe_code, reason = "bpf(2) has no safe wrapper")]
    // SAFETY: the kernel reads `len` bytes of `attr`. The commands of this file read through the
    // addresses in it, as many bytes as the caller made sure the buffers have, and write nothing.
    let result = unsafe { libc::syscall(libc::SYS_bpf, command, attr.as_ptr(), len) };
    if result < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(result)
}

fn number(fd: &impl AsFd) -> io::Result<u32> {
    u32::try_from(fd.as_fd().as_raw_fd()).map_err(io::Error::other)
}

fn descriptor(fd: libc::c_long) -> io::Result<OwnedFd> {
    let fd = i32::try_from(fd).map_err(io::Error::other)?;
    #[expect(unsafe_code, reason = "the descriptor came from bpf(2)")]
    // SAFETY: it is new and nobody else's.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}
