//! What is understood, what is refused and in which words. The refusals were seen from ss 6.1.

mod machine;

use machine::{Machine, Socket, context, parse};
use plumb_filter::{Attribute, Context, Fact, Family, Kind, Piece, Verdict, explain};
use proptest::prelude::*;

fn refusal(text: &str) -> (String, bool, u8) {
    let report = parse(text, false)
        .expect_err("the filter is refused")
        .report();
    (
        String::from_utf8_lossy(&report.stderr).into_owned(),
        report.usage,
        report.status,
    )
}

#[test]
fn syntax_errors_bellow() {
    for text in [
        "sport =",
        "( )",
        "( sport = 22",
        "sport = 22 )",
        "and",
        "sport = 22 and",
        "not",
        "127.0.0.1",
        "src any any",
        "dst != 127.0.0.1",
        "sport = 22 or or dport = 1",
        "dev > lo",
        "sport src",
        "autobound = 5",
        "",
    ] {
        if text.is_empty() {
            assert_eq!(parse(text, false).expect("nothing is a filter").expr, None);
            continue;
        }
        let bellows = "ss: bison bellows (while parsing filter): \"syntax error!\" Sorry.\n";
        assert_eq!(refusal(text), (bellows.to_owned(), true, 255), "{text}");
    }
}

#[test]
fn operands_are_refused_in_the_originals_words() {
    let address = |text: &str| {
        format!(
            "Error: an inet prefix is expected rather than \"{text}\".\nCannot parse dst/src address.\n"
        )
    };
    let port = |text: &str| {
        format!("Error: \"{text}\" does not look like a port.\nCannot parse dst/src address.\n")
    };
    let host = || "Cannot parse dst/src address.\n".to_owned();
    for (text, stderr) in [
        ("foo", address("foo")),
        ("(sport = 22)", address("(sport")),
        ("sport=22", address("sport=22")),
        ("src ::1", address(":")),
        ("src 127.0.0.1/33", address("127.0.0.1/33")),
        ("src 1.2.3.4:22/24", address("1.2.3.4:22/24")),
        ("src 10.", address("10.")),
        ("src two/24", address("two/24")),
        ("src [fe80::1%lo]", address("fe80::1%lo")),
        ("src inet6:1.2.3.4", address("1.2.3.4")),
        ("src [::1", host()),
        ("src foo:bar", port("bar")),
        ("src [::1]/64", port("/64")),
        ("sport = :nosuch", port("nosuch")),
        ("sport = 2147483648", port("2147483648")),
        ("sport = ::5", port(":5")),
        ("sport 22 and foo", port("foo")),
        ("src vsock:abc:5", host()),
        ("sport = vsock:", host()),
        ("src netlink:RTNL", host()),
        ("src link:ip:nosuch", host()),
        ("dev nosuch", "Cannot parse device.\n".to_owned()),
        ("dev if0", "Cannot parse device.\n".to_owned()),
        ("fwmark zz", "Cannot parse mark zz.\n".to_owned()),
        ("fwmark 5/", "Cannot parse mark 5/.\n".to_owned()),
        (
            "cgroup /nonexist",
            "Invalid cgroup2 path\nCannot parse cgroup /nonexist.\n".to_owned(),
        ),
    ] {
        assert_eq!(refusal(text), (stderr, false, 1), "{text}");
    }
}

#[test]
fn an_operand_is_refused_before_the_grammar_is() {
    assert_eq!(refusal("autobound foo").2, 1);
    assert_eq!(refusal("autobound 127.0.0.1").2, 255);
}

#[test]
fn the_last_family_counts_and_later_operands_are_read_in_it() {
    let family = |text: &str| parse(text, false).expect("well formed").family;
    assert_eq!(family("src 1.2.3.4"), None);
    assert_eq!(family("src unix:x or src inet:any"), Some(Family::Inet));
    assert_eq!(family("src inet:any or src unix:x"), Some(Family::Unix));
    assert_eq!(refusal("sport = inet:7 and src [::1]").2, 1);
    let six = Context {
        preferred: Some(Family::Inet6),
        ..context(false)
    };
    let parsed = plumb_filter::parse(&Piece::arguments(["sport = 7"]), &six, &mut Machine);
    assert_eq!(parsed.expect("well formed").family, Some(Family::Inet6));
}

