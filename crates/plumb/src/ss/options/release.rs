//! Which release of iproute2 is imitated: decided before anything else, because it decides which words
//! there are.

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt as _;

use plumb_present::ss::view::Release;

/// Finds the release to imitate: `--compat RELEASE` among the words, else the environment.
pub fn release(words: &[OsString], environment: Option<OsString>) -> Result<Release, Vec<u8>> {
    let mut named = environment.filter(|value| !value.is_empty());
    let mut words = words.iter();
    while let Some(word) = words.next() {
        match word.as_bytes() {
            b"--" => break,
            b"--compat" => named = words.next().cloned().or(named),
            other => {
                if let Some(value) = other.strip_prefix(b"--compat=") {
                    named = Some(std::ffi::OsStr::from_bytes(value).to_owned());
                }
            }
        }
    }
    match named {
        None => Ok(Release::DEFAULT),
        Some(name) => Release::parse(name.as_bytes()).ok_or_else(|| {
            let before = &b"ss: compatibility with "[..];
            [
                before,
                name.as_bytes(),
                b": expected a release from 6.1 to 7.1\n",
            ]
            .concat()
        }),
    }
}
