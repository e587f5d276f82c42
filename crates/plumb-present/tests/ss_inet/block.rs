//! The block of -m and -i: memory, tcp_info, congestion controls, keys.

use plumb_model::diag::congestion::{Bbr, Congestion, Dctcp, Vegas};
use plumb_model::diag::inet::{Extensions, InetDiag, Info, Md5Key, MemInfo, Protocol, SkMemInfo};
use plumb_model::diag::tcp_info::TcpInfo;
use plumb_present::ss::view::{Release, View};

use super::{extras, internals, numeric, with, write};

/// The reference's sample: every field set, most of them to a number of their own.
fn every_field() -> InetDiag<'static> {
    let info = TcpInfo {
        backoff: 2,
        options: 0x7f,
        snd_wscale: 7,
        rcv_wscale: 9,
        bits: 1,
        rto_us: 204_000,
        ato_us: 40_000,
        snd_mss: 1448,
        rcv_mss: 536,
        unacked: 1,
        sacked: 2,
        lost: 3,
        retrans: 4,
        fackets: 5,
        last_data_sent_ms: 6,
        last_data_recv_ms: 7,
        last_ack_recv_ms: 8,
        pmtu: 1500,
        rcv_ssthresh: 9,
        rtt_us: 12_345,
        rttvar_us: 678,
        snd_ssthresh: 20,
        snd_cwnd: 10,
        advmss: 1448,
        reordering: 4,
        rcv_rtt_us: 11,
        rcv_space: 12,
        total_retrans: 13,
        pacing_rate: 1 << 40,
        max_pacing_rate: 1 << 41,
        bytes_acked: 14,
        bytes_received: 15,
        segs_out: 16,
        segs_in: 17,
        notsent_bytes: 18,
        min_rtt_us: 19,
        data_segs_in: 20,
        data_segs_out: 21,
        delivery_rate: 22,
        busy_time_us: 23_000,
        rwnd_limited_us: 24_000,
        sndbuf_limited_us: 2500,
        delivered: 26,
        delivered_ce: 27,
        bytes_sent: 28,
        bytes_retrans: 29,
        dsack_dups: 30,
        reord_seen: 31,
        rcv_ooopack: 32,
        snd_wnd: 33,
        rcv_wnd: 34,
        rehash: 35,
        ..TcpInfo::default()
    };
    let mut row = with(Extensions {
        info: Some(Info::Tcp(info)),
        ..Extensions::default()
    });
    row.extensions.congestion.name = Some(b"bbr");
    row
}

const EVERY_FIELD: &str = " ts sack ecn ecnseen fastopen bbr wscale:7,9 rto:204 backoff:2 \
     rtt:12.345/0.678 ato:40 mss:1448 pmtu:1500 rcvmss:536 advmss:1448 cwnd:10 ssthresh:20 \
     bytes_sent:28 bytes_retrans:29 bytes_acked:14 bytes_received:15 segs_out:16 segs_in:17 \
     data_segs_out:21 data_segs_in:20 send 9383556bps lastsnd:6 lastrcv:7 lastack:8 \
     pacing_rate 8796093022208bps/17592186044416bps delivery_rate 176bps delivered:26 \
     delivered_ce:27 app_limited busy:23ms rwnd_limited:24ms(104.3%) sndbuf_limited:2ms(10.9%) \
     unacked:1 retrans:4/13 lost:3 sacked:2 dsack_dups:30 fackets:5 reordering:4 reord_seen:31 \
     rcv_rtt:0.011 rcv_space:12 rcv_ssthresh:9 notsent:18 minrtt:0.019 rcv_ooopack:32 snd_wnd:33";

#[test]
fn every_field_of_tcp_info_has_its_place() {
    assert_eq!(
        extras(&every_field(), &internals(Release::DEFAULT)),
        EVERY_FIELD
    );
    let newest = format!(
        "{} rcv_wnd:34 rehash:35",
        EVERY_FIELD.replacen(" ts", " ts usec_ts", 1)
    );
    assert_eq!(extras(&every_field(), &internals(Release::NEWEST)), newest);
}

#[test]
fn rates_are_rounded_unless_n() {
    let view = View {
        numeric: false,
        ..internals(Release::DEFAULT)
    };
    let text = extras(&every_field(), &view);
    assert!(text.contains(" send 9.38Mbps "), "{text}");
    assert!(text.contains(" pacing_rate 8.8Tbps/17.6Tbps "), "{text}");
}

#[test]
fn some_values_mean_that_there_is_none() {
    let info = TcpInfo {
        rto_us: 3_000_000,
        snd_ssthresh: 65_535,
        reordering: 3,
        min_rtt_us: u32::MAX,
        pacing_rate: u64::MAX,
        max_pacing_rate: 5,
        rwnd_limited_us: 7,
        sacked: 9,
        ..TcpInfo::default()
    };
    let mut row = with(Extensions {
        info: Some(Info::Tcp(info)),
        ..Extensions::default()
    });
    let view = internals(Release::DEFAULT);
    assert_eq!(extras(&row, &view), " sacked:9");
    row.state = 10;
    assert_eq!(extras(&row, &view), "");
}

#[test]
fn counters_the_original_takes_for_signed_are_negative() {
    let info = TcpInfo {
        snd_mss: u32::MAX,
        pmtu: u32::MAX,
        rcv_mss: u32::MAX,
        advmss: u32::MAX,
        snd_cwnd: u32::MAX,
        reordering: u32::MAX,
        reord_seen: u32::MAX,
        rcv_space: u32::MAX,
        ..TcpInfo::default()
    };
    let row = with(Extensions {
        info: Some(Info::Tcp(info)),
        ..Extensions::default()
    });
    assert_eq!(
        extras(&row, &internals(Release::DEFAULT)),
        " mss:-1 pmtu:4294967295 rcvmss:-1 advmss:-1 cwnd:4294967295 reordering:-1 reord_seen:-1 \
         rcv_space:-1"
    );
}

