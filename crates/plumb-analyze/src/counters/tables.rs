//! `/proc/net/stat`: neighbours, routes, connection tracking, SYN proxy. Per processor; sums are shown.

use super::entry::{Explanation, bad, gauge, neutral, setting};

const NEVER: &str = "nowhere since the route cache was removed (Linux 3.6)";
const CONNTRACK: &str = "nf_conntrack_core.c, net/netfilter";

/// `arp_cache` and `ndisc_cache`.
pub(super) const NEIGHBOR: &[Explanation] = &[
    gauge("entries", "Neighbours in the table now, of all namespaces.", "neigh_alloc(), net/core/neighbour.c")
        .when("It nears gc_thresh3 of net.ipv4.neigh.default or net.ipv6.neigh.default: then new neighbours find no room.")
        .hint("Raise gc_thresh1 to 3 together."),
    neutral("allocs", "Entries made.", "neigh_alloc(), net/core/neighbour.c"),
    neutral("destroys", "Entries removed.", "neigh_destroy(), net/core/neighbour.c"),
    neutral("hash_grows", "Times the table was enlarged.", "neigh_hash_grow(), net/core/neighbour.c"),
    neutral("lookups", "Times a neighbour was looked for.", "neigh_lookup(), net/core/neighbour.c"),
    neutral("hits", "Times it was found.", "neigh_lookup(), net/core/neighbour.c"),
    bad("res_failed", "Neighbours that did not answer: their host is gone or the address is wrong.", "neigh_invalidate(), net/core/neighbour.c")
        .above(100, &[("arp_cache", "allocs"), ("ndisc_cache", "allocs")])
        .when("More than a tenth of the entries made: programs send to hosts that are not there.")
        .hint("ip neigh show nud failed names them."),
    neutral("rcv_probes_mcast", "Questions of others that came by broadcast or multicast.", "NEIGH_CACHE_STAT_INC in ndisc_recv_ns(), net/ipv6/ndisc.c"),
    neutral("rcv_probes_ucast", "Questions of others that came to us alone.", "NEIGH_CACHE_STAT_INC in ndisc_recv_ns(), net/ipv6/ndisc.c"),
    neutral("periodic_gc_runs", "Times old entries were removed on schedule.", "neigh_periodic_work(), net/core/neighbour.c"),
    neutral("forced_gc_runs", "Times old entries were removed because the table was filling.", "neigh_forced_gc(), net/core/neighbour.c")
        .when("It grows: the table is near its limit.")
        .hint("Raise gc_thresh2 and gc_thresh3 of net.ipv4.neigh.default (or ipv6)."),
    bad("unresolved_discards", "Packets dropped because too many waited for one neighbour to answer.", "__neigh_event_send(), net/core/neighbour.c")
        .when("It grows: neighbours answer late or never.")
        .hint("ip neigh shows which; raise net.ipv4.neigh.IF.unres_qlen_bytes for bursts."),
    bad("table_fulls", "Times a neighbour found no room in the table.", "neigh_alloc(), net/core/neighbour.c")
        .when("It grows at all: hosts cannot be reached although they are there.")
        .hint("Raise gc_thresh3 of net.ipv4.neigh.default (or ipv6)."),
];

/// `rt_cache`: most of it is left over from the route cache and stays 0.
pub(super) const RT_CACHE: &[Explanation] = &[
    gauge(
        "entries",
        "Route objects in use now.",
        "rt_cpu_seq_show(), net/ipv4/route.c",
    ),
    neutral("in_hit", "Always 0: the route cache is gone.", NEVER),
    neutral(
        "in_slow_tot",
        "Packets that came in and whose route had to be looked up anew.",
        "ip_route_input_slow(), net/ipv4/route.c",
    ),
    neutral(
        "in_slow_mc",
        "Multicast packets that came in and whose route had to be looked up anew.",
        "ip_route_input_mc(), net/ipv4/route.c",
    ),
    bad(
        "in_no_route",
        "Packets that came in and for which there was no route.",
        "ip_route_input_slow(), net/ipv4/route.c",
    )
    .when("It grows: others send what this host cannot pass on."),
    neutral(
        "in_brd",
        "Broadcasts that came in and whose route had to be looked up anew.",
        "ip_route_input_slow(), net/ipv4/route.c",
    ),
    bad(
        "in_martian_dst",
        "Packets dropped because their destination cannot be right where they came in.",
        "ip_route_input_slow(), net/ipv4/route.c",
    )
    .when("It grows: a misconfigured neighbour.")
    .hint("net.ipv4.conf.all.log_martians=1 logs them."),
    bad(
        "in_martian_src",
        "Packets dropped because their source cannot be right where they came in.",
        "ip_handle_martian_source(), net/ipv4/route.c",
    )
    .when("It grows: forged sources, or asymmetric routing with rp_filter.")
    .hint("net.ipv4.conf.all.log_martians=1 logs them."),
    neutral("out_hit", "Always 0: the route cache is gone.", NEVER),
    neutral(
        "out_slow_tot",
        "Packets sent whose route had to be looked up anew.",
        "__mkroute_output(), net/ipv4/route.c",
    ),
    neutral(
        "out_slow_mc",
        "Multicast packets sent whose route had to be looked up anew.",
        "__mkroute_output(), net/ipv4/route.c",
    ),
    neutral("gc_total", "Always 0: the route cache is gone.", NEVER),
    neutral("gc_ignored", "Always 0: the route cache is gone.", NEVER),
    neutral("gc_goal_miss", "Always 0: the route cache is gone.", NEVER),
    neutral(
        "gc_dst_overflow",
        "Always 0: the route cache is gone.",
        NEVER,
    ),
    neutral(
        "in_hlist_search",
        "Always 0: the route cache is gone.",
        NEVER,
    ),
    neutral(
        "out_hlist_search",
        "Always 0: the route cache is gone.",
        NEVER,
    ),
];

