//! Error numbers in words.

use rustix::io::Errno;

/// Gives the C library's words for an error number (`strerror`).
pub fn words(errno: Errno) -> String {
    let text = std::io::Error::from(errno).to_string();
    match text.find(" (os error") {
        Some(end) => text[..end].to_string(),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_those_of_strerror() {
        assert_eq!(words(Errno::NOENT), "No such file or directory");
        assert_eq!(words(Errno::NOSPC), "No space left on device");
    }
}
