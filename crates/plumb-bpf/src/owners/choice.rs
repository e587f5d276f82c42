//! Which records are given on: those wanted, each once. Pure.

use rustc_hash::FxHashSet;

use super::Wanted;
use crate::socket_file::SocketFile;

/// Takes records from a program and gives on those that were asked for.
pub(super) struct Choice<'a> {
    inodes: Option<FxHashSet<u64>>,
    /// What threads with tables of their own told: (tgid, fd, inode). Their process's table is
    /// compared by the program, but two such threads can share a third.
    of_threads: FxHashSet<(u32, i32, u64)>,
    each: &'a mut dyn FnMut(&SocketFile),
    told: u64,
}

impl<'a> Choice<'a> {
    pub(super) fn new(wanted: Wanted<'_>, each: &'a mut dyn FnMut(&SocketFile)) -> Self {
        let inodes = match wanted {
            Wanted::All => None,
            Wanted::Inodes(inodes) => Some(inodes.iter().copied().collect()),
        };
        Self {
            inodes,
            of_threads: FxHashSet::default(),
            each,
            told: 0,
        }
    }

    /// Takes one record.
    pub(super) fn take(&mut self, file: &SocketFile) {
        if self
            .inodes
            .as_ref()
            .is_some_and(|inodes| !inodes.contains(&file.inode))
        {
            return;
        }
        let of_thread = file.tid != file.tgid;
        if of_thread && !self.of_threads.insert((file.tgid, file.fd, file.inode)) {
            return;
        }
        self.told += 1;
        (self.each)(file);
    }

    /// How many records were given on.
    pub(super) fn told(&self) -> u64 {
        self.told
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(tgid: u32, tid: u32, fd: i32, inode: u64) -> SocketFile {
        SocketFile {
            inode,
            tgid,
            tid,
            fd,
            ..SocketFile::default()
        }
    }

    fn told(wanted: Wanted<'_>, files: &[SocketFile]) -> Vec<SocketFile> {
        let mut told = Vec::new();
        let mut each = |file: &SocketFile| told.push(*file);
        let mut choice = Choice::new(wanted, &mut each);
        for file in files {
            choice.take(file);
        }
        let count = choice.told();
        assert_eq!(count, told.len() as u64);
        told
    }

    #[test]
    fn inodes_that_share_a_bit_of_the_programs_filter_are_sorted_out() {
        let files = [file(1, 1, 3, 70), file(1, 1, 4, 71)];
        assert_eq!(told(Wanted::Inodes(&[71, 99]), &files), files[1..]);
        assert_eq!(told(Wanted::All, &files), files);
    }

    #[test]
    fn a_table_that_two_threads_share_is_told_once() {
        let files = [file(1, 2, 3, 70), file(1, 3, 3, 70), file(1, 3, 4, 70)];
        assert_eq!(told(Wanted::All, &files), [files[0], files[2]]);
    }

    #[test]
    fn a_descriptor_of_the_process_is_never_taken_for_a_repeat() {
        let files = [file(1, 1, 3, 70), file(2, 2, 3, 70)];
        assert_eq!(told(Wanted::All, &files), files);
    }
}
