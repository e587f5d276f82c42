//! What can be seen, and by which programs: a table, tried from top to bottom. Longer than a file should be, because
//! it is one.

use super::plan::Layer;

/// One thing to see, and the programs that can, the best first.
pub(super) struct Probe {
    pub(super) layer: Layer,
    pub(super) sees: &'static str,
    pub(super) ladder: &'static [Rung],
}

/// All that is attached together: one failing, the next rung is tried.
pub(super) type Rung = &'static [Program];

/// A program of the object.
#[derive(Debug, Clone, Copy)]
pub(super) struct Program {
    /// Its name in the object.
    pub(super) name: &'static str,
    /// Where it goes.
    pub(super) hook: Hook,
    /// The same, for people, and what it lacks beside the better ones.
    pub(super) label: &'static str,
}

/// Kinds of places a program can be attached to.
#[derive(Debug, Clone, Copy)]
pub(super) enum Hook {
    /// A tracepoint with types.
    Typed(&'static str),
    /// The beginning of a kernel function, with the types of its arguments.
    FunctionBegin(&'static str),
    /// The end of a kernel function, likewise.
    FunctionEnd(&'static str),
    /// The beginning of a kernel function, or its end, as the program's kind says, with registers alone.
    Probe(&'static str),
    /// An iterator: it is loaded, and run when it is read.
    Iterator(&'static str),
    /// A tracepoint of one system call, through perf.
    Call(&'static str),
    /// The root cgroup, at the hook the program is made for.
    Cgroup,
}

macro_rules! program {
    ($name:literal typed $at:literal) => {
        Program {
            name: $name,
            hook: Hook::Typed($at),
            label: concat!("tp_btf/", $at),
        }
    };
    ($name:literal typed $at:literal, $lacking:literal) => {
        Program {
            name: $name,
            hook: Hook::Typed($at),
            label: concat!("tp_btf/", $at, " (", $lacking, ")"),
        }
    };
    ($name:literal begin $at:literal) => {
        Program {
            name: $name,
            hook: Hook::FunctionBegin($at),
            label: concat!("fentry/", $at),
        }
    };
    ($name:literal probe $at:literal) => {
        Program {
            name: $name,
            hook: Hook::Probe($at),
            label: concat!("kprobe/", $at),
        }
    };
    ($name:literal return $at:literal) => {
        Program {
            name: $name,
            hook: Hook::Probe($at),
            label: concat!("kretprobe/", $at),
        }
    };
    ($name:literal end $at:literal) => {
        Program {
            name: $name,
            hook: Hook::FunctionEnd($at),
            label: concat!("fexit/", $at),
        }
    };
    ($name:literal iterator $at:literal) => {
        Program {
            name: $name,
            hook: Hook::Iterator($at),
            label: concat!("iter/", $at),
        }
    };
    ($name:literal cgroup $at:literal) => {
        Program {
            name: $name,
            hook: Hook::Cgroup,
            label: concat!("cgroup/", $at),
        }
    };
    ($name:literal call $at:literal, $lacking:literal) => {
        Program {
            name: $name,
            hook: Hook::Call($at),
            label: concat!("tracepoint/syscalls/", $at, " (", $lacking, ")"),
        }
    };
    ($name:literal call $at:literal) => {
        Program {
            name: $name,
            hook: Hook::Call($at),
            label: concat!("tracepoint/syscalls/", $at),
        }
    };
}

/// The functions behind every send and receive of these families: those that all system calls end in, and
/// that are called by address, so that no compiler has merged them into others.
const TRAFFIC_AT_FUNCTIONS: Rung = &[
    program!("inet_sent" end "inet_sendmsg"),
    program!("inet6_sent" end "inet6_sendmsg"),
    program!("unix_stream_sent" end "unix_stream_sendmsg"),
    program!("unix_dgram_sent" end "unix_dgram_sendmsg"),
    program!("unix_seqpacket_sent" end "unix_seqpacket_sendmsg"),
    program!("inet_received" end "inet_recvmsg"),
    program!("inet6_received" end "inet6_recvmsg"),
    program!("unix_stream_received" end "unix_stream_recvmsg"),
    program!("unix_dgram_received" end "unix_dgram_recvmsg"),
    program!("unix_seqpacket_received" end "unix_seqpacket_recvmsg"),
];

/// The same by kprobes.
const TRAFFIC_AT_PROBES: Rung = &[
    program!("send_begins" probe "inet_sendmsg"),
    program!("send_begins" probe "inet6_sendmsg"),
    program!("send_begins" probe "unix_stream_sendmsg"),
    program!("send_begins" probe "unix_dgram_sendmsg"),
    program!("send_begins" probe "unix_seqpacket_sendmsg"),
    program!("send_ends" return "inet_sendmsg"),
    program!("send_ends" return "inet6_sendmsg"),
    program!("send_ends" return "unix_stream_sendmsg"),
    program!("send_ends" return "unix_dgram_sendmsg"),
    program!("send_ends" return "unix_seqpacket_sendmsg"),
    program!("receive_begins" probe "inet_recvmsg"),
    program!("receive_begins" probe "inet6_recvmsg"),
    program!("receive_begins" probe "unix_stream_recvmsg"),
    program!("receive_begins" probe "unix_dgram_recvmsg"),
    program!("receive_begins" probe "unix_seqpacket_recvmsg"),
    program!("receive_ends" return "inet_recvmsg"),
    program!("receive_ends" return "inet6_recvmsg"),
    program!("receive_ends" return "unix_stream_recvmsg"),
    program!("receive_ends" return "unix_dgram_recvmsg"),
    program!("receive_ends" return "unix_seqpacket_recvmsg"),
];

/// What can be seen, and how.
pub(super) const PROBES: &[Probe] = &[
    Probe {
        layer: Layer::States,
        sees: "states of TCP sockets",
        ladder: &[&[
            program!("states" typed "inet_sock_set_state"),
            program!("states_meanwhile" typed "inet_sock_set_state"),
        ]],
    },
    Probe {
        layer: Layer::Opening,
        sees: "what connect() and accept() returned",
        ladder: &[
            // The second rung sees the same and costs more.
            &[
                program!("connect_ends" call "sys_exit_connect"),
                program!("accept_ends" call "sys_exit_accept"),
                program!("accept4_ends" call "sys_exit_accept4"),
            ],
            &[
                program!("connect_ends_old" call "sys_exit_connect"),
                program!("accept_ends_old" call "sys_exit_accept"),
                program!("accept4_ends_old" call "sys_exit_accept4"),
            ],
        ],
    },
    Probe {
        layer: Layer::Opening,
        sees: "interpreters in libraries",
        ladder: &[&[program!("maps_code" call "sys_exit_mmap")]],
    },
    Probe {
        layer: Layer::Made,
        sees: "sockets made, bound and closed",
        ladder: &[
            &[
                program!("socket_made" cgroup "sock_create"),
                program!("socket_bound4" cgroup "post_bind4"),
                program!("socket_bound6" cgroup "post_bind6"),
                program!("socket_closed" cgroup "sock_release"),
                program!("socket_sends4" cgroup "sendmsg4"),
                program!("socket_sends6" cgroup "sendmsg6"),
            ],
            &[
                program!("socket_ends" call "sys_exit_socket", "no ports chosen for UDP, no ends"),
                program!("bind_ends" call "sys_exit_bind"),
            ],
        ],
    },
    // Calls do not know the names of the sockets that they make: there is no other rung.
    Probe {
        layer: Layer::Datagrams,
        sees: "UDP and raw sockets made, bound and closed",
        ladder: &[&[
            program!("socket_made" cgroup "sock_create"),
            program!("socket_bound4" cgroup "post_bind4"),
            program!("socket_bound6" cgroup "post_bind6"),
            program!("socket_closed" cgroup "sock_release"),
        ]],
    },
    Probe {
        layer: Layer::Reading,
        sees: "reads that found the end of a connection",
        ladder: &[
            &[program!("ends_of_file" typed "sock_recv_length")],
            &[
                program!("ends_of_file_inet" end "inet_recvmsg"),
                program!("ends_of_file_inet6" end "inet6_recvmsg"),
            ],
            &[
                program!("read_begins" probe "inet_recvmsg"),
                program!("read_begins" probe "inet6_recvmsg"),
                program!("read_ends" return "inet_recvmsg"),
                program!("read_ends" return "inet6_recvmsg"),
            ],
        ],
    },
    Probe {
        layer: Layer::Faults,
        sees: "segments sent again",
        ladder: &[&[program!("retransmits" typed "tcp_retransmit_skb")]],
    },
    Probe {
        layer: Layer::Faults,
        sees: "resets sent",
        ladder: &[
            &[program!("resets_sent" typed "tcp_send_reset")],
            &[program!("resets_sent_old" typed "tcp_send_reset", "no reasons")],
        ],
    },
    Probe {
        layer: Layer::Faults,
        sees: "resets received",
        ladder: &[&[program!("resets_received" typed "tcp_receive_reset")]],
    },
    Probe {
        layer: Layer::Faults,
        sees: "errors left at sockets",
        ladder: &[
            &[program!("errors" typed "inet_sk_error_report")],
            &[program!("errors_at_function" begin "sock_def_error_report")],
            &[program!("errors_at_probe" probe "sock_def_error_report")],
        ],
    },
    Probe {
        layer: Layer::Faults,
        sees: "full receive queues",
        ladder: &[&[
            program!("full_datagram_queues" typed "udp_fail_queue_rcv_skb"),
            program!("full_queues" typed "sock_rcvqueue_full"),
        ]],
    },
    Probe {
        layer: Layer::Queues,
        sees: "full queues of listeners",
        ladder: &[&[
            program!("full_listeners" iterator "bpf_map_elem"),
            program!("older_listeners" iterator "task_file"),
        ]],
    },
    Probe {
        layer: Layer::Drops,
        sees: "dropped packets and the reasons",
        ladder: &[
            &[program!("drops" typed "kfree_skb")],
            &[program!("drops_old" typed "kfree_skb", "no receiver")],
            &[program!("drops_by_place" typed "kfree_skb", "functions, no reasons")],
        ],
    },
    Probe {
        layer: Layer::Calls,
        sees: "calls of the network",
        // The second rung sees the same and costs more.
        ladder: &[
            &[
                program!("calls_begin" typed "sys_enter"),
                program!("calls_end" typed "sys_exit"),
                program!("callers_end" typed "sched_process_exit"),
            ],
            &[
                program!("calls_begin_old" typed "sys_enter"),
                program!("calls_end_old" typed "sys_exit"),
                program!("callers_end" typed "sched_process_exit"),
            ],
        ],
    },
    Probe {
        layer: Layer::Traffic,
        sees: "bytes of UDP and UNIX sockets",
        ladder: &[
            &[
                program!("bytes_sent" typed "sock_send_length"),
                program!("bytes_received" typed "sock_recv_length"),
            ],
            TRAFFIC_AT_FUNCTIONS,
            TRAFFIC_AT_PROBES,
        ],
    },
    Probe {
        layer: Layer::Functions,
        sees: "bytes by the code that moved them",
        ladder: &[
            &[
                program!("uses_sent" typed "sock_send_length"),
                program!("uses_received" typed "sock_recv_length"),
            ],
            &[
                program!("uses_sent_inet" end "inet_sendmsg"),
                program!("uses_sent_inet6" end "inet6_sendmsg"),
                program!("uses_received_inet" end "inet_recvmsg"),
                program!("uses_received_inet6" end "inet6_recvmsg"),
            ],
        ],
    },
    Probe {
        layer: Layer::Functions,
        sees: "ends of send queues",
        ladder: &[&[program!("queues_end" typed "inet_sock_set_state")]],
    },
    Probe {
        layer: Layer::Processes,
        sees: "children of processes",
        ladder: &[&[program!("forks" typed "sched_process_fork")]],
    },
    Probe {
        layer: Layer::Processes,
        sees: "programs that processes begin",
        ladder: &[&[program!("execs" typed "sched_process_exec")]],
    },
    Probe {
        layer: Layer::Processes,
        sees: "ends of processes",
        ladder: &[&[program!("exits" typed "sched_process_exit")]],
    },
];
