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
    /// For plumb: the engine it has to find owners with (`PLUMB_OWNERS`).
    pub engine: Option<&'static str>,
    /// For plumb: what it may cost at most.
    pub limit: Option<Limit>,
}

/// An absolute goal.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limit {
    /// Median time.
    pub wall_ms: f64,
    /// Largest resident memory.
    pub peak_mib: f64,
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
/// The program that reads a dump of all TCP sockets and does nothing with it: ourselves.
pub(crate) const DUMP: &str = "bench-dump";

const fn plumb(label: &'static str, arguments: &'static [&'static str]) -> Contender {
    Contender {
        label,
        program: PLUMB,
        name: "netstat",
        arguments,
        goal: None,
        engine: None,
        limit: None,
    }
}

const fn plumb_ss(label: &'static str, arguments: &'static [&'static str]) -> Contender {
    Contender {
        label,
        program: PLUMB,
        name: "ss",
        arguments,
        goal: None,
        engine: None,
        limit: None,
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
        engine: None,
        limit: None,
    }
}

const fn plumb_verb(label: &'static str, arguments: &'static [&'static str]) -> Contender {
    Contender {
        label,
        program: PLUMB,
        name: PLUMB,
        arguments,
        goal: None,
        engine: None,
        limit: None,
    }
}

/// The same without BPF.
const fn by_proc(contender: Contender) -> Contender {
    Contender {
        engine: Some("proc"),
        ..contender
    }
}

const fn limited(contender: Contender, wall_ms: f64, peak_mib: f64) -> Contender {
    Contender {
        limit: Some(Limit { wall_ms, peak_mib }),
        ..contender
    }
}

const fn bare_dump(goal: Option<f64>) -> Contender {
    peer("a bare dump of sock_diag", DUMP, &[], goal)
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
            peer("netstat -tanp", "netstat", &["-tanp"], Some(0.04)),
            peer("ss -tanp", "ss", &["-tanp"], Some(0.04)),
            peer("lsof -nP -iTCP", "lsof", &["-nP", "-iTCP"], None),
            bare_dump(Some(2.5)),
        ],
    },
    Case {
        title: "and its process, without BPF",
        contenders: &[
            by_proc(plumb("plumb   netstat -tanp, /proc", &["-tanp"])),
            peer("ss -tanp", "ss", &["-tanp"], Some(0.1)),
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
            peer("ss -tanp", "ss", &["-tanp"], Some(0.04)),
            bare_dump(Some(2.5)),
        ],
    },
    Case {
        title: "ss: and its processes, without BPF",
        contenders: &[
            by_proc(plumb_ss("plumb   ss -tanp, /proc", &["-tanp"])),
            peer("ss -tanp", "ss", &["-tanp"], Some(0.1)),
        ],
    },
    Case {
        title: "ss: every detail and its processes",
        contenders: &[
            plumb_ss("plumb   ss -tanpime", &["-tanpime"]),
            peer("ss -tanpime", "ss", &["-tanpime"], Some(0.04)),
        ],
    },
    FEW_WITH_OWNERS,
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

/// About ten sockets of all, with and without their processes.
const FEW_WITH_OWNERS: Case = Case {
    title: "ss: a few of all, with their processes",
    contenders: &[
        plumb_ss("plumb   ss -tanp 'dst NET/29'", &["-tanp", FEW]),
        Contender {
            goal: Some(1.5),
            ..plumb_ss("plumb   ss -tan 'dst NET/29'", &["-tan", FEW])
        },
        by_proc(plumb_ss("plumb   the same, /proc", &["-tanp", FEW])),
    ],
};

/// Far ends of the first process of a farm.
const FEW: &str = "dst 127.1.0.0/29";

/// What a small host asks: as many processes as a laptop has, and few sockets.
pub(crate) const SMALL: &[Case] = &[
    Case {
        title: "a small host: netstat",
        contenders: &[
            plumb("plumb   netstat -tanp", &["-tanp"]),
            peer("ss -tanp", "ss", &["-tanp"], Some(1.0)),
            peer("netstat -tanp", "netstat", &["-tanp"], Some(1.0)),
        ],
    },
    Case {
        title: "a small host: ss",
        contenders: &[
            plumb_ss("plumb   ss -tanp", &["-tanp"]),
            peer("ss -tanp", "ss", &["-tanp"], Some(1.0)),
        ],
    },
    Case {
        title: "a small host: ls",
        contenders: &[
            plumb_verb("plumb   ls", &["ls"]),
            peer("ss -tanp", "ss", &["-tanp"], Some(1.0)),
        ],
    },
];

/// A farm so large that the originals' search for processes does not end.
pub(crate) const HUGE: &[Case] = &[
    Case {
        title: "every TCP socket",
        contenders: &[
            plumb("plumb   netstat -tan", &["-tan"]),
            peer("netstat -tan", "netstat", &["-tan"], Some(0.35)),
            peer("ss -tan", "ss", &["-tan"], Some(0.6)),
            bare_dump(None),
        ],
    },
    Case {
        title: "every TCP socket and its process",
        contenders: &[
            limited(plumb("plumb   netstat -tanp", &["-tanp"]), 3000.0, 400.0),
            limited(plumb_ss("plumb   ss -tanp", &["-tanp"]), 3000.0, 400.0),
            bare_dump(Some(2.5)),
        ],
    },
    Case {
        title: "and its process, without BPF",
        contenders: &[
            limited(
                by_proc(plumb("plumb   netstat -tanp, /proc", &["-tanp"])),
                6000.0,
                400.0,
            ),
            limited(
                by_proc(plumb_ss("plumb   ss -tanp, /proc", &["-tanp"])),
                6000.0,
                400.0,
            ),
        ],
    },
    FEW_WITH_OWNERS,
];

/// What is measured of farms of different sizes, to see how time grows.
pub(crate) const GROWTH: &[Case] = &[Case {
    title: "every TCP socket and its process",
    contenders: &[plumb_ss("plumb   ss -tanp", &["-tanp"])],
}];
