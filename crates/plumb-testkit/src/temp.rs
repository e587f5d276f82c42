//! Temporary directories that are gone when their value is dropped.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// How many names are tried before giving up; every sandbox has process number 1, so names may meet.
const ATTEMPTS: u32 = 1_000;

/// What was not touched for so long nobody needs any more.
const OLD: Duration = Duration::from_hours(1);

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

    /// The same, and first removes those of the same purpose that runs which were killed left behind: empty, for at least
    /// an hour, and of no process that there is.
    pub fn new_and_sweep(purpose: &str) -> io::Result<Self> {
        sweep(&std::env::temp_dir(), &format!("plumb-{purpose}-"));
        Self::new(purpose)
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

/// Removes what is left behind in a folder and begins so; what cannot be looked at stays.
fn sweep(folder: &Path, beginning: &str) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let rest = name.to_str().and_then(|name| name.strip_prefix(beginning));
        let Some((pid, _)) = rest.and_then(|rest| rest.split_once('-')) else {
            continue;
        };
        let is_gone = !Path::new("/proc").join(pid).exists();
        let modified = entry.metadata().and_then(|metadata| metadata.modified());
        let age = modified.ok().and_then(|at| at.elapsed().ok());
        if is_gone && age.is_some_and(|age| age >= OLD) {
            // One that holds something stays, too.
            let _ = fs::remove_dir(entry.path());
        }
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
    fn what_killed_runs_left_behind_goes_and_what_may_be_used_stays() {
        let dir = TempDir::new("temp-test").expect("the temporary directory is writable");
        let nobody = u32::MAX;
        let make = |pid: u32, number: u8, is_old: bool| {
            let path = dir.path().join(format!("plumb-sandbox-{pid}-{number}-0"));
            fs::create_dir(&path).expect("the new directory is ours");
            if is_old {
                let then = SystemTime::now() - 2 * OLD;
                let opened = fs::File::open(&path).expect("it is there");
                opened.set_modified(then).expect("it is ours");
            }
            path
        };
        let left = make(nobody, 1, true);
        let stay = [make(nobody, 2, false), make(std::process::id(), 3, true)];
        sweep(dir.path(), "plumb-sandbox-");
        assert!(!left.exists());
        assert!(stay.iter().all(|path| path.exists()));
    }

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