#[test]
fn services_are_looked_up_in_the_selected_tables() {
    let with = |tcp, udp, text: &str| {
        let context = Context {
            tcp,
            udp,
            ..context(false)
        };
        plumb_filter::parse(&Piece::arguments([text]), &context, &mut Machine).is_ok()
    };
    assert!(with(true, false, "sport = ssh") && !with(false, true, "sport = ssh"));
    assert!(with(false, true, "sport = syslog") && !with(true, false, "sport = syslog"));
    assert!(!with(false, false, "sport = ssh"));
}

#[test]
fn nesting_is_refused_where_the_originals_parser_is_full() {
    let nested = |depth: usize| {
        let text = format!("{}sport = 5{}", "( ".repeat(depth), " )".repeat(depth));
        parse(&text, false).map_err(|error| error.kind)
    };
    assert!(nested(9_995).is_ok());
    assert_eq!(nested(9_996).err(), Some(Kind::TooDeep));
    let nots = |count: usize| parse(&format!("{}sport = 5", "not ".repeat(count)), false).is_ok();
    assert!(nots(9_995) && !nots(9_996));
    let bare = |count: usize| parse(&format!("{}src any", "not ".repeat(count)), false).is_ok();
    assert!(bare(9_995) && !bare(9_996));
}

#[test]
fn a_chain_of_any_length_is_read_and_evaluated() {
    let text = vec!["sport = 1"; 100_000].join(" or ");
    let expr = parse(&text, false)
        .expect("well formed")
        .expr
        .expect("not empty");
    assert_eq!(expr.evaluate(&Socket::tcp()), Verdict::Miss);
}

