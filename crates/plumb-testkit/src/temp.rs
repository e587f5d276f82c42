//! Temporary directories that are gone when their value is dropped.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

/// How many names are tried before giving up; every sandbox has process number 1, so names may meet.
const ATTEMPTS: u32 = 1_000;

/// A new directory under [`std::env::temp_dir`], removed with all it holds on drop.
#[derive(Debug)]
pub struct TempDir {
    path: PathBuf,
}

impl TempDir {
    /// Makes a directory nobody else has; `purpose` is part of its name.
    pub fn new(purpose: &str) -> io::Result<Self> {
        let nanos = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |elapsed| elapsed.subsec_nanos());
        for attempt in 0..ATTEMPTS {
            let name = format!("plumb-{purpose}-{}-{nanos}-{attempt}", std::process::id());
            let path = std::env::temp_dir().join(name);
            match fs::create_dir(&path) {
                Ok(()) => return Ok(Self { path }),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
        Err(io::Error::other("no free name for a temporary directory"))
    }

    /// Gives the directory's path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Removes everything inside, and keeps the directory.
    pub fn clear(&self) -> io::Result<()> {
        for entry in fs::read_dir(&self.path)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                fs::remove_dir_all(entry.path())?;
            } else {
                fs::remove_file(entry.path())?;
            }
        }
        Ok(())
    }
}

impl Drop for TempDir {
    fn drop(&mut self) {
        // A directory that cannot be removed must not hide the test's own failure.
        let _ = fs::remove_dir_all(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dropped_directory_is_gone_with_its_content() {
        let dir = TempDir::new("temp-test").expect("the temporary directory is writable");
        let path = dir.path().to_owned();
        fs::create_dir(path.join("inner")).expect("the new directory is ours");
        fs::write(path.join("inner/file"), b"x").expect("the new directory is ours");
        dir.clear().expect("what we wrote can be removed");
        assert_eq!(fs::read_dir(&path).expect("it still exists").count(), 0);
        drop(dir);
        assert!(!path.exists());
    }
}
