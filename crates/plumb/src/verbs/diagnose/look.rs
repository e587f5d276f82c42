//! A look at one network namespace: two samples, and the wire between them.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use plumb_analyze::diagnose::{self, Case, Connections, Focus, Found};
use plumb_collect::sample;
use plumb_collect::wire_watch::Watch;
use plumb_model::finding::Gap;
use plumb_model::id::Pid;
use plumb_model::notice::{Filtered, Martian, Notices, Probed, RefusedCall, Resolving};
use plumb_model::sample::{Sample, Span, Way};
use plumb_model::{NetnsId, Reason};
use rustix::io::Errno;

use super::no_room::Waits;
use super::places::Place;
use super::probe::{self, Probes};
use crate::verbs::recording::session;

/// So many samples between the two are kept.
const MOST_MEANWHILE: usize = 8;

/// A look that has begun.
pub(super) struct Look {
    place: Place,
    watch: Result<Watch, Errno>,
    before: Sample,
    /// The samples that were taken while a command ran, the last of them: a process may have ended in each.
    meanwhile: Vec<Sample>,
    waits: Waits,
    probes: Probes,
    /// What those who are asked about want to reach here, from another namespace.
    from_afar: Option<Connections>,
}

/// What a look saw.
#[derive(Debug)]
pub(super) struct Looked {
    /// What is wrong there.
    pub found: Found,
    /// What could not be seen there.
    pub gaps: Vec<String>,
    /// Whether nothing at all could be read.
    pub is_blind: bool,
    /// Whether nothing there has the end that was asked about.
    pub is_quiet: bool,
}

impl Look {
    /// Begins, inside the namespace; `probed` is what is tried as well.
    pub fn begin(place: Place, probed: Option<&Focus>) -> Self {
        let watch = Watch::start();
        let mut before = sample::read();
        let probes = probed.map(|focus| Probes::begin(focus, &mut before));
        let mut waits = Waits::default();
        waits.see(&before);
        Self {
            place,
            watch,
            before,
            meanwhile: Vec::new(),
            waits,
            probes: probes.unwrap_or_default(),
            from_afar: None,
        }
    }

    /// The same, where what is asked about is elsewhere, and these are its connections there.
    pub fn asked_from_afar(self, connections: Connections) -> Self {
        let from_afar = Some(connections);
        Self { from_afar, ..self }
    }

    /// Gives both ends of the connections of processes here that may lead into other namespaces.
    pub fn connections_afar(&self, pids: &[u32]) -> Vec<(SocketAddr, SocketAddr)> {
        diagnose::connections_afar(&self.before, pids)
    }

    /// Says whether an address is one of this namespace.
    pub fn has_address(&self, ip: IpAddr) -> bool {
        let mut own = self.before.addresses.iter();
        ip.is_loopback() || own.any(|own| own.ip == ip)
    }

    /// Says whether a UNIX listener that a process means is here.
    pub fn has_unix(&self, pid: Pid, asked: &[u8]) -> bool {
        sample::unix_listener(&self.before, pid, asked).is_some()
    }

    /// Says whether it is one at that namespace.
    pub fn is_at(&self, place: &Place) -> bool {
        self.place == *place
    }

    /// Says how long it should last at least.
    pub fn patience(&self) -> Duration {
        diagnose::patience(&self.before)
    }

    /// Gives its namespace.
    pub fn id(&self) -> Option<NetnsId> {
        self.place.id
    }

    /// Gives what its namespace is called, unless it is our own.
    pub fn label(&self) -> Option<&str> {
        self.place.label.as_deref()
    }

    /// Takes a sample between the two, inside the namespace, because a command may end before the second.
    pub fn again(&mut self) {
        if self.meanwhile.len() >= MOST_MEANWHILE {
            self.meanwhile.remove(0);
        }
        let sample = sample::read();
        self.waits.see(&sample);
        self.meanwhile.push(sample);
    }

