//! Which files a command may begin interpreters as: guessed from its words before it runs, so that the programs know
//! them when they begin. A file that is not guessed is known once a process has mapped it, which may be after that
//! opened its first connection.

use std::ffi::{OsStr, OsString};
use std::io::Read as _;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

/// What an interpreter is called if nothing in the command says how.
const USUAL: &str = "python3";

/// Bytes of a script that may name its interpreter; the kernel reads as many.
const MAX_FIRST_LINE: u64 = 256;

/// Gives the files; most words are no file, and most files no interpreter.
pub(super) fn of_command(command: &[OsString]) -> Vec<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let find = |word: &OsStr| found(word, &path);
    let script = command.first().and_then(|word| find(word));
    let first_line = script.as_deref().map(first_line).unwrap_or_default();
    // `sh -c "python3 worker.py"` is one word.
    let words = command.iter().map(|word| word.as_bytes());
    let words = words.chain([first_line.as_slice(), USUAL.as_bytes()]);
    let words = words.flat_map(|word| word.split(u8::is_ascii_whitespace));
    let mut files: Vec<PathBuf> = words.map(OsStr::from_bytes).filter_map(find).collect();
    files.sort_unstable();
    files.dedup();
    files
}

/// Finds the file that a word means as a command.
fn found(word: &OsStr, path: &OsStr) -> Option<PathBuf> {
    if word.is_empty() {
        return None;
    }
    if word.as_bytes().contains(&b'/') {
        return Some(PathBuf::from(word)).filter(|file| file.is_file());
    }
    let mut files = std::env::split_paths(path).map(|folder| folder.join(word));
    files.find(|file| file.is_file())
}

/// Gives what stands behind `#!`.
fn first_line(script: &Path) -> Vec<u8> {
    let mut bytes = Vec::new();
    let read = std::fs::File::open(script)
        .and_then(|file| file.take(MAX_FIRST_LINE).read_to_end(&mut bytes));
    let line = bytes.split(|byte| *byte == b'\n').next();
    let words = line.and_then(|line| line.strip_prefix(b"#!"));
    read.ok().and(words).unwrap_or_default().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(words: &[&str]) -> Vec<PathBuf> {
        of_command(&words.iter().map(OsString::from).collect::<Vec<_>>())
    }

    #[test]
    fn the_interpreter_of_a_script_is_found() {
        let folder = std::env::temp_dir().join(format!("plumb-script-{}", std::process::id()));
        std::fs::create_dir(&folder).expect("there is room");
        let (script, python) = (folder.join("serve"), folder.join("python3.99"));
        std::fs::write(&python, "").expect("there is room");
        let text = format!("#!{} -u\nimport socket\n", python.display());
        std::fs::write(&script, text).expect("there is room");
        let command = script.display().to_string();
        let direct = files(&[&command, "--port", "80"]);
        let by_shell = files(&["sh", "-c", &format!("exec {} -c 1", python.display())]);
        std::fs::remove_dir_all(&folder).expect("it is ours");
        assert!(direct.contains(&python), "{direct:?}");
        assert!(by_shell.contains(&python), "{by_shell:?}");
    }
}
