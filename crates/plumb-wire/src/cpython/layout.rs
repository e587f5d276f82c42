//! The table: offsets of the members that lead from the runtime to the lines being run.

/// What lies where in one minor release.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layout {
    /// Major and minor version as `Py_Version` has them in its upper half: 0x030b is 3.11.
    version: u64,
    /// `_PyRuntimeState.interpreters.head`.
    pub first_interpreter: u64,
    /// `PyInterpreterState.next`.
    pub next_interpreter: u64,
    /// `PyInterpreterState.threads.head`.
    pub first_thread: u64,
    /// `PyThreadState.next`.
    pub next_thread: u64,
    /// `PyThreadState.native_thread_id`: what gettid() says.
    pub native_id: u64,
    /// The way from a `PyThreadState` to its innermost frame.
    pub current: Current,
    /// `_PyInterpreterFrame`.
    pub frame: FrameLayout,
    /// `PyCodeObject`.
    pub code: CodeLayout,
    /// Sizes of `PyASCIIObject` and `PyCompactUnicodeObject`, behind which the characters lie.
    pub characters: (u64, u64),
}

/// The way from a `PyThreadState` to its innermost frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Current {
    /// `PyThreadState.cframe`, then `_PyCFrame.current_frame`.
    Through(u64, u64),
    /// `PyThreadState.current_frame`.
    At(u64),
}

/// What lies where in a `_PyInterpreterFrame`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrameLayout {
    /// Bytes up to the end of what is wanted.
    pub len: usize,
    /// The code object.
    pub code: usize,
    /// The caller.
    pub previous: usize,
    /// The instruction.
    pub instruction: usize,
    /// How it is told where a call of the interpreter's C function begins.
    pub entry: Entry,
}

/// How frames of one call of the interpreter's C function are told from those of the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Entry {
    /// A byte that says so, in the outermost frame of the call (`is_entry`).
    Flag(usize),
    /// A frame without code behind the outermost: one whose owner byte is `FRAME_OWNED_BY_CSTACK`.
    Owner(usize),
}

/// What lies where in a `PyCodeObject`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CodeLayout {
    /// `co_firstlineno`.
    pub first_line: usize,
    /// `co_filename`.
    pub file: usize,
    /// `co_qualname`.
    pub name: usize,
    /// `co_linetable`.
    pub lines: usize,
    /// `co_code_adaptive`, which is where the instructions begin.
    pub instructions: usize,
}

/// `FRAME_OWNED_BY_CSTACK`.
pub const OWNED_BY_C_STACK: u8 = 3;

/// `PyObject.ob_type`.
pub const TYPE: usize = 8;

/// `PyVarObject.ob_size`.
pub const SIZE: u64 = 16;

/// `PyBytesObject.ob_sval`.
pub const BYTES: u64 = 32;

const LAYOUTS: &[Layout] = &[
    Layout {
        version: 0x030b,
        first_interpreter: 40,
        next_interpreter: 0,
        first_thread: 16,
        next_thread: 8,
        native_id: 160,
        current: Current::Through(56, 8),
        frame: FrameLayout {
            len: 72,
            code: 32,
            previous: 48,
            instruction: 56,
            entry: Entry::Flag(68),
        },
        code: CodeLayout {
            first_line: 72,
            file: 112,
            name: 128,
            lines: 136,
            instructions: 184,
        },
        characters: (48, 72),
    },
    Layout {
        version: 0x030c,
        first_interpreter: 40,
        next_interpreter: 0,
        first_thread: 72,
        next_thread: 8,
        native_id: 144,
        current: Current::Through(56, 0),
        frame: FRAME_3_12,
        code: CodeLayout {
            instructions: 192,
            ..CODE_3_12
        },
        characters: (40, 56),
    },
    Layout {
        version: 0x030d,
        first_interpreter: 632,
        next_interpreter: 7264,
        first_thread: 7344,
        next_thread: 8,
        native_id: 160,
        current: Current::At(72),
        frame: FRAME_3_12,
        code: CodeLayout {
            instructions: 200,
            ..CODE_3_12
        },
        characters: (40, 56),
    },
];

const FRAME_3_12: FrameLayout = FrameLayout {
    len: 72,
    code: 0,
    previous: 8,
    instruction: 56,
    entry: Entry::Owner(70),
};

const CODE_3_12: CodeLayout = CodeLayout {
    first_line: 68,
    file: 112,
    name: 128,
    lines: 136,
    instructions: 0,
};

/// Gives the layout of the release that `Py_Version` (3.11 and newer have it) names; `None` for one that is not
/// in the table.
///
/// ```
/// use plumb_wire::cpython::layout::layout;
///
/// assert!(layout(0x030b_02f0).is_some());
/// assert!(layout(0x0308_12f0).is_none());
/// ```
pub fn layout(py_version: u64) -> Option<&'static Layout> {
    LAYOUTS
        .iter()
        .find(|layout| layout.version == py_version >> 16)
}