    /// Ends, inside the namespace.
    pub fn end(mut self, focus: &Focus, calls: &Refused) -> Looked {
        let probed = self.probes.finish();
        let mut after = sample::read();
        self.waits.see(&after);
        let mut notices = noticed(self.watch, &mut after);
        // What the end of our own connections sets off is nobody's trouble.
        drop(self.probes);
        notices.probed = Probed {
            impostors: probe::impostors(&probed.refused),
            ..probed
        };
        notices.unix_clients = self.waits.clients(&after, calls.unix_in(self.place.id));
        calls.tell(self.place.id, &mut notices);
        after.snapshot.gaps.extend(calls.gaps.iter().cloned());
        sample::ask_destinations(&mut after, &asked_about(focus, &notices));
        sample::ask_refused(&mut after, &refused_ways(&notices));
        let seen = Seen {
            place: self.place,
            before: self.before,
            meanwhile: self.meanwhile,
            after,
            notices,
        };
        seen.judge(&Focus {
            is_elsewhere: self.from_afar.is_some(),
            unseen: self.from_afar.unwrap_or_default(),
            ..focus.clone()
        })
    }

    /// Ends where the namespace is gone, with a command that was alone in it; `None` where no sample was taken
    /// while it ran.
    pub fn end_outside(self, focus: &Focus, calls: &Refused) -> Option<Looked> {
        let mut meanwhile = self.meanwhile;
        let mut after = meanwhile.pop()?;
        let mut notices = noticed(self.watch, &mut after);
        notices.unix_clients = self.waits.clients(&after, calls.unix_in(self.place.id));
        calls.tell(self.place.id, &mut notices);
        let seen = Seen {
            place: self.place,
            before: self.before,
            meanwhile,
            after,
            notices,
        };
        Some(seen.judge(focus))
    }
}

/// All that a look saw.
struct Seen {
    place: Place,
    before: Sample,
    meanwhile: Vec<Sample>,
    after: Sample,
    notices: Notices,
}

impl Seen {
    fn judge(self, focus: &Focus) -> Looked {
        let case = Case {
            span: Span {
                before: &self.before,
                after: &self.after,
            },
            notices: &self.notices,
            focus,
        };
        let unchecked = diagnose::unchecked(&case);
        let mut found = diagnose::diagnose_with(&case, &self.meanwhile);
        for finding in &mut found {
            finding.subject.netns.clone_from(&self.place.label);
        }
        let addresses = self.after.addresses.iter().map(|address| address.ip);
        Looked {
            found: Found {
                findings: found,
                // Every namespace has its own loopback.
                addresses: addresses.filter(|ip| !ip.is_loopback()).collect(),
                unchecked,
            },
            gaps: session::gaps(&self.after.snapshot),
            is_blind: self.after.snapshot.namespaces.is_empty(),
            is_quiet: diagnose::is_quiet(&case),
        }
    }
}

/// Calls that were refused, with their namespaces, and what could not be heard.
#[derive(Debug, Default)]
pub(super) struct Refused {
    /// The calls.
    pub calls: Vec<(Option<NetnsId>, RefusedCall)>,
    /// Flows of which the firewall threw packets away, with their namespaces.
    pub filtered: Vec<(Option<NetnsId>, Filtered)>,
    /// The same of packets that no socket had.
    pub strays: Vec<(Option<NetnsId>, Filtered)>,
    /// Packets whose sender cannot be where they came in, with their namespaces.
    pub martians: Vec<(Option<NetnsId>, Martian)>,
    /// Who was sent away by a UNIX listener, with their namespaces.
    pub unix: Vec<(Option<NetnsId>, UnixRefused)>,
    /// Who turned to name servers, with their namespaces.
    pub resolving: Vec<(Option<NetnsId>, Resolving)>,
    /// What was not heard.
    pub gaps: Vec<Gap>,
    /// Of calls nothing at all.
    pub no_calls: bool,
    /// Of what the firewall throws away nothing at all.
    pub no_drops: bool,
    /// Packets whose sender cannot be where they came in were heard.
    pub all_martians: bool,
}

/// Calls of `connect()` to one UNIX socket that returned EAGAIN.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct UnixRefused {
    /// The process.
    pub pid: Pid,
    /// Its name (`comm`).
    pub comm: Vec<u8>,
    /// The name it gave.
    pub name: Vec<u8>,
    /// How often.
    pub count: u64,
}

