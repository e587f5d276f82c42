//! Writes a cpio archive in the "newc" format, which the kernel unpacks as its first file system.
//!
//! Folders above an entry are added when they are first needed. The format is the one of the kernel's
//! `Documentation/driver-api/early-userspace/buffer-format.rst`: a header of hexadecimal digits, the
//! name, the content, each padded to four bytes. Nothing here reads a file.

use std::collections::HashSet;

use crate::step::Failure;

const REGULAR: u32 = 0o100_000;
const FOLDER: u32 = 0o040_000;
const LINK: u32 = 0o120_000;
/// The name of the entry that ends an archive.
const TRAILER: &str = "TRAILER!!!";
/// Header and content begin at multiples of this.
const ALIGNMENT: usize = 4;

/// An archive that grows.
#[derive(Default)]
pub(crate) struct Archive {
    bytes: Vec<u8>,
    names: HashSet<String>,
    entries: u32,
}

impl Archive {
    /// Adds a file with these permission bits, unless the name is taken.
    pub(crate) fn file(&mut self, name: &str, mode: u32, content: &[u8]) -> Result<(), Failure> {
        self.add(name, REGULAR | mode, content)
    }

    /// Adds a symbolic link, unless the name is taken.
    pub(crate) fn link(&mut self, name: &str, target: &str) -> Result<(), Failure> {
        self.add(name, LINK | 0o777, target.as_bytes())
    }

    /// Adds an empty folder, unless it is there.
    pub(crate) fn folder(&mut self, name: &str) -> Result<(), Failure> {
        self.add(name, FOLDER | 0o755, b"")
    }

    /// Says whether an entry of this name was added.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.names.contains(relative(name))
    }

    /// Ends the archive and gives its bytes.
    pub(crate) fn finish(mut self) -> Result<Vec<u8>, Failure> {
        self.write(TRAILER, 0, b"")?;
        Ok(self.bytes)
    }

    fn add(&mut self, name: &str, mode: u32, content: &[u8]) -> Result<(), Failure> {
        let name = relative(name);
        if name.is_empty() || self.names.contains(name) {
            return Ok(());
        }
        if let Some((above, _)) = name.rsplit_once('/') {
            self.folder(above)?;
        }
        self.names.insert(name.to_owned());
        self.write(name, mode, content)
    }

    fn write(&mut self, name: &str, mode: u32, content: &[u8]) -> Result<(), Failure> {
        let [name_len, content_len] = [name.len() + 1, content.len()].map(u32::try_from);
        let (Ok(name_len), Ok(content_len)) = (name_len, content_len) else {
            return Err(Failure::check(format!(
                "{name} is too long for a cpio archive"
            )));
        };
        self.entries += 1;
        self.bytes.extend_from_slice(b"070701");
        let owner_and_group = [0, 0];
        let links = if mode & FOLDER == FOLDER { 2 } else { 1 };
        let time = 0;
        let devices = [0; 4];
        let check = 0;
        let fields = [[self.entries, mode].as_slice(), &owner_and_group]
            .concat()
            .into_iter()
            .chain([links, time, content_len])
            .chain(devices)
            .chain([name_len, check]);
        for field in fields {
            self.bytes
                .extend_from_slice(format!("{field:08x}").as_bytes());
        }
        self.bytes.extend_from_slice(name.as_bytes());
        self.bytes.push(0);
        self.pad();
        self.bytes.extend_from_slice(content);
        self.pad();
        Ok(())
    }

    fn pad(&mut self) {
        let len = self.bytes.len().next_multiple_of(ALIGNMENT);
        self.bytes.resize(len, 0);
    }
}

fn relative(name: &str) -> &str {
    name.trim_matches('/')
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Hand-made from the description of the format.
    #[test]
    fn the_bytes_are_those_of_the_format() {
        let mut archive = Archive::default();
        archive.file("/a/b", 0o644, b"hi").expect("it is short");
        let bytes = archive.finish().expect("it is short");
        let zeros = "00000000".repeat(4);
        let expected = [
            &format!("07070100000001000041ed{0}{0}00000002{0}{0}", "00000000"),
            &zeros,
            "0000000200000000a\0",
            &format!(
                "07070100000002000081a4{0}{0}00000001{0}00000002",
                "00000000"
            ),
            &zeros,
            "0000000400000000a/b\0\0\0hi\0\0",
            &format!("0707010000000300000000{0}{0}00000001{0}{0}", "00000000"),
            &zeros,
            "0000000b00000000TRAILER!!!\0\0\0\0",
        ]
        .concat();
        assert_eq!(String::from_utf8_lossy(&bytes), expected);
    }

    #[test]
    fn folders_come_once_and_before_what_is_in_them() {
        let mut archive = Archive::default();
        archive.link("x/y/one", "two").expect("it is short");
        archive.folder("x/y").expect("it is short");
        archive
            .file("x/y/one", 0o755, b"taken")
            .expect("it is short");
        assert_eq!(archive.entries, 3);
        assert!(archive.has("/x/y/one"));
        assert!(!archive.has("x/z"));
        let bytes = archive.finish().expect("it is short");
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let at = |name: &str| text.find(name).expect("it was added");
        assert!(at("x\0") < at("x/y\0") && at("x/y\0") < at("x/y/one\0"));
        assert_eq!(bytes.len() % ALIGNMENT, 0);
        assert!(!text.contains("taken"));
    }
}
