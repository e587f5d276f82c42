//! What is measured: each case is one question, asked of plumb and of its peers in turn, and the
//! goals plumb has to reach in it.

/// One program with one command line.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Contender {
    /// The label in the report.
    pub label: &'static str,
    /// The program; `plumb` stands for the one just built.
    pub program: &'static str,
    /// How the program is called, argv[0].
    pub name: &'static str,
    /// Its arguments.
    pub arguments: &'static [&'static str],
    /// plumb's median may be at most this many times this one's.
    pub goal: Option<f64>,
}

/// One question and those who answer it, plumb first.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Case {
    /// What is asked.
    pub title: &'static str,
    /// Who is asked.
    pub contenders: &'static [Contender],
}

/// The program that is plumb.
pub(crate) const PLUMB: &str = "plumb";

const fn plumb(label: &'static str, arguments: &'static [&'static str]) -> Contender {
    Contender {
        label,
        program: PLUMB,
        name: "netstat",
        arguments,
        goal: None,
    }
}

const fn plumb_ss(label: &'static str, arguments: &'static [&'static str]) -> Contender {
    Contender {
        label,
        program: PLUMB,
        name: "ss",
        arguments,
        goal: None,
    }
}

const fn peer(
    label: &'static str,
    program: &'static str,
    arguments: &'static [&'static str],
    goal: Option<f64>,
) -> Contender {
    Contender {
        label,
        program,
        name: program,
        arguments,
        goal,
    }
}

/// Start-up: a namespace in which nothing happens. The row `true` is what any process costs here.
pub(crate) const IDLE: &[Case] = &[
    Case {
        title: "start-up: the version",
        contenders: &[
            plumb("plumb   netstat -V", &["-V"]),
            peer("netstat -V", "netstat", &["-V"], Some(1.0)),
            peer("true", "true", &[], None),
        ],
    },
    Case {
        title: "start-up: an idle host",
        contenders: &[
            plumb("plumb   netstat -tan", &["-tan"]),
            peer("netstat -tan", "netstat", &["-tan"], Some(1.0)),
            peer("ss -tan", "ss", &["-tan"], None),
        ],
    },
    Case {
        title: "start-up: an idle host, ss",
        contenders: &[
            plumb_ss("plumb   ss -tan", &["-tan"]),
            peer("ss -tan", "ss", &["-tan"], Some(1.0)),
        ],
    },
];

/// The socket tables, beside a farm.
pub(crate) const FARM: &[Case] = &[
    Case {
        title: "every TCP socket",
        contenders: &[
            plumb("plumb   netstat -tan", &["-tan"]),
            peer("netstat -tan", "netstat", &["-tan"], Some(0.35)),
            peer("ss -tan", "ss", &["-tan"], Some(0.6)),
        ],
    },
    Case {
        title: "every TCP socket and its process",
        contenders: &[
            plumb("plumb   netstat -tanp", &["-tanp"]),
            peer("netstat -tanp", "netstat", &["-tanp"], Some(0.12)),
            peer("ss -tanp", "ss", &["-tanp"], Some(0.12)),
            peer("lsof -nP -iTCP", "lsof", &["-nP", "-iTCP"], None),
        ],
    },
    Case {
        title: "ss: every TCP socket",
        contenders: &[
            plumb_ss("plumb   ss -tan", &["-tan"]),
            peer("ss -tan", "ss", &["-tan"], Some(0.6)),
        ],
    },
    Case {
        title: "ss: and its processes",
        contenders: &[
            plumb_ss("plumb   ss -tanp", &["-tanp"]),
            peer("ss -tanp", "ss", &["-tanp"], Some(0.12)),
        ],
    },
    Case {
        title: "ss: every detail",
        contenders: &[
            plumb_ss("plumb   ss -tanieom", &["-tanieom"]),
            peer("ss -tanieom", "ss", &["-tanieom"], Some(0.5)),
        ],
    },
    Case {
        title: "ss: filtered in the kernel",
        contenders: &[
            plumb_ss("plumb   ss 'dport = :5'", &["-tan", "dport = :5"]),
            peer("ss 'dport = :5'", "ss", &["-tan", "dport = :5"], Some(1.0)),
        ],
    },
    Case {
        title: "ss: every fact as JSON, an object a line",
        contenders: &[
            plumb_ss("plumb   ss -tan --ndjson", &["-tan", "--ndjson"]),
            peer("ss -tanieom", "ss", &["-tanieom"], None),
        ],
    },
];