impl Refused {
    /// Says whether one of a process of that name was refused.
    pub fn is_told_of(&self, name: &str) -> bool {
        let mut calls = self.calls.iter();
        calls.any(|(_, call)| call.comm == name.as_bytes())
    }

    /// Tells what was heard of a namespace.
    fn tell(&self, netns: Option<NetnsId>, notices: &mut Notices) {
        notices.refused_calls = self.of(netns);
        notices.filtered = self.filtered_in(netns);
        notices.strays = self.strays_in(netns);
        let resolving = self.resolving.iter().filter(|(place, _)| *place == netns);
        notices.resolving = resolving.map(|(_, resolving)| *resolving).collect();
        let martians = self.martians.iter().filter(|(place, _)| *place == netns);
        notices.martians = martians.map(|(_, martian)| *martian).collect();
        notices.hears_no_calls = self.no_calls;
        notices.hears_no_drops = self.no_drops;
        notices.hears_martians = self.all_martians;
    }

    /// Gives the calls of a namespace.
    fn of(&self, netns: Option<NetnsId>) -> Vec<RefusedCall> {
        let calls = self.calls.iter();
        let there = calls.filter(|(place, _)| *place == netns);
        there.map(|(_, call)| call.clone()).collect()
    }

    /// Gives who was sent away by UNIX listeners of a namespace: paths lead anywhere, abstract names stay there.
    fn unix_in(&self, netns: Option<NetnsId>) -> Vec<UnixRefused> {
        let sent_away = self.unix.iter();
        let there = sent_away
            .filter(|(place, refused)| *place == netns || refused.name.first() != Some(&0));
        there.map(|(_, refused)| refused.clone()).collect()
    }

    /// The same, of flows.
    fn filtered_in(&self, netns: Option<NetnsId>) -> Vec<Filtered> {
        let flows = self.filtered.iter();
        let there = flows.filter(|(place, _)| *place == netns);
        there.map(|(_, flow)| *flow).collect()
    }

    /// The same, of packets that no socket had: a packet without a device may be of any namespace.
    fn strays_in(&self, netns: Option<NetnsId>) -> Vec<Filtered> {
        let strays = self.strays.iter();
        let there = strays.filter(|(place, _)| place.is_none() || *place == netns);
        there.map(|(_, stray)| *stray).collect()
    }
}

/// Gives the hosts whose routes are of interest: those asked about, those that programs could not reach, and those of whom
/// the wire told.
fn asked_about(focus: &Focus, notices: &Notices) -> Vec<IpAddr> {
    let calls = notices.refused_calls.iter();
    let refused = calls.filter(|call| call.call == "connect");
    let refused = refused.map(|call| call.address.ip().to_canonical());
    let seen = diagnose::of_interest::destinations(notices);
    let named = focus.hosts.iter().copied();
    named.chain(refused).chain(seen).collect()
}

/// Gives where datagrams were to go that the kernel refused, and attempts by an interface that their socket is bound to.
fn refused_ways(notices: &Notices) -> Vec<Way> {
    let calls = notices.refused_calls.iter();
    let asked =
        calls.filter(|call| call.is_send() || call.call == "connect" && call.interface.is_some());
    asked.map(Way::of).collect()
}

/// Ends the watch of the wire; what it could not see is a gap of the sample.
fn noticed(watch: Result<Watch, Errno>, sample: &mut Sample) -> Notices {
    let (notices, what, reason) = match watch {
        Ok(watch) => {
            let notices = watch.finish();
            if notices.lost == 0 {
                return notices;
            }
            let what = format!("{} of the packets watched", notices.lost);
            (notices, what, Reason::NotInSource)
        }
        Err(error) => {
            let what = format!("refusals, resets and ICMP errors on the wire: {error}");
            let nothing = Notices {
                is_blind: true,
                ..Notices::default()
            };
            (nothing, what, Reason::PermissionDenied)
        }
    };
    sample.snapshot.gaps.push(Gap { what, reason });
    notices
}
