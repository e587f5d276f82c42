//! Programs by the words that shells know them by.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

/// Says whether a shell would find a program of this name.
pub fn is_there(word: &OsStr) -> bool {
    if word.as_bytes().contains(&b'/') {
        return may_run(Path::new(word));
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| may_run(&folder.join(word)))
}

fn may_run(path: &Path) -> bool {
    std::fs::metadata(path)
        .is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_found_as_a_shell_finds_it() {
        assert!(is_there("sh".as_ref()) && is_there("/bin/sh".as_ref()));
        for none in ["", "/", "/bin", "/etc/passwd", "state", ":80"] {
            assert!(!is_there(none.as_ref()), "{none}");
        }
    }
}
