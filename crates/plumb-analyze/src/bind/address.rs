//! The address and the privilege, which the kernel looks at before any other socket:
//! `inet_addr_valid_or_nonlocal`, `ipv6_chk_addr`, `inet_port_requires_bind_service`.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use plumb_model::Known;
use plumb_model::rtnl::{Address, Route, RouteType};

use super::vrf::{self, Vrf};
use super::{Attempt, Protocol, Rule};

/// `RT_SCOPE_HOST` and `RT_SCOPE_LINK` of an IPv6 address: it counts on its own interface alone.
const NARROW_SCOPES: [u8; 2] = [253, 254];

/// What the namespace says about addresses and ports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddressSettings {
    /// The lowest port that needs no privilege (`net.ipv4.ip_unprivileged_port_start`).
    pub unprivileged_start: Known<u16>,
    /// `net.ipv4.ip_nonlocal_bind`.
    pub nonlocal_v4: Known<bool>,
    /// `net.ipv6.ip_nonlocal_bind`.
    pub nonlocal_v6: Known<bool>,
    /// The addresses of all interfaces.
    pub addresses: Vec<Address>,
    /// The IPv4 routes of the local table and of those of VRFs.
    pub routes: Vec<Route>,
    /// The indices of all interfaces.
    pub interfaces: Vec<u32>,
    /// The VRFs.
    pub vrfs: Vec<Vrf>,
    /// `net.ipv4.tcp_l3mdev_accept`.
    pub tcp_l3mdev_accept: Known<bool>,
}

/// What the address comes to.
pub(super) enum Checked {
    /// Nothing against it; the interface the socket is then bound to.
    Fine(u32),
    /// Refused by a rule.
    Refused(Rule),
    /// That hangs on a setting nobody could read; the rule that would refuse.
    Unsure(Rule),
}

/// Looks at address and privilege in the kernel's order.
pub(super) fn check(attempt: &Attempt, settings: &AddressSettings) -> Checked {
    match attempt.ip {
        IpAddr::V4(ip) => match address4(ip, attempt.device, settings) {
            Checked::Fine(_) => privilege(attempt, settings, attempt.device),
            refused => refused,
        },
        IpAddr::V6(ip) => check6(attempt, ip, settings),
    }
}

fn check6(attempt: &Attempt, ip: Ipv6Addr, settings: &AddressSettings) -> Checked {
    if ip.is_multicast() && attempt.protocol == Protocol::Tcp {
        return Checked::Refused(Rule::MulticastStream);
    }
    let privilege = privilege(attempt, settings, attempt.device);
    if matches!(privilege, Checked::Refused(_)) {
        return privilege;
    }
    match (address6(attempt, ip, settings), privilege) {
        (Checked::Fine(_), unsure @ Checked::Unsure(_)) => unsure,
        (address, _) => address,
    }
}

fn privilege(attempt: &Attempt, settings: &AddressSettings, device: u32) -> Checked {
    let needs = settings
        .unprivileged_start
        .map(|start| attempt.port < start)
        .ok();
    match (needs, attempt.privileged.ok()) {
        (Some(false), _) | (_, Some(true)) => Checked::Fine(device),
        (Some(true), Some(false)) => Checked::Refused(Rule::PrivilegedPort),
        _ => Checked::Unsure(Rule::PrivilegedPort),
    }
}

fn address4(ip: Ipv4Addr, device: u32, settings: &AddressSettings) -> Checked {
    if ip.is_unspecified() || ip.is_multicast() || ip.is_broadcast() {
        return Checked::Fine(device);
    }
    let Some(table) = vrf::table(&settings.vrfs, device) else {
        return Checked::Unsure(Rule::Vrf);
    };
    let route = settings
        .routes
        .iter()
        .filter(|route| route.table == table && route.covers(IpAddr::V4(ip)))
        .max_by_key(|route| route.prefix_len);
    let ours = [RouteType::LOCAL, RouteType::MULTICAST, RouteType::BROADCAST];
    if route.is_some_and(|route| ours.contains(&route.kind)) {
        return Checked::Fine(device);
    }
    // Before the first address there is no local table, and the kernel lets in whatever it cannot look up; one that lost
    // all its routes again looks the same from here.
    let may_be_missing = device == 0 && !settings.routes.iter().any(|route| route.table == table);
    if may_be_missing && settings.nonlocal_v4 != Known::Known(true) {
        return Checked::Unsure(Rule::AddressNotLocal);
    }
    let has_it = |address: &&Address| address.ip == IpAddr::V4(ip);
    let rule = match settings.addresses.iter().find(has_it) {
        Some(address) if !vrf::same(&settings.vrfs, address.interface, device) => {
            Rule::AddressInOtherVrf
        }
        _ => Rule::AddressNotLocal,
    };
    nonlocal(settings.nonlocal_v4, rule, device)
}

fn nonlocal(setting: Known<bool>, rule: Rule, device: u32) -> Checked {
    match setting {
        Known::Known(true) => Checked::Fine(device),
        Known::Known(false) => Checked::Refused(rule),
        Known::Unknown(_) => Checked::Unsure(rule),
    }
}

fn address6(attempt: &Attempt, ip: Ipv6Addr, settings: &AddressSettings) -> Checked {
    if ip.is_unspecified() {
        return Checked::Fine(attempt.device);
    }
    if let Some(mapped) = ip.to_ipv4_mapped() {
        if attempt.v6only {
            return Checked::Refused(Rule::MappedAndV6Only);
        }
        return address4(mapped, attempt.device, settings);
    }
    let mut device = attempt.device;
    if needs_scope(ip) {
        if attempt.scope_id != 0 {
            device = attempt.scope_id;
        }
        if device == 0 {
            return Checked::Refused(Rule::ScopeMissing);
        }
    }
    if device != 0 && !settings.interfaces.contains(&device) {
        return Checked::Refused(Rule::NoSuchInterface);
    }
    if ip.is_multicast() {
        return Checked::Fine(device);
    }
    match assigned(ip, device, settings) {
        None => Checked::Fine(device),
        Some(rule) => nonlocal(settings.nonlocal_v6, rule, device),
    }
}

/// `__ipv6_addr_needs_scope_id`: link-local addresses, and multicast that does not leave the link.
fn needs_scope(ip: Ipv6Addr) -> bool {
    let [first, second, ..] = ip.octets();
    let link_local = first == 0xfe && second & 0xc0 == 0x80;
    link_local || (first == 0xff && matches!(second & 0x0f, 1 | 2))
}

/// Says by which rule an address is none of ours; `None` when it is.
fn assigned(ip: Ipv6Addr, device: u32, settings: &AddressSettings) -> Option<Rule> {
    let mut rule = Rule::AddressNotLocal;
    for address in settings
        .addresses
        .iter()
        .filter(|address| address.ip == IpAddr::V6(ip))
    {
        if !vrf::same(&settings.vrfs, address.interface, device) {
            rule = Rule::AddressInOtherVrf;
        } else if device != 0
            && address.interface != device
            && NARROW_SCOPES.contains(&address.scope)
        {
            rule = Rule::AddressOnOtherInterface;
        } else if address.is_tentative() && address.is_duplicate() {
            rule = Rule::AddressDuplicate;
        } else if address.is_tentative() {
            rule = Rule::AddressTentative;
        } else {
            return None;
        }
    }
    Some(rule)
}
