//! The ports of a network namespace. The recorder sees every namespace of the machine, and sums by port do not tell
//! them apart: what other programs do meanwhile, other runs of this one included, must not be at the same ports.

/// The first port of the first block: below the ports that kernels choose by themselves, above those that programs
/// like.
const FIRST: u16 = 20_000;
/// Ports of a block, and blocks.
const SIZE: u16 = 20;
const BLOCKS: u64 = 500;

/// Ports for connect(), away from all others.
pub(super) const CHOSEN: &str = "30000 65535";

/// The ports of one namespace.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ports(u16);

impl Ports {
    /// Those of the namespace with this inode. Inodes are handed out in turn, so namespaces that exist at the same
    /// time have different ones.
    pub(super) fn of(netns: u64) -> Self {
        let block = u16::try_from(netns % BLOCKS).unwrap_or(0);
        Self(FIRST + block * SIZE)
    }

    /// Where a thread listens.
    pub(super) fn served(self, thread: u16) -> u16 {
        self.0 + thread
    }

    /// Where it listens and has no room.
    pub(super) fn full(self, thread: u16) -> u16 {
        self.0 + 5 + thread
    }

    /// Where it listens for another namespace.
    pub(super) fn served_across(self, thread: u16) -> u16 {
        self.0 + 10 + thread
    }

    /// Where nobody listens.
    pub(super) fn unserved(self) -> u16 {
        self.0 + SIZE - 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_of_namespaces_made_one_after_the_other_are_different() {
        let (one, next) = (Ports::of(4_026_533_162), Ports::of(4_026_533_163));
        assert!(one.unserved().abs_diff(next.unserved()) >= SIZE);
        let ports = [one.served(4), one.full(4), one.served_across(4)];
        assert!(ports.iter().all(|port| *port < one.unserved()));
        assert!(Ports::of(BLOCKS - 1).unserved() < 30_000);
    }
}
