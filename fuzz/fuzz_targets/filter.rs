//! Filters of ss: any bytes are an expression or an error, and what was understood can be compiled,
//! evaluated and explained. What the original understands keeps its meaning among plumb's own tests.
#![no_main]

use std::net::IpAddr;
use std::ops::RangeInclusive;

use libfuzzer_sys::fuzz_target;
use plumb_filter::{
    Attribute, Context, End, Fact, Family, Parsed, Piece, Resolve, Row, Side, Texts, Transport,
    bytecode, explain, parse,
};
use plumb_model::{Known, Reason};

/// Knows every name that begins with a small letter.
struct Machine;

fn known(name: &[u8]) -> Option<u16> {
    name.first()
        .filter(|byte| byte.is_ascii_lowercase())
        .map(|byte| u16::from(*byte))
}

impl Resolve for Machine {
    fn host(&mut self, name: &[u8], family: Option<Family>) -> Vec<IpAddr> {
        let Some(low) = known(name) else {
            return Vec::new();
        };
        match family {
            Some(Family::Inet6) => vec![IpAddr::from([low; 8])],
            _ => vec![IpAddr::from([10, 0, 0, 1]), IpAddr::from([10, 0, 0, 2])],
        }
    }
    fn service(&mut self, name: &[u8], _: Transport) -> Option<u16> {
        known(name)
    }
    fn interface(&mut self, name: &[u8]) -> Option<u32> {
        known(name).map(u32::from)
    }
    fn netlink_protocol(&mut self, name: &[u8]) -> Option<u32> {
        known(name).map(u32::from)
    }
    fn cgroup(&mut self, path: &[u8]) -> Result<u64, Vec<u8>> {
        known(path)
            .map(u64::from)
            .ok_or_else(|| b"Invalid cgroup2 path".to_vec())
    }
    fn cgroup_filter_supported(&mut self) -> bool {
        true
    }
    fn user(&mut self, name: &[u8]) -> Option<u32> {
        known(name).map(u32::from)
    }
    fn netns_of_process(&mut self, pid: u64) -> Option<u64> {
        (pid < 1000).then_some(pid)
    }
}

/// A socket made of the input's first bytes.
struct Socket<'a>(Family, &'a [u8]);

impl Row for Socket<'_> {
    fn family(&self) -> Family {
        self.0
    }
    fn end(&self, side: Side) -> End<'_> {
        let name = (self.0 == Family::Unix && side == Side::Local).then_some(self.1);
        End {
            address: self.1,
            port: 22,
            name,
        }
    }
    fn device(&self) -> u32 {
        1
    }
    fn mark(&self) -> u32 {
        7
    }
    fn cgroup(&self) -> u64 {
        42
    }
    fn ephemeral_ports(&self) -> RangeInclusive<i64> {
        32_768..=60_999
    }
    fn number(&self, fact: Fact) -> Known<u64> {
        match (fact, self.1.first()) {
            (Fact::Uid | Fact::RttUs, _) | (_, None) => Known::Unknown(Reason::NotInSource),
            (_, Some(byte)) => Known::Known(u64::from(*byte)),
        }
    }
    fn texts(&self, attribute: Attribute) -> Texts<'_> {
        Texts {
            found: vec![self.1.into()],
            complete: attribute == Attribute::Exe,
        }
    }
}

const FAMILIES: [Family; 8] = [
    Family::Unix,
    Family::Inet,
    Family::Inet6,
    Family::Netlink,
    Family::Link,
    Family::Tipc,
    Family::Vsock,
    Family::Xdp,
];

fn check(parsed: &Parsed, row: &Socket<'_>) {
    assert!(explain(parsed).is_ascii());
    let Some(expr) = &parsed.expr else { return };
    let _ = expr.evaluate(row);
    let Some(program) = bytecode(expr) else {
        return;
    };
    let mut at = 0;
    while let Some(&[_, yes, low, high]) = program.get(at..at + 4) {
        let no = usize::from(u16::from_ne_bytes([low, high]));
        assert!(yes >= 4 && at + usize::from(yes) <= program.len());
        assert!(no >= 4 && no % 4 == 0 && at + no <= program.len() + 4);
        at += usize::from(yes);
    }
    assert_eq!(at, program.len());
}

fuzz_target!(|bytes: &[u8]| {
    let Some((&choice, text)) = bytes.split_first() else {
        return;
    };
    let family = FAMILIES[usize::from(choice & 7)];
    let preferred = (choice & 8 != 0).then_some(family);
    let mut pieces = Piece::arguments(text.split(|byte| *byte == 0));
    if choice & 16 != 0 {
        pieces.extend(Piece::lines(text));
    }
    let plain = Context {
        preferred,
        tcp: true,
        udp: false,
        extended: false,
        strict: false,
        wide_ports: choice & 32 != 0,
    };
    let row = Socket(family, text.get(..16).unwrap_or(text));
    let extended = parse(
        &pieces,
        &Context {
            extended: true,
            strict: choice & 64 != 0,
            ..plain
        },
        &mut Machine,
    );
    match &extended {
        Ok(parsed) => check(parsed, &row),
        Err(error) => {
            assert!(error.report().status != 0);
            assert!(error.pointing(&pieces).is_ascii());
        }
    }
    if let Ok(parsed) = parse(&pieces, &plain, &mut Machine) {
        assert_eq!(Ok(parsed), extended);
    }
});