#[test]
fn our_own_tests_are_understood_only_when_asked_for() {
    let row = Socket {
        pids: (vec![42], true),
        recv_q: Some(70_000),
        age_us: Some(600_000_000),
        numbers: vec![
            (Fact::Retrans, 3),
            (Fact::Cookie, 4097),
            (Fact::Memory, 2 << 20),
            (Fact::Netns, 4_026_531_840),
        ],
        texts: vec![
            (Attribute::Kind, vec!["tcp", "inet"]),
            (Attribute::Exe, vec!["/usr/sbin/nginx"]),
            (Attribute::Unit, vec!["nginx.service"]),
            (
                Attribute::Container,
                vec!["0123456789abcdef0123456789abcdef", "web-1"],
            ),
            (Attribute::Netns, vec!["blue"]),
            (Attribute::OwnerUnknown, vec![]),
        ],
        ..Socket::tcp()
    };
    for (text, verdict) in [
        ("pid = 42", Verdict::Match),
        ("pid=42", Verdict::Match),
        ("pid != 42", Verdict::Miss),
        ("process = ss*", Verdict::Match),
        ("process = SSHD", Verdict::Miss),
        ("user = www", Verdict::Unknown),
        ("user = 0 or pid = 42", Verdict::Match),
        ("not user = 0", Verdict::Unknown),
        ("recv-q > 64k", Verdict::Match),
        ("recv-q <= 64k", Verdict::Miss),
        ("rtt > 20ms", Verdict::Unknown),
        ("age > 5m", Verdict::Match),
        ("age > 1h", Verdict::Unknown),
        ("age < 5m", Verdict::Miss),
        ("state = estab", Verdict::Match),
        ("state != listen", Verdict::Match),
        ("dst != 10.0.0.2", Verdict::Miss),
        ("src!=10.0.0.2", Verdict::Match),
        ("sport=22 and dport>=40000", Verdict::Match),
        ("sport = 22 pid = 42", Verdict::Match),
        ("rtt > 1ms and sport = 23", Verdict::Miss),
        ("pid 42", Verdict::Match),
        ("state estab and process sshd", Verdict::Match),
        ("fd = 3", Verdict::Match),
        ("fd = 4", Verdict::Miss),
        (":22", Verdict::Match),
        (":ssh", Verdict::Match),
        (":40000", Verdict::Match),
        (":23 or port = 22", Verdict::Match),
        ("port = 40000", Verdict::Match),
        ("port != 40000", Verdict::Miss),
        ("port=23", Verdict::Miss),
        ("not :23", Verdict::Match),
        ("local = 10.0.0.1:22", Verdict::Match),
        ("local 10.0.0.1", Verdict::Match),
        ("local!=10.0.0.1", Verdict::Miss),
        ("peer = 10/8", Verdict::Match),
        ("peer=10.0.0.1", Verdict::Miss),
        ("retrans > 2", Verdict::Match),
        ("retrans > 3", Verdict::Miss),
        ("cookie = 0x1001", Verdict::Match),
        ("cookie = 4097", Verdict::Match),
        ("uid = 33 and user = www", Verdict::Unknown),
        ("memory > 1M", Verdict::Match),
        ("drops > 0", Verdict::Unknown),
        ("kind = tcp", Verdict::Match),
        ("netid = inet", Verdict::Match),
        ("kind != udp", Verdict::Match),
        ("exe = nginx", Verdict::Match),
        ("exe = /usr/*", Verdict::Match),
        ("exe = /usr/bin/*", Verdict::Miss),
        ("unit = nginx", Verdict::Match),
        ("unit = nginx.service", Verdict::Match),
        ("unit = ngin", Verdict::Miss),
        ("container = web*", Verdict::Match),
        ("container = 0123456", Verdict::Match),
        ("container = 012", Verdict::Miss),
        ("pod = web", Verdict::Unknown),
        ("netns = blue", Verdict::Match),
        ("netns = 42", Verdict::Match),
        ("netns = 4026531840", Verdict::Match),
        ("netns = 43", Verdict::Miss),
        ("owner = known", Verdict::Match),
        ("owner != unknown", Verdict::Match),
        ("owner-unknown = time-wait", Verdict::Miss),
        ("peer-process = psql", Verdict::Unknown),
    ] {
        let expr = parse(text, true)
            .expect("plumb understands it")
            .expr
            .expect("not empty");
        assert_eq!(expr.evaluate(&row), verdict, "{text}");
        let ours_alone = !text.starts_with("sport = 22 and");
        assert_eq!(parse(text, false).is_err(), ours_alone, "{text}");
    }
}

#[test]
fn a_word_that_is_no_test_is_refused_with_what_was_meant() {
    let strict = Context {
        strict: true,
        ..context(true)
    };
    for (text, message) in [
        (
            "nginx",
            "'nginx' is no test; perhaps 'process = nginx' is meant\n  nginx\n  ^^^^^",
        ),
        (
            "sport = 22 and LISTEN",
            "'LISTEN' is no test; perhaps 'state = LISTEN' is meant\n  sport = 22 and LISTEN\n                 ^^^^^^",
        ),
        (
            "udp",
            "'udp' is no test; perhaps 'kind = udp' is meant\n  udp\n  ^^^",
        ),
        (
            "443",
            "'443' is no test; perhaps ':443' for a port, or 'pid = 443' is meant\n  443\n  ^^^",
        ),
        (
            "10.0.0.1",
            "'10.0.0.1' is no test; perhaps 'src 10.0.0.1 or dst 10.0.0.1' is meant\n  10.0.0.1\n  ^^^^^^^^",
        ),
        (
            "(sport = 22)",
            "'(sport' is no test; parentheses need blanks around them\n  (sport = 22)\n  ^^^^^^",
        ),
        (
            ":http s",
            "'http' is no port number and no known service\n  :http s\n  ^^^^^",
        ),
        (
            "kind = tpc",
            "'tpc' is not a kind of socket, as tcp, udp, raw, unix, netlink, packet or vsock\n  kind = tpc\n         ^^^",
        ),
        ("port > 22", "expected '=' or '!='\n  port > 22\n  ^^^^"),
    ] {
        let pieces = Piece::arguments([text]);
        let error = plumb_filter::parse(&pieces, &strict, &mut Machine).expect_err("no filter");
        assert_eq!(error.pointing(&pieces), message);
    }
}

