use std::net::Ipv4Addr;

use super::Style::{Bare, Everything, Tcp, Use};
use super::*;

fn route(flags: u32) -> Route4 {
    Route4 {
        destination: Ipv4Addr::new(10, 0, 0, 0),
        gateway: Ipv4Addr::UNSPECIFIED,
        mask: Ipv4Addr::new(255, 0, 0, 0),
        common: RouteCommon {
            interface: b"averylongname".to_vec(),
            flags: RouteFlags(flags),
            metric: u32::MAX,
            references: 2,
            uses: 77,
        },
        metrics: RouteMetrics {
            mtu_bytes: 1400,
            window_bytes: 5000,
            initial_rtt_ms: 300,
        },
    }
}

fn row(flags: u32, style: Style) -> String {
    let route = route(flags);
    let texts = RouteTexts {
        destination: b"averyveryverylongnetwork",
        gateway: b"0.0.0.0",
        mask: b"255.0.0.0",
        interface: &route.common.interface,
    };
    let mut out = Vec::new();
    write_route(&mut out, &route, texts, style);
    String::from_utf8(out).expect("ASCII in, ASCII out")
}

#[test]
fn styles_go_round_with_the_number_of_e() {
    let styles: Vec<Style> = (0..8).map(Style::from_extend).collect();
    assert_eq!(
        styles,
        [Tcp, Use, Everything, Bare, Use, Tcp, Everything, Bare]
    );
}

#[test]
fn rows_have_the_columns_of_their_style() {
    assert_eq!(
        row(1, Tcp),
        "averyveryverylo 0.0.0.0         255.0.0.0       U      1400 5000     300 averylongname\n"
    );
    assert_eq!(
        row(3, Use),
        "averyveryverylo 0.0.0.0         255.0.0.0       UG    -1     2       77 averylongname\n"
    );
    assert_eq!(
        row(7, Everything),
        "averyveryverylo 0.0.0.0         255.0.0.0       UGH   -1     2       77 averyl   1400  5000   300\n"
    );
    assert_eq!(row(1, Bare), "");
}

#[test]
fn reject_routes_have_dashes() {
    assert_eq!(
        row(0x205, Tcp),
        "averyveryverylo -               255.0.0.0       !H        - -          - -\n"
    );
    assert_eq!(
        row(0x201, Use),
        "averyveryverylo -               255.0.0.0       !     -1     -       77 -\n"
    );
    assert_eq!(
        row(0x201, Everything),
        "averyveryverylo -               255.0.0.0       !     -1     -       77 -        -     -      -\n"
    );
}

#[test]
fn flags_have_the_letters_of_the_original() {
    let mut out = Vec::new();
    write_flags(&mut out, RouteFlags(u32::MAX));
    assert_eq!(out, b"!HRDMdacoecfpluwin");
    out.clear();
    write_cache_flags(&mut out, RouteFlags(u32::MAX));
    assert_eq!(out, b"!RDM-ondtfqNsriNdbm#l");
}

#[test]
fn cache_rows_are_not_cut() {
    let route = route(3);
    let entry = CachedRoute4 {
        source: route.destination,
        destination: route.destination,
        gateway: route.gateway,
        common: route.common,
        metrics: route.metrics,
        tos: 5,
        header_references: 3,
        header_up_to_date: 1,
        specific_destination: route.mask,
    };
    let texts = CacheTexts {
        source: b"10.0.0.5",
        destination: b"10.0.0.1",
        gateway: b"averyveryverylonghostname",
        specific_destination: b"192.168.4.1",
        interface: &entry.common.interface,
    };
    let mut out = Vec::new();
    write_cached_route(&mut out, &entry, texts, Everything);
    assert_eq!(
        String::from_utf8_lossy(&out),
        "10.0.0.5        10.0.0.1        averyveryverylonghostname G-    -1     2       77 averyl   \
         1400  5000   300   5   3     1       192.168.4.1\n"
    );
}
