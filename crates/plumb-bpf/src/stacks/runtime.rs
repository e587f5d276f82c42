//! Which runtime a process is, as far as reading its stacks depends on it.

use plumb_model::stack::Hint;
use plumb_wire::proc::maps;

/// What compiles or interprets code in a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Runtime {
    /// Nothing that plumb knows.
    Native,
    /// CPython.
    Python,
    /// Node, or another program with V8 in a library.
    Node,
    /// The JVM.
    Java,
}

/// How the file of a runtime is called, up to a version.
const FILES: &[(&[u8], Runtime)] = &[
    (b"libpython", Runtime::Python),
    (b"python", Runtime::Python),
    (b"libnode.", Runtime::Node),
    (b"node", Runtime::Node),
    (b"libjvm.", Runtime::Java),
];

impl Runtime {
    /// Tells the runtime by the files that a process has mapped.
    pub(super) fn of(maps: &[u8]) -> Self {
        maps::decode_maps(maps)
            .filter(|mapping| mapping.executable)
            .find_map(|mapping| Self::of_path(mapping.path))
            .unwrap_or(Self::Native)
    }

    /// Tells the runtime that a file is part of.
    pub(super) fn of_path(path: &[u8]) -> Option<Self> {
        let name = path.rsplit(|byte| *byte == b'/').next()?;
        let is = |file: &[u8]| {
            let rest = name.strip_prefix(file)?;
            // `node20`, `python3.11`, `libpython3.11.so.1.0`, but not `nodewatch`.
            let version = rest.iter().all(|byte| !byte.is_ascii_alphabetic());
            (version || file.starts_with(b"lib")).then_some(())
        };
        let mut files = FILES.iter();
        files.find_map(|(file, runtime)| is(file).map(|()| *runtime))
    }

    /// Says what is missing if a stack shows no function of the script.
    pub(super) fn without_script(self) -> Option<Hint> {
        match self {
            Self::Native => None,
            Self::Python => Some(Hint::PythonNotReadable),
            Self::Node => Some(Hint::NodeWithoutPerfMap),
            Self::Java => Some(Hint::JavaWithoutPerfMap),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(path: &str) -> Runtime {
        Runtime::of(format!("1000-2000 r-xp 00000000 fe:01 1 {path}\n").as_bytes())
    }

    #[test]
    fn runtimes_are_told_by_their_files() {
        assert_eq!(of("/usr/bin/python3.11"), Runtime::Python);
        assert_eq!(of("/opt/lib/libpython3.12.so.1.0"), Runtime::Python);
        assert_eq!(of("/usr/bin/node"), Runtime::Node);
        assert_eq!(of("/usr/lib/jvm/x/lib/server/libjvm.so"), Runtime::Java);
        assert_eq!(of("/opt/nodewatch"), Runtime::Native);
        assert_eq!(of("/opt/node/worker"), Runtime::Native);
    }
}
