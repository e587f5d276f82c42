//! Properties of the small writers that every screen is made of: addresses read back, columns keep
//! their width, and nothing a terminal acts on comes through the sanitiser.

use std::borrow::Cow;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use plumb_model::Port;
use plumb_present::netstat::address::{
    Width, without_mapped_prefix, write_address, write_endpoint, write_ipv4, write_ipv6, write_port,
};
use plumb_present::sanitize::for_terminal;
use plumb_present::text::{Decimal, left_u64, right_u64};
use proptest::array::uniform8;
use proptest::collection::vec;
use proptest::prelude::*;

const COLUMN: usize = 23;

fn config() -> ProptestConfig {
    ProptestConfig {
        // A failure prints its input; a file of seeds beside the sources adds nothing.
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

/// Addresses with runs of zero groups, and those that embed an IPv4 address.
fn ipv6() -> impl Strategy<Value = Ipv6Addr> {
    let group = prop_oneof![3 => Just(0), 1 => Just(0xffff), 1 => 0..16_u16, 2 => any::<u16>()];
    prop_oneof![
        6 => uniform8(group).prop_map(Ipv6Addr::from),
        1 => any::<Ipv4Addr>().prop_map(|addr| addr.to_ipv6_mapped()),
        1 => any::<u32>().prop_map(|low| Ipv6Addr::from(u128::from(low))),
    ]
}

fn written(write: impl FnOnce(&mut Vec<u8>)) -> String {
    let mut out = Vec::new();
    write(&mut out);
    String::from_utf8(out).expect("addresses and numbers are ASCII")
}

/// Text with what a terminal acts on in it.
fn outside_text() -> impl Strategy<Value = Vec<u8>> {
    let characters = vec(any::<char>(), 0..30);
    let controls = vec(
        prop_oneof![
            Just(0x1b),
            Just(0x7f),
            Just(0x9b),
            0..0x20_u8,
            0x80..=0xff_u8,
            0x20..0x7f_u8
        ],
        0..60,
    );
    prop_oneof![
        vec(any::<u8>(), 0..60),
        controls,
        characters.prop_map(|text| text.into_iter().collect::<String>().into_bytes()),
    ]
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn ipv6_text_reads_back(addr in ipv6()) {
        let text = written(|out| write_ipv6(out, addr));
        prop_assert_eq!(text.parse(), Ok(addr));
        prop_assert!(text.len() <= 45);
    }

    #[test]
    fn ipv4_text_is_that_of_the_library(addr in any::<Ipv4Addr>()) {
        prop_assert_eq!(written(|out| write_ipv4(out, addr)), addr.to_string());
    }

    #[test]
    fn addresses_read_back_and_mapped_ones_as_ipv4(addr in ipv6(), v4 in any::<Ipv4Addr>()) {
        let text = written(|out| write_address(out, addr.into()));
        prop_assert_eq!(text.parse(), Ok(IpAddr::from(addr).to_canonical()));
        let mapped = v4.to_ipv6_mapped();
        prop_assert_eq!(written(|out| write_address(out, mapped.into())), v4.to_string());
        prop_assert_eq!(written(|out| write_address(out, v4.into())), v4.to_string());
        // A name service that gives the long form leads to the same text.
        let long = written(|out| write_ipv6(out, mapped));
        prop_assert_eq!(without_mapped_prefix(long.as_bytes()).to_vec(), v4.to_string().into_bytes());
    }

    #[test]
    fn endpoints_fill_their_column(addr in vec(any::<u8>(), 0..70), port in vec(any::<u8>(), 0..40)) {
        let mut out = b"before ".to_vec();
        write_endpoint(&mut out, &addr, &port, Width::Column);
        let column = out.strip_prefix(b"before ").expect("what was there stays");
        prop_assert_eq!(column.len(), COLUMN);
        if addr.len() + port.len() < COLUMN {
            prop_assert!(column.starts_with(&[&addr[..], b":", &port].concat()));
        } else {
            let shown = port.len().min(18);
            let kept = addr.len().min(COLUMN - 1 - shown);
            let cut = [&addr[..kept], b":", &port[..shown]].concat();
            prop_assert!(column.starts_with(&cut));
            prop_assert!(column[cut.len()..].iter().all(|&b| b == b' '));
        }
    }

    #[test]
    fn wide_endpoints_are_whole_up_to_their_limit(
        addr in vec(any::<u8>(), 0..140),
        port in vec(any::<u8>(), 0..40),
    ) {
        let mut out = Vec::new();
        write_endpoint(&mut out, &addr, &port, Width::Wide);
        let mut whole = [&addr[..], b":", &port].concat();
        whole.truncate(127);
        prop_assert!(out.starts_with(&whole));
        prop_assert_eq!(out.len(), whole.len().max(COLUMN));
    }

    #[test]
    fn numeric_endpoints_read_back_where_they_fit(addr in any::<Ipv4Addr>(), port in 1..=u16::MAX) {
        let digits = written(|out| write_port(out, Port(port.into())));
        let text = written(|out| {
            write_endpoint(out, addr.to_string().as_bytes(), digits.as_bytes(), Width::Column);
        });
        prop_assert_eq!(text.trim_end().parse(), Ok(std::net::SocketAddrV4::new(addr, port)));
    }

    #[test]
    fn ports_show_their_low_sixteen_bits(port in any::<u32>()) {
        let wanted = match port & 0xffff {
            0 => "*".to_owned(),
            low => low.to_string(),
        };
        prop_assert_eq!(written(|out| write_port(out, Port(port))), wanted);
    }

    #[test]
    fn decimals_are_those_of_the_library(value in any::<u64>(), shift in 0..64_u32, width in 0..30_usize) {
        let value = value >> shift;
        let text = value.to_string();
        let decimal = Decimal::new(value);
        prop_assert_eq!(decimal.as_bytes(), text.as_bytes());
        prop_assert_eq!(written(|out| left_u64(out, value, width)), format!("{value:<width$}"));
        prop_assert_eq!(written(|out| right_u64(out, value, width)), format!("{value:>width$}"));
    }

    #[test]
    fn nothing_a_terminal_acts_on_is_left(text in outside_text()) {
        let safe = for_terminal(&text);
        prop_assert!(safe.iter().all(|&b| b >= 0x20 && b != 0x7f));
        let shown = std::str::from_utf8(&safe).expect("what a terminal gets is UTF-8");
        prop_assert!(!shown.chars().any(char::is_control));
        // What is safe stays as it is.
        prop_assert_eq!(&for_terminal(&safe), &safe);
    }

    #[test]
    fn printable_ascii_stays_as_it_is(text in "[ -~]{0,80}") {
        let safe = for_terminal(text.as_bytes());
        prop_assert!(matches!(safe, Cow::Borrowed(_)));
        prop_assert_eq!(&*safe, text.as_bytes());
    }
}

#[test]
fn decimals_are_right_at_their_ends() {
    for value in [0, 9, 10, u64::from(u32::MAX), u64::MAX - 1, u64::MAX] {
        assert_eq!(Decimal::new(value).as_bytes(), value.to_string().as_bytes());
    }
}
