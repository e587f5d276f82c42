//! `plumb link DIR`: links that make the personalities' names mean plumb.
//!
//! A link is ours when it is a symbolic link whose target is this very program. Anything else is
//! somebody's and is left alone, loudly.

use std::io::Write as _;
use std::path::{Path, PathBuf};

/// The names under which this program is a personality.
const PERSONALITIES: [&str; 3] = ["netstat", "ss", "nstat"];

/// What stands at the place of a link.
enum Place {
    Free,
    Ours,
    Foreign(&'static str),
}

/// Makes the links; gives the exit status. Nothing is made when one of the places is taken.
pub fn make(dir: &Path) -> u8 {
    let program = match own_path() {
        Ok(program) => program,
        Err(error) => return fail(&format!("find this program: {error}")),
    };
    let places: Vec<(PathBuf, Place)> = PERSONALITIES
        .iter()
        .map(|name| survey(&dir.join(name), &program))
        .collect();
    for (path, place) in &places {
        if let Place::Foreign(what) = place {
            let path = path.display();
            return fail(&format!(
                "link {path}: {what} is there that plumb did not make; it stays"
            ));
        }
    }
    for (path, place) in places {
        if matches!(place, Place::Free)
            && let Err(error) = std::os::unix::fs::symlink(&program, &path)
        {
            return fail(&format!("link {}: {error}", path.display()));
        }
        say(&format!("{} -> {}", path.display(), program.display()));
    }
    0
}

/// Takes our links away; gives the exit status.
pub fn remove(dir: &Path) -> u8 {
    let program = match own_path() {
        Ok(program) => program,
        Err(error) => return fail(&format!("find this program: {error}")),
    };
    for name in PERSONALITIES {
        let (path, place) = survey(&dir.join(name), &program);
        match place {
            Place::Free => {}
            Place::Foreign(what) => {
                let path = path.display();
                return fail(&format!(
                    "remove {path}: {what} is there that plumb did not make"
                ));
            }
            Place::Ours => {
                if let Err(error) = std::fs::remove_file(&path) {
                    return fail(&format!("remove {}: {error}", path.display()));
                }
                say(&format!("{} removed", path.display()));
            }
        }
    }
    0
}

fn own_path() -> std::io::Result<PathBuf> {
    std::env::current_exe()?.canonicalize()
}

fn survey(path: &Path, program: &Path) -> (PathBuf, Place) {
    let place = match path.symlink_metadata() {
        Err(_) => Place::Free,
        Ok(metadata) if metadata.is_symlink() => match std::fs::read_link(path) {
            Ok(target) if target == program => Place::Ours,
            _ => Place::Foreign("a link"),
        },
        Ok(metadata) if metadata.is_dir() => Place::Foreign("a directory"),
        Ok(_) => Place::Foreign("a file"),
    };
    (path.to_path_buf(), place)
}

fn say(line: &str) {
    // A closed pipe is no failure of the links.
    let _ = writeln!(std::io::stdout(), "{line}");
}

fn fail(message: &str) -> u8 {
    let _ = writeln!(std::io::stderr(), "plumb: {message}");
    1
}