#[test]
fn a_port_of_either_end_is_decided_by_the_kernel() {
    let text = explain(&parse(":22 and pid = 1", true).expect("well formed"));
    assert!(text.contains(":22: either port is 22 (kernel)"), "{text}");
    let text = explain(&parse("port != 22", true).expect("well formed"));
    assert!(text.contains("neither port is 22 (kernel)"), "{text}");
}

#[test]
fn every_test_can_be_given_and_explained() {
    for entry in plumb_filter::entries() {
        for name in entry.names {
            let text = format!("{name} = {}", entry.example);
            let parsed =
                parse(&text, true).unwrap_or_else(|error| panic!("{text}: {:?}", error.kind));
            let told = explain(&parsed);
            assert!(told.contains(&format!("{text}: ")), "{told}");
            assert!(parse(&text, false).is_err(), "{text} is not the original's");
        }
    }
}

#[test]
fn kinds_and_states_are_ruled_out_before_anything_is_dumped() {
    let could = |text: &str, kind: &'static str, state: u8| {
        let row = Socket {
            state,
            texts: vec![(Attribute::Kind, vec![kind, "inet"])],
            pids: (Vec::new(), false),
            ..Socket::tcp()
        };
        let parsed = parse(text, true).expect("well formed");
        parsed.expr.expect("not empty").could_match(&row)
    };
    assert!(could("kind = tcp and sport = 1", "tcp", 1));
    assert!(!could("kind = tcp and sport = 22", "udp", 1));
    assert!(could("not kind = tcp or state = listen", "tcp", 10));
    assert!(!could("not kind = tcp or state = listen", "tcp", 1));
    assert!(could("src 192.0.2.1 or state = listen", "tcp", 1));
    assert!(could("not src 10.0.0.1", "tcp", 1));
    assert!(could("pid = 1 and state != listen", "tcp", 1));
    assert!(!could("pid = 1 and state != listen", "tcp", 10));
}

#[test]
fn the_documents_tell_of_every_test() {
    let read = |name: &str| {
        let path = format!("{}/../../{name}", env!("CARGO_MANIFEST_DIR"));
        std::fs::read_to_string(path).expect("it is in the repository")
    };
    let (document, page) = (read("docs/filter.md"), read("man/plumb-ss.1"));
    for entry in plumb_filter::entries() {
        let row = format!("| {} | ", entry.meaning);
        assert!(document.contains(&row), "docs/filter.md lacks {row}");
        for name in entry.names {
            assert!(
                document.contains(&format!("`{name}`")),
                "docs/filter.md lacks {name}"
            );
            assert!(
                page.contains(&format!("Cm {name} ")),
                "plumb-ss.1 lacks {name}"
            );
        }
    }
    for kind in plumb_filter::KINDS {
        let named = document.contains(&format!("`{kind}`"));
        assert!(
            named || ["icmp6", "tipc", "xdp"].contains(&kind),
            "docs/filter.md lacks {kind}"
        );
    }
}

#[test]
fn an_owner_that_may_be_hidden_is_unknown() {
    let verdict = |pids: Vec<u32>, text| {
        let row = Socket {
            pids: (pids, false),
            ..Socket::tcp()
        };
        parse(text, true)
            .expect("well formed")
            .expr
            .expect("not empty")
            .evaluate(&row)
    };
    assert_eq!(verdict(vec![42], "pid = 42"), Verdict::Match);
    assert_eq!(verdict(vec![1], "pid = 42"), Verdict::Unknown);
    assert_eq!(verdict(vec![1], "not pid = 42"), Verdict::Unknown);
    assert_eq!(verdict(vec![42], "pid != 42"), Verdict::Miss);
}

