//! What -i shows of other protocols: upper layers of TCP, mptcp, sctp.

use std::net::IpAddr;

use plumb_model::diag::inet::{DiagTimer, Extensions, InetDiag, Info, Protocol, SctpAddress};
use plumb_model::diag::mptcp_info::MptcpInfo;
use plumb_model::diag::sctp_info::{SctpInfo, SctpOptions};
use plumb_model::diag::ulp::{MptcpSubflow, Tls, Ulp};
use plumb_present::ss::view::Release;

use super::{extras, internals, row, with};

#[test]
fn upper_layers_tell_what_they_have() {
    let told = |ulp, release| {
        let row = with(Extensions {
            ulp: Some(ulp),
            ..Extensions::default()
        });
        extras(&row, &internals(release))
    };
    let tls = Ulp {
        name: Some(b"tls"),
        tls: Some(Tls {
            version: Some(0x303),
            cipher: Some(51),
            rxconf: Some(2),
            txconf: Some(1),
            zc_ro_tx: true,
            rx_no_pad: true,
            trailing: None,
        }),
        ..Ulp::default()
    };
    let shown = " tcp-ulp-tls version: 1.2 cipher: aes-gcm-128 rxconf: sw txconf: none zc_ro_tx";
    assert_eq!(told(tls, Release::DEFAULT), shown);
    assert_eq!(told(tls, Release::NEWEST), format!("{shown} no_pad_rx"));
    let odd = Ulp {
        tls: Some(Tls {
            version: Some(773),
            cipher: Some(53),
            rxconf: Some(5),
            txconf: Some(0),
            ..Tls::default()
        }),
        ..Ulp::default()
    };
    assert_eq!(
        told(odd, Release::DEFAULT),
        " version: unknown(773) rxconf: unknown(5) txconf: unknown(0)"
    );
    let subflow = Ulp {
        name: Some(b"mptcp"),
        mptcp: Some(MptcpSubflow {
            token_rem: Some(0xab),
            token_loc: Some(0xdead_beef),
            relwrite_seq: Some(7),
            map_seq: Some(1 << 40),
            map_sfseq: Some(8),
            ssn_offset: Some(9),
            map_datalen: Some(10),
            flags: Some(0xffff),
            id_rem: Some(17),
            id_loc: Some(18),
            trailing: None,
        }),
        ..Ulp::default()
    };
    let shown = " tcp-ulp-mptcp flags:MmJjBbecv token:00ab(id:17)/deadbeef(id:18)";
    assert_eq!(
        told(subflow, Release::DEFAULT),
        format!("{shown} seq:10000000000 sfseq:8 ssnoff:9 maplen:a")
    );
    assert_eq!(
        told(subflow, Release::NEWEST),
        format!("{shown} seq:1099511627776 sfseq:8 ssnoff:9 maplen:10")
    );
}

#[test]
fn mptcp_tells_more_with_every_release() {
    let info = MptcpInfo {
        subflows_max: 2,
        flags: 3,
        token: 0xffe7_bcbe,
        write_seq: 0x10,
        local_addr_used: 1,
        bytes_received: 2,
        subflows_total: 1,
        endp_laminar_max: 4,
        last_data_sent_ms: 268_336,
        ..MptcpInfo::default()
    };
    let row = InetDiag {
        protocol: Protocol::MPTCP,
        extensions: Extensions {
            info: Some(Info::Mptcp(info)),
            ..Extensions::default()
        },
        ..row()
    };
    let told = |major, minor| extras(&row, &internals(Release::new(major, minor)));
    let head = " subflows_max:2 fallback remote_key token:ffe7bcbe";
    assert_eq!(told(6, 1), format!("{head} write_seq:10"));
    let decimal = format!("{head} write_seq:16 local_addr_used:1 bytes_received:2");
    assert_eq!(told(6, 5), decimal);
    assert_eq!(told(6, 8), format!("{decimal} subflows_total:1"));
    assert_eq!(
        told(6, 10),
        format!("{decimal} subflows_total:1 last_data_sent:268336")
    );
    assert_eq!(
        told(7, 1),
        format!("{decimal} subflows_total:1 endp_laminar_max:4 last_data_sent:268336")
    );
}

#[test]
fn sctp_tells_addresses_and_streams() {
    let address = |ip: Option<IpAddr>| SctpAddress { family: 0, ip };
    let info = SctpInfo {
        tag: 0xabc,
        state: 5,
        rwnd: u32::MAX,
        instrms: 10,
        peer_tag: 15,
        socket: SctpOptions {
            autoclose_s: 230,
            frag_interleave: 236,
            ..SctpOptions::default()
        },
        ..SctpInfo::default()
    };
    let row = InetDiag {
        protocol: Protocol::SCTP,
        timer: DiagTimer {
            code: 9,
            retransmits: 4,
            expires_ms: 3000,
        },
        extensions: Extensions {
            info: Some(Info::Sctp(info)),
            locals: Some(vec![
                address(Some([1, 2, 3, 4].into())),
                address(None),
                address(Some(IpAddr::from([0; 16]))),
            ]),
            peers: Some(Vec::new()),
            ..Extensions::default()
        },
        ..row()
    };
    assert_eq!(
        extras(&row, &internals(Release::DEFAULT)),
        " timer:(T3_RTX,3sec,4) locals:1.2.3.4,,:: peers: tag:abc state:SHUTDOWN_SENT rwnd:-1 \
         instrms:10 ptag:f autoclose:230 fraginl:236"
    );
}
