//! Names of netlink protocols: the usual ones, and what the machine's table says.

use std::ffi::OsString;

use plumb_wire::config::decode_name_table;

/// Where the table is; of several places the first that can be read counts.
pub const ETC: &str = "/etc/iproute2/nl_protos";
/// Where newer releases look when `/etc` has none.
pub const USR: &str = "/usr/share/iproute2/nl_protos";

/// The names that need no table, by number (`NETLINK_*`).
pub const USUAL: [&str; 22] = [
    "rtnl",
    "unused",
    "usersock",
    "fw",
    "tcpdiag",
    "nflog",
    "xfrm",
    "selinux",
    "iscsi",
    "audit",
    "fiblookup",
    "connector",
    "nft",
    "ip6fw",
    "dec-rt",
    "uevent",
    "genl",
    "",
    "scsi-trans",
    "ecryptfs",
    "rdma",
    "crypto",
];

/// Names of netlink protocols by number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NetlinkNames {
    names: Vec<Vec<u8>>,
    /// A table that ends with a line that is none: its path and that line.
    pub corrupted: Option<(OsString, Vec<u8>)>,
}

impl NetlinkNames {
    /// Reads the first of `paths` that can be read over the usual names.
    pub fn read(paths: &[&str]) -> Self {
        let mut tables = paths
            .iter()
            .filter_map(|path| Some((*path, crate::proc::read_file(*path).ok()?)));
        match tables.next() {
            Some((path, content)) => Self::with_table(path, &content),
            None => Self::with_table("", b""),
        }
    }

    fn with_table(path: &str, content: &[u8]) -> Self {
        let mut names: Vec<Vec<u8>> = USUAL.iter().map(|name| name.as_bytes().to_vec()).collect();
        names.resize(usize::from(u8::MAX) + 1, Vec::new());
        let table = decode_name_table(content);
        for (number, name) in table.entries {
            if let Some(slot) = names.get_mut(usize::from(number)) {
                *slot = name.to_vec();
            }
        }
        Self {
            names,
            corrupted: table.corrupted.map(|line| (path.into(), line.to_vec())),
        }
    }

    /// Gives the name of a protocol.
    pub fn name(&self, protocol: u32) -> Option<&[u8]> {
        let name = self.names.get(usize::try_from(protocol).ok()?)?;
        (!name.is_empty()).then_some(name.as_slice())
    }

    /// Gives the lowest protocol of a name.
    pub fn protocol(&self, name: &[u8]) -> Option<u32> {
        let at = self.names.iter().position(|known| known == name)?;
        u32::try_from(at).ok().filter(|_| !name.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_replaces_and_adds() {
        let names = NetlinkNames::with_table("t", b"0 zero\n0x11 seventeen\nbad\n1 late\n");
        assert_eq!(names.name(0), Some(&b"zero"[..]));
        assert_eq!(names.name(17), Some(&b"seventeen"[..]));
        assert_eq!(names.name(1), Some(&b"unused"[..]));
        assert_eq!(names.name(22), None);
        assert_eq!(names.name(256), None);
        assert_eq!(names.corrupted, Some(("t".into(), b"bad\n".to_vec())));
    }

    #[test]
    fn names_lead_back_to_protocols() {
        let names = NetlinkNames::read(&[]);
        assert_eq!(names.protocol(b"crypto"), Some(21));
        assert_eq!(names.protocol(b""), None);
        assert_eq!(names.protocol(b"zero"), None);
        assert_eq!(names.name(17), None);
    }
}