#[test]
fn a_filter_says_what_it_needs() {
    let needs = |text| parse(text, true).expect("well formed").needs;
    assert!(needs("rtt > 1ms").info && !needs("rtt > 1ms").owners);
    assert!(needs("sport = 1 or not pid = 1").owners);
    assert!(needs("age > 1s").age);
    assert!(needs("drops > 0").memory && !needs("drops > 0").info);
    assert!(needs("container = x").identity && needs("container = x").owners);
    assert!(needs("peer-process = x").peers);
    assert_eq!(needs(":443 and kind = tcp"), plumb_filter::Needs::default());
    assert_eq!(
        needs("recv-q > 0 and sport = 1"),
        plumb_filter::Needs::default()
    );
}

#[test]
fn our_own_errors_point_at_the_word() {
    let pieces = Piece::arguments(["sport = 22 and", "dport foo or"]);
    let error =
        plumb_filter::parse(&pieces, &context(true), &mut Machine).expect_err("foo is no port");
    assert_eq!(
        error.pointing(&pieces),
        "'foo' is no port number and no known service\n  dport foo or\n        ^^^"
    );
    let pieces = Piece::arguments(["sport = 22 and"]);
    let error =
        plumb_filter::parse(&pieces, &context(true), &mut Machine).expect_err("it ends early");
    assert_eq!(
        error.pointing(&pieces),
        "the filter ends where a test, 'not' or '(' was expected\n  sport = 22 and\n                ^"
    );
    let pieces = Piece::arguments(["sport = 22 and", "prot = 5"]);
    let error =
        plumb_filter::parse(&pieces, &context(true), &mut Machine).expect_err("prot is no keyword");
    assert_eq!(
        error.pointing(&pieces),
        "'prot' is no test\n  prot = 5\n  ^^^^"
    );
    let pieces = Piece::arguments(["src ::1"]);
    let error =
        plumb_filter::parse(&pieces, &context(true), &mut Machine).expect_err("a colon is missing");
    assert!(
        error
            .pointing(&pieces)
            .contains("write an IPv6 address in brackets, as [::1]")
    );
    let pieces = Piece::lines(b"# comment\nrtt > 20\n");
    let error = plumb_filter::parse(&pieces, &context(true), &mut Machine)
        .expect_err("the unit is missing");
    assert_eq!(
        error.pointing(&pieces),
        "'20' is not a time with its unit (us, ms, s, m, h, d), as 20ms\n  line 2: rtt > 20\n                ^^"
    );
}

#[test]
fn the_missing_precedence_is_explained() {
    let text = explain(&parse("sport = 1 or sport = 2 and pid = 3", true).expect("well formed"));
    assert!(
        text.starts_with("understood as:\n  ( ( sport = 1 or sport = 2 ) and pid = 3 )\n"),
        "{text}"
    );
    assert!(
        text.contains("write\n  sport = 1 or ( sport = 2 and pid = 3 )\n"),
        "{text}"
    );
    assert!(
        text.contains("pid = 3: process id of a holder = 3 (user space)\n"),
        "{text}"
    );
    for text in [
        "sport = 1 and sport = 2 or sport = 3",
        "( sport = 1 or sport = 2 ) and sport = 3",
        "sport = 1 or sport = 2",
    ] {
        let text = explain(&parse(text, true).expect("well formed"));
        assert!(!text.contains("careful"), "{text}");
    }
}

