//! Hooks that are not to be used, so that what stands in for them can be tried on a kernel that has both.

/// Names hooks (`tp_btf/sock_send_length`) or kinds of them (`fexit`), between blanks.
const VARIABLE: &str = "PLUMB_HOOKS_REFUSED";
/// What is said of such a hook.
pub(super) const WHY: &str = "refused by PLUMB_HOOKS_REFUSED";

/// The words of the variable.
#[derive(Debug, Default)]
pub(super) struct Refused(Vec<String>);

impl Refused {
    /// Reads the variable.
    pub(super) fn read() -> Self {
        let words = std::env::var(VARIABLE).unwrap_or_default();
        Self(words.split_whitespace().map(str::to_owned).collect())
    }

    /// Says whether a hook is not to be used.
    pub(super) fn refuses(&self, hook: &str) -> bool {
        // What it lacks stands behind it, in brackets.
        let hook = hook.split(' ').next().unwrap_or_default();
        let kind = hook.split('/').next().unwrap_or_default();
        self.0.iter().any(|word| word == hook || word == kind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hook_is_refused_by_its_name_or_its_kind() {
        let refused = Refused(vec!["fexit".into(), "tp_btf/sock_send_length".into()]);
        assert!(refused.refuses("fexit/inet_recvmsg"));
        assert!(refused.refuses("tp_btf/sock_send_length"));
        assert!(!refused.refuses("tp_btf/sock_recv_length"));
        assert!(!refused.refuses("kprobe/inet_recvmsg"));
        assert!(Refused(vec!["tp_btf/kfree_skb".into()]).refuses("tp_btf/kfree_skb (no receiver)"));
    }
}