pub(super) const NF_CONNTRACK: &[Explanation] = &[
    gauge("entries", "Connections tracked now.", "ct_cpu_seq_show(), net/netfilter/nf_conntrack_standalone.c")
        .when("It nears nf_conntrack.max: then packets of new connections are dropped.")
        .hint("Raise net.netfilter.nf_conntrack_max, shorten timeouts, or do not track what needs it not (notrack)."),
    setting("max", "Limit of connections tracked (net.netfilter.nf_conntrack_max).", "nf_conntrack_max, net/netfilter/nf_conntrack_core.c"),
    neutral("clashres", "Two packets began the same connection at once, and one was given the other's entry.", "nf_ct_resolve_clash(), net/netfilter/nf_conntrack_core.c"),
    neutral("found", "Entries found by searches; counted only by some kernels.", CONNTRACK),
    neutral("new", "Always 0 in newer kernels.", CONNTRACK),
    neutral("invalid", "Packets that fit no connection: late, damaged, or half of the connection goes another way.", "nf_conntrack_in(), net/netfilter/nf_conntrack_core.c")
        .when("It grows fast and a rule drops what is invalid: connections break.")
        .hint("net.netfilter.nf_conntrack_log_invalid=255 logs them."),
    neutral("ignore", "Packets that were tracked already or need no tracking.", "nf_conntrack_in(), net/netfilter/nf_conntrack_core.c"),
    neutral("delete", "Entries removed; always 0 in newer kernels.", CONNTRACK),
    neutral("delete_list", "Entries put on the list of dying ones; always 0 in newer kernels.", CONNTRACK),
    neutral("chainlength", "Times an entry was not added because its hash chain was too long.", "nf_conntrack_hash_check_insert(), net/netfilter/nf_conntrack_core.c")
        .when("It grows: the table has too few buckets, or somebody attacks the hash.")
        .hint("Raise net.netfilter.nf_conntrack_buckets."),
    neutral("insert", "Entries added; always 0 in newer kernels.", CONNTRACK),
    bad("insert_failed", "Entries that could not be added: two connections wanted the same place (often NAT), and a packet was dropped.", "__nf_conntrack_confirm(), net/netfilter/nf_conntrack_core.c")
        .when("It grows: first packets are lost, as with DNS over UDP behind NAT.")
        .hint("Use --random-fully for masquerading; send DNS questions one after the other."),
    bad("drop", "Packets dropped because an entry could not be made: the table is full, or no memory.", "nf_conntrack_in() and __nf_conntrack_confirm(), net/netfilter/nf_conntrack_core.c")
        .when("It grows: new connections fail.")
        .hint("Raise net.netfilter.nf_conntrack_max; see nf_conntrack.entries."),
    bad("early_drop", "Entries of unfinished connections removed to make room, because the table is full.", "early_drop(), net/netfilter/nf_conntrack_core.c")
        .when("It grows: the table is full.")
        .hint("Raise net.netfilter.nf_conntrack_max; see nf_conntrack.entries."),
    neutral("icmp_error", "ICMP errors that could not be matched with a connection.", "nf_conntrack_in(), net/netfilter/nf_conntrack_core.c"),
    neutral("expect_new", "Expected connections that came (FTP, SIP and the like).", "nf_conntrack_expect.c, net/netfilter"),
    neutral("expect_create", "Expectations made by helpers.", "nf_conntrack_expect.c, net/netfilter"),
    neutral("expect_delete", "Expectations removed.", "nf_conntrack_expect.c, net/netfilter"),
    neutral("search_restart", "Searches begun anew because the table changed meanwhile.", "____nf_conntrack_find(), net/netfilter/nf_conntrack_core.c"),
];

pub(super) const SYNPROXY: &[Explanation] = &[
    neutral(
        "entries",
        "Always 0: nothing is listed here.",
        "synproxy_cpu_seq_show(), net/netfilter/nf_synproxy_core.c",
    ),
    neutral(
        "syn_received",
        "SYNs that the SYN proxy answered.",
        "synproxy_tg4() and nft_synproxy, net/netfilter",
    ),
    bad(
        "cookie_invalid",
        "Acknowledgements whose cookie was wrong.",
        "synproxy_recv_client_ack(), net/netfilter/nf_synproxy_core.c",
    )
    .above(100, &[("synproxy", "syn_received")])
    .when("More than a tenth of the SYNs: a flood of forged acknowledgements."),
    neutral(
        "cookie_valid",
        "Acknowledgements whose cookie was right.",
        "synproxy_recv_client_ack(), net/netfilter/nf_synproxy_core.c",
    ),
    neutral(
        "cookie_retrans",
        "Acknowledgements that came again.",
        "ipv4_synproxy_hook(), net/netfilter/nf_synproxy_core.c",
    ),
    neutral(
        "conn_reopened",
        "Connections opened again by the same ports.",
        "ipv4_synproxy_hook(), net/netfilter/nf_synproxy_core.c",
    ),
];
