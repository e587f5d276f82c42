//! What rows of TCP say with -i and -o.

use plumb_testkit::ss::dump::attribute as kind;
use plumb_testkit::ss::dump::{Row, attribute};
use plumb_testkit::ss::tcp_info::TcpInfo;

use super::{begins, changes, listing};

fn info(set: &[(&str, u64)]) -> Row {
    let usual = TcpInfo::default().set("reordering", 3);
    let info = set
        .iter()
        .fold(usual, |info, (name, value)| info.set(name, *value));
    Row::plain().with(kind::INFO, info.bytes())
}

fn ulp(name: &[u8], nested: u16, inner: &[(u16, &[u8])]) -> Row {
    let mut content = Vec::new();
    attribute(&mut content, 1, name);
    let mut attributes = Vec::new();
    for (number, value) in inner {
        attribute(&mut attributes, *number, value);
    }
    attribute(&mut content, nested, &attributes);
    info(&[]).with(kind::ULP_INFO, content)
}

#[test]
fn fields_of_tcp_info_come_with_their_release() {
    let newer = info(&[("rcv_wnd", 34), ("rehash", 35), ("snd_wnd", 33)]);
    let line = "-tnipO";
    changes(
        "6.6",
        &[newer],
        line,
        " snd_wnd:33",
        " snd_wnd:33 rcv_wnd:34 rehash:35",
    );
    let stamps = info(&[("options", 64 | 1 | 2)]);
    changes("6.8", &[stamps], "-tniopO", " ts sack", " ts usec_ts sack");
}

#[test]
fn ulp_fields_come_with_their_release() {
    let tls = ulp(b"tls\0", 2, &[(1, &[4, 3]), (6, &[])]);
    let version = " tcp-ulp-tls version: 1.3";
    let unpadded = " tcp-ulp-tls version: 1.3 no_pad_rx";
    changes("6.5", &[tls], "-tnipO", version, unpadded);
    let four = 255_u32.to_ne_bytes();
    let eight = 256_u64.to_ne_bytes();
    let inner: [(u16, &[u8]); 4] = [(3, &four), (4, &eight), (5, &four), (6, &[17, 0])];
    let subflow = ulp(b"mptcp\0", 3, &inner);
    let shown = listing("7.1", std::slice::from_ref(&subflow), "-tnipO");
    assert!(shown.contains(" seq:256 "), "{shown}");
    changes("6.14", &[subflow], "-tnipO", " seq:100 ", " seq:256 ");
}

#[test]
fn md5_keys_stand_in_their_place_since_6_8() {
    let mut key = vec![2, 32, 3, 0];
    key.extend(plumb_testkit::ss::dump::octets([10, 0, 0, 2].into()));
    key.extend(b"abc");
    key.resize(100, 0);
    let row = Row::plain().with(kind::MD5SIG, key);
    begins("6.8", "md5keys", |release| {
        let shown = listing(release, std::slice::from_ref(&row), "-tni");
        assert_eq!(
            shown.starts_with("abc"),
            !shown.contains("/32=abc"),
            "{shown}"
        );
        shown.contains(" md5keys:10.0.0.2/32=abc")
    });
}

fn timer(code: u8, expires_ms: u32) -> Row {
    Row {
        timer: (code, 0),
        expires: expires_ms,
        ..Row::plain()
    }
}

#[test]
fn timers_change_twice() {
    changes(
        "6.11",
        &[timer(1, 9999)],
        "-tnop",
        "(on,9.999ms,0)",
        "(on,9.999sec,0)",
    );
    changes(
        "7.1",
        &[timer(5, 40)],
        "-tnop",
        "(unknown,040ms,0)",
        "(delack,040ms,0)",
    );
}
