//! What a listing shows: the options that change the text of a row, and the release to imitate.

/// A release of iproute2 whose bytes are imitated.
///
/// ```
/// use plumb_present::ss::view::Release;
///
/// assert!(Release::DEFAULT < Release::new(6, 8));
/// assert_eq!(Release::parse(b"7.1"), Some(Release::NEWEST));
/// assert_eq!(Release::parse(b"5.0"), None);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Release {
    major: u16,
    minor: u16,
}

impl Release {
    /// 6.1, the release of Debian 12.
    pub const DEFAULT: Self = Self::new(6, 1);
    /// 7.1, the newest one known.
    pub const NEWEST: Self = Self::new(7, 1);

    /// Names a release.
    pub const fn new(major: u16, minor: u16) -> Self {
        Self { major, minor }
    }

    /// Reads `MAJOR.MINOR`; `None` for anything else and for releases outside 6.1 to 7.1.
    pub fn parse(text: &[u8]) -> Option<Self> {
        let (major, minor) = std::str::from_utf8(text).ok()?.split_once('.')?;
        let release = Self::new(major.parse().ok()?, minor.parse().ok()?);
        (Self::DEFAULT..=Self::NEWEST)
            .contains(&release)
            .then_some(release)
    }

    /// Says whether this release is `major.minor` or later.
    pub fn since(self, major: u16, minor: u16) -> bool {
        self >= Self::new(major, minor)
    }
}

impl std::fmt::Display for Release {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

/// The options that change the text of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct View {
    /// The release to imitate.
    pub release: Release,
    /// -n: no service, protocol and process names, exact rates.
    pub numeric: bool,
    /// -r: host names.
    pub resolve: bool,
    /// -o, which -e and -b imply: timers, and the ts/sack/ecn words of -i.
    pub options: bool,
    /// -e: uid, inode, cookie and the like.
    pub details: bool,
    /// -m: socket memory.
    pub memory: bool,
    /// -p (in 6.1 implied by -T): owners.
    pub owners: bool,
    /// -i: protocol internals.
    pub info: bool,
    /// -b: the packet filter.
    pub bpf: bool,
    /// -O: no line breaks inside a record.
    pub oneline: bool,
    /// --tos.
    pub tos: bool,
    /// --cgroup.
    pub cgroup: bool,
    /// --inet-sockopt.
    pub inet_sockopt: bool,
    /// --tipcinfo.
    pub tipcinfo: bool,
    /// -Z or -z: security contexts, in netlink rows instead of owners.
    pub contexts: bool,
}

impl Default for View {
    fn default() -> Self {
        Self {
            release: Release::DEFAULT,
            numeric: false,
            resolve: false,
            options: false,
            details: false,
            memory: false,
            owners: false,
            info: false,
            bpf: false,
            oneline: false,
            tos: false,
            cgroup: false,
            inet_sockopt: false,
            tipcinfo: false,
            contexts: false,
        }
    }
}
