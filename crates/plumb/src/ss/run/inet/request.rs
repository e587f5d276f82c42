//! What is asked of sock_diag for one protocol: states, attributes, and the filter's program.

use plumb_model::diag::inet::{AF_INET, Protocol};
use plumb_wire::netlink::inet_request::{self, InetRequest};

use plumb_present::ss::view::View;

use crate::ss::session::Session;

/// `INET_DIAG_MEMINFO`.
const MEMINFO: u8 = 1;
/// `INET_DIAG_INFO`.
const INFO: u8 = 2;
/// `INET_DIAG_VEGASINFO`, which also brings what other congestion controls tell.
const VEGASINFO: u8 = 3;
/// `INET_DIAG_CONG`.
const CONG: u8 = 4;
/// `INET_DIAG_TOS`.
const TOS: u8 = 5;
/// `INET_DIAG_TCLASS`.
const TCLASS: u8 = 6;
/// `INET_DIAG_SKMEMINFO`.
const SKMEMINFO: u8 = 7;

const fn bit(attribute: u8) -> u8 {
    1 << (attribute - 1)
}

/// Encodes the request for the sockets of one family.
pub fn of(session: &Session, family: u8, protocol: Protocol) -> Vec<u8> {
    inet_request::encode_inet_dump(&request(session, family, protocol))
}

/// Encodes the request that kernels before 3.3 understand; `None` for protocols it never had.
pub fn legacy(session: &Session, protocol: Protocol) -> Option<Vec<u8>> {
    inet_request::encode_legacy_dump(&request(session, AF_INET, protocol))
}

fn request(session: &Session, family: u8, protocol: Protocol) -> InetRequest<'_> {
    InetRequest {
        family,
        protocol,
        states: session.options.selection.states.0,
        extensions: wanted(session),
        program: session.filter.program(),
        bpf_storages: session.bpf_maps.request(),
    }
}

/// The attributes that the options show: bits `1 << (INET_DIAG_X - 1)`.
pub fn extensions(view: &View) -> u8 {
    let mut wanted = 0;
    if view.memory {
        wanted |= bit(MEMINFO) | bit(SKMEMINFO);
    }
    if view.info {
        wanted |= bit(INFO) | bit(VEGASINFO) | bit(CONG);
    }
    if view.tos {
        wanted |= bit(TOS) | bit(TCLASS);
    }
    wanted
}

/// The attributes that options, the form of the output and the expression need.
fn wanted(session: &Session) -> u8 {
    let needs = session.filter.needs();
    let mut wanted = extensions(&session.options.view);
    if needs.info || needs.age {
        wanted |= bit(INFO);
    }
    if needs.memory {
        wanted |= bit(SKMEMINFO);
    }
    if !session.is_text() {
        wanted = u8::MAX;
    }
    wanted
}
