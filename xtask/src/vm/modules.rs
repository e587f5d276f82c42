//! The modules of an unpacked kernel: which exist, what they need, and which go into a guest.
//!
//! Reads what `depmod` wrote (`modules.dep`, `modules.builtin`). Everything about networks goes in,
//! so that the kernel of the guest loads by itself what a program asks for, as on a real machine;
//! `--module` adds others.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::step::Failure;

/// What goes into every guest: families, diag, filters and queues (`net`), the devices made by
/// `ip link add`, and what carries the output out of the guest.
const ALWAYS: &[&str] = &[
    "kernel/net/",
    "kernel/drivers/virtio/",
    "kernel/drivers/char/virtio_console.ko",
    "kernel/drivers/net/bonding/",
    "kernel/drivers/net/dummy.ko",
    "kernel/drivers/net/ifb.ko",
    "kernel/drivers/net/ipvlan/",
    "kernel/drivers/net/macvlan/",
    "kernel/drivers/net/macvlan.ko",
    "kernel/drivers/net/tun.ko",
    "kernel/drivers/net/veth.ko",
    "kernel/drivers/net/vrf.ko",
    "kernel/drivers/net/vsockmon.ko",
    "kernel/drivers/net/vxlan",
    "kernel/drivers/net/wireguard/",
];

/// The modules of one kernel.
pub(crate) struct Modules {
    /// `…/lib/modules/RELEASE`.
    folder: PathBuf,
    /// The lines of `modules.dep`: a file and the files it needs, all relative to `folder`.
    files: Vec<(String, Vec<String>)>,
    builtin: BTreeSet<String>,
}

impl Modules {
    /// Reads the tables in `…/lib/modules/RELEASE`.
    pub(crate) fn read(folder: &Path) -> Result<Self, Failure> {
        let read = |name: &str| {
            let path = folder.join(name);
            std::fs::read_to_string(&path)
                .map_err(|error| Failure::check(format!("cannot read {}: {error}", path.display())))
        };
        let builtin = read("modules.builtin")?;
        Ok(Self {
            folder: folder.to_owned(),
            files: parse_dependencies(&read("modules.dep")?),
            builtin: builtin.lines().map(name_of).collect(),
        })
    }

    /// Where the files lie.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Chooses the files for a guest in which `wanted` will be loaded; fails if one does not exist.
    pub(crate) fn choose(&self, wanted: &[String]) -> Result<BTreeSet<&str>, Failure> {
        let mut chosen = BTreeSet::new();
        for (file, needs) in &self.files {
            let always = ALWAYS.iter().any(|start| file.starts_with(start));
            if always || wanted.iter().any(|name| name_of(name) == name_of(file)) {
                chosen.insert(file.as_str());
                chosen.extend(needs.iter().map(String::as_str));
            }
        }
        match wanted.iter().find(|name| !self.has(name)) {
            None => Ok(chosen),
            Some(name) => Err(self.no_such(name)),
        }
    }

    /// Says whether the kernel has a module, as a file or built in.
    pub(crate) fn has(&self, name: &str) -> bool {
        let name = name_of(name);
        self.builtin.contains(&name) || self.files.iter().any(|(file, _)| name_of(file) == name)
    }

    fn no_such(&self, name: &str) -> Failure {
        let release = self.folder.file_name().unwrap_or_default();
        let name = name_of(name);
        let stem = name.split('_').next().unwrap_or(&name);
        let alike: Vec<_> = self
            .files
            .iter()
            .map(|(file, _)| name_of(file))
            .filter(|other| !stem.is_empty() && other.contains(stem))
            .collect();
        let hint = if alike.is_empty() {
            String::new()
        } else {
            format!("; it has {}", alike.join(" "))
        };
        Failure::lacking(format!(
            "kernel {} has no module {name}{hint}",
            release.display()
        ))
    }
}

/// Decodes `modules.dep`: `FILE: FILE…` on each line.
fn parse_dependencies(text: &str) -> Vec<(String, Vec<String>)> {
    let lines = text.lines().filter_map(|line| line.split_once(':'));
    lines
        .map(|(file, needs)| {
            let needs = needs.split_whitespace().map(str::to_owned).collect();
            (file.to_owned(), needs)
        })
        .collect()
}

/// Gives the name of a module from its file or from one of its spellings: to the kernel `-` and `_`
/// are the same in names of modules.
fn name_of(file: &str) -> String {
    let name = file.rsplit('/').next().unwrap_or(file);
    let name = name.split(".ko").next().unwrap_or(name);
    name.replace('-', "_")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn modules() -> Modules {
        let dep = "kernel/net/sctp/sctp.ko: kernel/lib/libcrc32c.ko kernel/net/ipv4/udp_tunnel.ko\n\
                   kernel/lib/libcrc32c.ko:\n\
                   kernel/net/ipv4/udp_tunnel.ko:\n\
                   kernel/drivers/md/dm-flakey.ko: kernel/drivers/md/dm-mod.ko\n\
                   kernel/drivers/md/dm-mod.ko:\n";
        Modules {
            folder: PathBuf::from("/lib/modules/6.1.0"),
            files: parse_dependencies(dep),
            builtin: BTreeSet::from(["unix".to_owned()]),
        }
    }

    #[test]
    fn what_a_module_needs_comes_with_it() {
        let modules = modules();
        let always = modules.choose(&[]).expect("nothing was asked for");
        let net = ["kernel/lib/libcrc32c.ko", "kernel/net/ipv4/udp_tunnel.ko"];
        assert_eq!(
            Vec::from_iter(always),
            [net.as_slice(), &["kernel/net/sctp/sctp.ko"]].concat()
        );
        let wanted = ["dm_flakey".to_owned(), "unix".to_owned()];
        let more = modules.choose(&wanted).expect("both exist");
        assert_eq!(more.len(), 5);
        assert!(more.contains("kernel/drivers/md/dm-mod.ko"));
    }

    #[test]
    fn a_module_that_does_not_exist_is_named_with_those_like_it() {
        let failure = modules().choose(&["sctp_diag".to_owned()]).err();
        let text = failure.map(|failure| failure.text).unwrap_or_default();
        assert_eq!(text, "kernel 6.1.0 has no module sctp_diag; it has sctp");
    }
}