#[test]
fn what_the_kernel_makes_of_a_test_is_explained() {
    let text = explain(&parse("sport le 70000 and src two", false).expect("well formed"));
    assert!(text.contains("the kernel compares with 4464"), "{text}");
    assert!(
        text.contains("local is 10.0.0.1 or 10.0.0.3 or fd00::2"),
        "{text}"
    );
    assert!(text.contains("the first of these addresses only"), "{text}");
    let text = explain(&parse("state = connected", true).expect("well formed"));
    assert!(
        text.contains("state is unknown or estab or syn-sent or syn-recv"),
        "{text}"
    );
    let text = explain(&parse("dport != ssh", false).expect("well formed"));
    assert!(
        text.contains("dport != ssh: peer port is not 22 (kernel)"),
        "{text}"
    );
    let text = explain(&parse("dev lo and sport = 1", false).expect("well formed"));
    assert!(text.contains("the kernel sends every socket"), "{text}");
}

fn words() -> impl Strategy<Value = String> {
    let known = vec![
        "src",
        "dst",
        "sport",
        "dport",
        "dev",
        "fwmark",
        "cgroup",
        "autobound",
        "=",
        "!=",
        ">=",
        "<",
        "(",
        ")",
        "not",
        "and",
        "or",
        "any",
        "22",
        "[::1]:22",
        "10/8",
        "unix:*",
        "link:ip:lo",
        "vsock:1:2",
        "pid",
        "age",
        "5m",
        "state",
        "listen",
        ":443",
        ":",
        "port",
        "local",
        "peer=10/8",
        "kind=udp",
        "netns",
        "owner",
        "unknown",
        "container=0123",
        "memory>1M",
        "sport=22",
        "two:ssh",
        "\\",
        "",
    ];
    proptest::collection::vec(
        prop_oneof![3 => proptest::sample::select(known).prop_map(str::to_owned), 1 => ".{0,8}"],
        0..12,
    )
    .prop_map(|words| words.join(" "))
}

proptest! {
    #[test]
    fn what_the_original_understands_keeps_its_meaning(text in words()) {
        if let Ok(plain) = parse(&text, false) {
            let extended = parse(&text, true);
            prop_assert_eq!(Ok(plain), extended);
        }
    }

    #[test]
    fn what_was_understood_can_be_given_again(text in words()) {
        let understood = |text: &str| {
            let parsed = parse(text, true).ok().filter(|parsed| parsed.expr.is_some())?;
            explain(&parsed).lines().nth(1).map(|line| line.trim_start().to_owned())
        };
        // A backslash at the very end spells an empty word, which can be spelled nowhere else.
        let plain = text.is_ascii() && !text.contains(['\'', '"', '\t']) && !text.ends_with('\\');
        if let Some(again) = understood(&text) && plain {
            prop_assert_eq!(understood(&again), Some(again));
        }
    }

    #[test]
    fn any_bytes_are_a_filter_or_an_error_with_a_place(bytes in proptest::collection::vec(any::<u8>(), 0..60), text in words()) {
        let mut pieces = Piece::arguments([bytes.clone(), text.into_bytes()]);
        pieces.extend(Piece::lines(&bytes));
        for extended in [false, true] {
            match plumb_filter::parse(&pieces, &context(extended), &mut Machine) {
                Ok(parsed) => prop_assert!(explain(&parsed).is_ascii()),
                Err(error) => {
                    prop_assert!(error.report().status != 0);
                    prop_assert!(error.pointing(&pieces).is_ascii());
                }
            }
        }
    }
}

#[test]
fn holders_are_certain_only_where_every_way_names_them() {
    let holders = |text: &str| {
        let parsed = parse(text, true).expect("it is a filter");
        parsed.expr.expect("it has tests").holders()
    };
    assert_eq!(holders("pid = 7 and dport = :80"), Some(vec![7]));
    assert_eq!(holders("dport = :80 and pid = 7"), Some(vec![7]));
    assert_eq!(holders("pid = 9 or pid = 7"), Some(vec![7, 9]));
    assert_eq!(
        holders("( pid = 9 and dport = :80 ) or pid = 9"),
        Some(vec![9])
    );
    for open in [
        "pid != 7",
        "not pid = 7",
        "pid = 7 or dport = :80",
        "process = nginx",
    ] {
        assert_eq!(holders(open), None, "{open}");
    }
}
