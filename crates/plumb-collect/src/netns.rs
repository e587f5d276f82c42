//! Network namespaces: finding every one on the host, and entering them in turn.

use plumb_model::NetnsId;

/// One network namespace that can be named to the user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Netns {
    /// Its identity.
    pub id: NetnsId,
    /// Its name under `/run/netns`, if it has one.
    pub name: Option<Vec<u8>>,
    /// A path that opens it.
    pub path: std::path::PathBuf,
}

impl Netns {
    /// Gives the text shown to users: the name, or `net:[INODE]`.
    pub fn label(&self) -> Vec<u8> {
        match &self.name {
            Some(name) => name.clone(),
            None => format!("net:[{}]", self.id.0).into_bytes(),
        }
    }
}
