use super::*;

/// Linux 6.18: `cat /proc/net/route`, blanks at the ends removed.
const ROUTES: &[u8] = b"\
Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n\
eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n\
eth0\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n";

/// Linux 6.18: two lines of `/proc/net/ipv6_route`.
const ROUTES6: &[u8] = b"\
00000000000000000000000000000000 00 00000000000000000000000000000000 00 fd000000000000000000000000000001 00000400 00000002 00000000 00000003     eth0\n\
00000000000000000000000000000000 00 00000000000000000000000000000000 00 00000000000000000000000000000000 ffffffff 00000001 00000000 00200200       lo\n";

fn routes(text: &[u8]) -> Vec<Route4> {
    decode_routes(text, &mut RouteMemory::default()).expect("the header is whole")
}

#[test]
fn routes_of_a_kernel_decode() {
    let routes = routes(ROUTES);
    assert_eq!(routes.len(), 2);
    assert_eq!(routes[0].gateway, Ipv4Addr::new(192, 0, 2, 1));
    assert_eq!(routes[1].destination, Ipv4Addr::new(192, 0, 2, 0));
    assert_eq!(routes[1].mask, Ipv4Addr::new(255, 255, 255, 0));
    assert_eq!(routes[1].common.interface, b"eth0");
}

#[test]
fn unusable_and_short_rows_are_no_routes() {
    let header = ROUTES
        .split_inclusive(|&b| b == b'\n')
        .next()
        .unwrap_or_default();
    let rows = b"eth0 01000000 01000000 0002 0 0 0 FFFFFFFF 1 2 3\neth0 0 0 1 2 3 4 0 5\n\n";
    assert_eq!(routes(&[header, rows].concat()), []);
}

#[test]
fn a_damaged_address_is_the_one_of_the_row_before() {
    let row = b"eth0 zz zz 0003 1 2 3 zz 4 5\n";
    let routes = routes(&[ROUTES, row].concat());
    assert_eq!(routes[2].destination, routes[1].destination);
    assert_eq!(routes[2].mask, routes[1].mask);
    assert_eq!(routes[2].metrics.window_bytes, 5);
}

#[test]
fn a_header_without_a_column_is_refused() {
    let mut memory = RouteMemory::default();
    assert_eq!(
        decode_routes(b"eth0 1 2\n", &mut memory),
        Err(HeaderError::Missing("Iface"))
    );
    assert_eq!(
        decode_routes(b"", &mut memory),
        Err(HeaderError::Missing("Iface"))
    );
}

#[test]
fn routes6_of_a_kernel_decode() {
    let routes = decode_routes6(ROUTES6, Table6::Routes);
    assert_eq!(
        routes[0].next_hop,
        "fd00::1".parse::<Ipv6Addr>().expect("an address")
    );
    assert_eq!(routes[0].common.metric, 1024);
    assert_eq!(routes[1].common.flags, RouteFlags(0x0020_0200));
    assert_eq!(routes[1].common.metric, u32::MAX);
    assert_eq!(routes[1].common.interface, b"lo");
    assert_eq!(decode_routes6(ROUTES6, Table6::Cache), []);
}

#[test]
fn an_empty_line_repeats_the_ipv6_route_before() {
    let routes = decode_routes6(&[ROUTES6, b"\n"].concat(), Table6::Routes);
    assert_eq!(routes[2], routes[1]);
}

#[test]
fn the_cache_tells_its_layout_by_its_heads() {
    let current = b"Iface Destination Gateway Flags RefCnt Use Metric Source MTU Window IRTT TOS \
                    HHRef HHUptod SpecDst\n\
                    eth0 0100000A 00000000 80000000 1 2 3 0200000A 4 5 6 7 8 9 0300000A\n";
    let header = inspect_cache_header(current).expect("there is a header");
    assert_eq!(header.layout, CacheLayout::Current);
    assert!(header.is_exact);
    let entries = decode_route_cache(current).expect("the header is whole");
    assert_eq!(entries[0].specific_destination, Ipv4Addr::new(10, 0, 0, 3));
    assert_eq!(entries[0].tos, 7);
    let odd = inspect_cache_header(b"IRTT TOS\n").expect("there is a header");
    assert_eq!((odd.found, odd.layout), (3, CacheLayout::Unknown));
    assert_eq!(inspect_cache_header(b""), None);
}
