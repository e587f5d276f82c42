//! Command lines and what they mean.

use super::*;

const PLAIN: Surroundings = Surroundings {
    posixly_correct: false,
    selinux: false,
};

fn parse(line: &str) -> Request {
    Request::parse(line.split_whitespace().map(OsString::from).collect(), PLAIN)
}

fn options(line: &str) -> Options {
    match parse(line) {
        Request::Run(options) => *options,
        other => panic!("`{line}` did not parse: {other:?}"),
    }
}

#[test]
fn the_tutorials_cluster_means_what_it_spells() {
    let o = options("-plantu");
    assert!(o.programs && o.protocols.tcp && o.protocols.udp && o.numeric.users);
    assert_eq!(o.filter, SocketFilter::All);
    assert_eq!(o.mode, Mode::Sockets);
}

#[test]
fn the_same_mode_twice_is_a_conflict() {
    for line in ["-ii", "-rr", "-ir", "-sM", "-rm", "-r -I=eth0"] {
        assert_eq!(parse(line), Request::Usage(None), "{line}");
    }
}

#[test]
fn one_interface_can_be_named_in_three_spellings() {
    for line in ["-I=eth0", "-Ieth0", "-I eth0", "-i -I=eth0"] {
        let o = options(line);
        assert_eq!(o.mode, Mode::Interfaces, "{line}");
        assert_eq!(o.interface.as_deref(), Some(&b"eth0"[..]), "{line}");
    }
}

#[test]
fn the_first_word_that_ends_the_program_wins() {
    assert_eq!(parse("-VQ"), Request::Version);
    assert_eq!(
        parse("-Q -h"),
        Request::Usage(Some(b"invalid option -- 'Q'".to_vec()))
    );
    assert_eq!(
        parse("-A inet,bogus -V"),
        Request::Refused(b"Unknown address family `bogus'.\n".to_vec())
    );
}

#[test]
fn abbreviated_families_pick_the_first_and_quarrel_with_the_rest() {
    assert_eq!(options("--ine").families, [Family::Inet]);
    assert_eq!(options("--ip").families, [Family::Inet]);
    for (word, possibilities) in [
        ("--i", " '--ip' '--interfaces'"),
        ("--u", " '--unix' '--udp' '--udplite' '--unix'"),
        ("--p=ip6", " '--protocol' '--programs'"),
    ] {
        let complaint = format!("option '{word}' is ambiguous; possibilities:{possibilities}");
        assert_eq!(parse(word), Request::Usage(Some(complaint.into_bytes())));
    }
}

#[test]
fn families_keep_order_and_repetition() {
    assert_eq!(
        options("-4 -A inet6,ip -x").families,
        [Family::Inet, Family::Inet6, Family::Inet, Family::Unix]
    );
}

#[test]
fn the_manual_page_explains_every_option() {
    crate::manual::assert_explains(
        "plumb-netstat.1",
        &Table {
            short: SHORT,
            long: LONG,
            exact: EXACT,
        },
    );
}