#[test]
fn congestion_controls_tell_their_state() {
    let told = |congestion| {
        let info = TcpInfo {
            rtt_us: 1000,
            snd_cwnd: 1,
            snd_mss: 1,
            reordering: 3,
            ..TcpInfo::default()
        };
        let row = with(Extensions {
            info: Some(Info::Tcp(info)),
            congestion,
            ..Extensions::default()
        });
        let text = extras(&row, &internals(Release::DEFAULT));
        text.replace(" rtt:1/0 mss:1 cwnd:1", "")
    };
    let vegas = |enabled, rtt_us| Congestion {
        vegas: Some(Vegas {
            enabled,
            rtt_us,
            ..Vegas::default()
        }),
        ..Congestion::default()
    };
    assert_eq!(told(Congestion::default()), " send 8000bps");
    assert_eq!(told(vegas(1, 500)), " send 16000bps");
    for unusable in [vegas(0, 500), vegas(1, 0), vegas(1, 0x7fff_ffff)] {
        assert_eq!(told(unusable), " send 8000bps");
    }
    let dctcp = |enabled| Congestion {
        dctcp: Some(Dctcp {
            enabled,
            ce_state: 2,
            alpha: 3,
            ab_ecn: 4,
            ab_tot: 5,
        }),
        ..Congestion::default()
    };
    assert_eq!(
        told(dctcp(1)),
        " dctcp:(ce_state:2,alpha:3,ab_ecn:4,ab_tot:5) send 8000bps"
    );
    assert_eq!(told(dctcp(0)), " dctcp:fallback_mode send 8000bps");
    let bbr = |pacing_gain, cwnd_gain| Congestion {
        bbr: Some(Bbr {
            bandwidth: u64::MAX,
            min_rtt_us: 1_280_002_633,
            pacing_gain,
            cwnd_gain,
        }),
        ..Congestion::default()
    };
    assert_eq!(
        told(bbr(739, 0)),
        " bbr:(bw:147573952589676412928bps,mrtt:1.28e+06,pacing_gain:2.88672) send 8000bps"
    );
    assert_eq!(
        told(bbr(0, 512)),
        " bbr:(bw:147573952589676412928bps,mrtt:1.28e+06,cwnd_gain:2) send 8000bps"
    );
}

#[test]
fn memory_shows_what_was_sent() {
    let memory = |sent_bytes: Option<usize>, older| {
        let row = with(Extensions {
            skmeminfo: sent_bytes.map(|sent_bytes| SkMemInfo {
                words: [1, 2, 3, 4, u32::MAX, 6, 7, 8, 9],
                sent_bytes,
            }),
            meminfo: older,
            ..Extensions::default()
        });
        let view = View {
            memory: true,
            oneline: true,
            ..numeric()
        };
        extras(&row, &view)
    };
    let seven = " skmem:(r1,rb2,t3,tb4,f4294967295,w6,o7";
    assert_eq!(memory(Some(20), None), format!("{seven})"));
    assert_eq!(memory(Some(31), None), format!("{seven})"));
    assert_eq!(memory(Some(32), None), format!("{seven},bl8)"));
    assert_eq!(
        memory(Some(40), Some(MemInfo::default())),
        format!("{seven},bl8,d9)")
    );
    assert_eq!(
        memory(
            None,
            Some(MemInfo {
                rmem: 1,
                wmem: 2,
                fmem: 3,
                tmem: 4
            })
        ),
        " mem:(r1,w2,f3,t4)"
    );
}

#[test]
fn udp_has_a_block_with_m_alone() {
    let row = InetDiag {
        protocol: Protocol::UDP,
        ..every_field()
    };
    let view = View {
        oneline: false,
        options: false,
        ..internals(Release::DEFAULT)
    };
    assert_eq!(extras(&row, &view), "");
    let view = View {
        memory: true,
        ..view
    };
    assert!(extras(&row, &view).starts_with("\n\t bbr wscale:7,9 "));
    let bare = View {
        info: true,
        ..numeric()
    };
    assert_eq!(extras(&super::row(), &bare), "\n\t");
}

#[test]
fn a_key_escapes_the_table_before_6_8() {
    let keys = vec![
        Md5Key {
            family: 2,
            prefix_len: 24,
            address: [1, 2, 3, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
            key: b"abc",
        },
        Md5Key {
            family: 10,
            prefix_len: 128,
            address: [0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
            key: b"a ,\\\x01\xff",
        },
        Md5Key {
            family: 9,
            prefix_len: 0,
            address: [0; 16],
            key: b"",
        },
    ];
    let row = with(Extensions {
        md5_keys: Some(keys),
        ..Extensions::default()
    });
    let view = internals(Release::DEFAULT);
    assert_eq!(
        extras(&row, &view),
        " md5keys:1.2.3.4/24=,2001:db8::/128=,???/0="
    );
    let escaped = write(std::slice::from_ref(&row), &view).rows.escaped;
    assert_eq!(escaped, b"abca\\040\\054\\134\\001\\377");
    let newer = internals(Release::new(6, 8));
    assert_eq!(
        extras(&row, &newer),
        " md5keys:1.2.3.4/24=abc,2001:db8::/128=a\\040\\054\\134\\001\\377,???/0="
    );
    let escaped = write(&[row], &newer).rows.escaped;
    assert_eq!(escaped, b"");
}
