//! Error numbers in words.

use rustix::io::Errno;

/// Gives the C library's words for an error number (`strerror`).
pub fn words(errno: Errno) -> String {
    let text = std::io::Error::from(errno).to_string();
    plain(&text).to_owned()
}

/// Gives a text that ends in an error's words without its number, which says the same once more.
pub fn plain(text: &str) -> &str {
    match text.find(" (os error") {
        Some(end) => text.get(..end).unwrap_or(text),
        None => text,
    }
}

/// Gives the name of an error that network calls end in; `None` for all others.
pub fn name(errno: Errno) -> Option<&'static str> {
    Some(match errno {
        Errno::PERM => "EPERM",
        Errno::NOENT => "ENOENT",
        Errno::AGAIN => "EAGAIN",
        Errno::NOMEM => "ENOMEM",
        Errno::ACCESS => "EACCES",
        Errno::NODEV => "ENODEV",
        Errno::INVAL => "EINVAL",
        Errno::MSGSIZE => "EMSGSIZE",
        Errno::PROTONOSUPPORT => "EPROTONOSUPPORT",
        Errno::OPNOTSUPP => "EOPNOTSUPP",
        Errno::AFNOSUPPORT => "EAFNOSUPPORT",
        Errno::ADDRINUSE => "EADDRINUSE",
        Errno::ADDRNOTAVAIL => "EADDRNOTAVAIL",
        Errno::NETDOWN => "ENETDOWN",
        Errno::NETUNREACH => "ENETUNREACH",
        Errno::CONNABORTED => "ECONNABORTED",
        Errno::CONNRESET => "ECONNRESET",
        Errno::NOBUFS => "ENOBUFS",
        Errno::NOTCONN => "ENOTCONN",
        Errno::TIMEDOUT => "ETIMEDOUT",
        Errno::CONNREFUSED => "ECONNREFUSED",
        Errno::HOSTDOWN => "EHOSTDOWN",
        Errno::HOSTUNREACH => "EHOSTUNREACH",
        _ => return None,
    })
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
