//! The shape of an explanation, and the short words that the tables are written in.

/// What one counter means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Explanation {
    /// Its name in its group; one that ends in `*` stands for a family, as `InType*`.
    pub name: &'static str,
    /// What kind of number it is.
    pub nature: Nature,
    /// Whether its growth is to be welcomed.
    pub verdict: Verdict,
    /// What it counts, in a sentence.
    pub meaning: &'static str,
    /// Where the kernel counts it: a function and its file.
    pub place: &'static str,
    /// When it is bad; empty for what never is.
    pub when: &'static str,
    /// What to try then; empty where nothing helps in general.
    pub hint: &'static str,
    /// Which sockets it may be about.
    pub concerns: Concerns,
}

/// What kind of number it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nature {
    /// Only grows: what happened between two samples is their difference.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Tells how the kernel is set, or a constant.
    Setting,
}

impl Nature {
    /// Gives the stable machine word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Setting => "setting",
        }
    }
}

/// Whether growth is to be welcomed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Something went as it should, or was repaired.
    Good,
    /// Something happened; by itself it says nothing.
    Neutral,
    /// Something went wrong.
    Bad(Threshold),
}

impl Verdict {
    /// Gives the stable machine word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Neutral => "neutral",
            Self::Bad(_) => "bad",
        }
    }
}

/// How much of it is bad.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Threshold {
    /// Any.
    Any,
    /// More than so many thousandths of the growth of other counters, each a group and a name.
    Share(u32, &'static [(&'static str, &'static str)]),
}

/// Which sockets a counter may be about, as far as the kernel keeps a trace in them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Concerns {
    /// Nobody can know.
    Unknown,
    /// TCP listeners that dropped something, or whose accept queue is full now.
    Listeners,
    /// TCP listeners with connection requests that wait for the last part of the handshake.
    Requests,
    /// TCP connections that retransmitted.
    Retransmitting,
    /// TCP connections that saw packets out of order.
    Reordered,
    /// TCP connections whose peer told of duplicates.
    Duplicates,
    /// TCP connections with much unread, whose receive buffer fills.
    Unread,
    /// TCP connections that dropped something behind the protocol's back.
    Dropping,
    /// TCP connections whose peer has closed its window.
    ZeroWindow,
    /// TCP connections waiting for an answer to a keepalive.
    Keepalive,
    /// TCP connections that no process holds any more.
    Orphans,
    /// TCP connections in TIME_WAIT.
    TimeWait,
    /// TCP connections that were told of congestion by ECN.
    Congested,
    /// UDP sockets that dropped datagrams.
    Datagrams,
}

const fn entry(
    name: &'static str,
    verdict: Verdict,
    meaning: &'static str,
    place: &'static str,
) -> Explanation {
    Explanation {
        name,
        nature: Nature::Counter,
        verdict,
        meaning,
        place,
        when: "",
        hint: "",
        concerns: Concerns::Unknown,
    }
}

/// A counter of what went well.
pub(super) const fn good(
    name: &'static str,
    meaning: &'static str,
    place: &'static str,
) -> Explanation {
    entry(name, Verdict::Good, meaning, place)
}

/// A counter that says nothing by itself.
pub(super) const fn neutral(
    name: &'static str,
    meaning: &'static str,
    place: &'static str,
) -> Explanation {
    entry(name, Verdict::Neutral, meaning, place)
}

/// A counter of what went wrong; bad whenever it grows, unless [`Explanation::above`] says otherwise.
pub(super) const fn bad(
    name: &'static str,
    meaning: &'static str,
    place: &'static str,
) -> Explanation {
    entry(name, Verdict::Bad(Threshold::Any), meaning, place).when("It grows at all.")
}

/// A number that goes up and down.
pub(super) const fn gauge(
    name: &'static str,
    meaning: &'static str,
    place: &'static str,
) -> Explanation {
    let mut made = entry(name, Verdict::Neutral, meaning, place);
    made.nature = Nature::Gauge;
    made
}

/// A setting or a constant.
pub(super) const fn setting(
    name: &'static str,
    meaning: &'static str,
    place: &'static str,
) -> Explanation {
    let mut made = entry(name, Verdict::Neutral, meaning, place);
    made.nature = Nature::Setting;
    made
}

impl Explanation {
    /// The same, with when it is bad.
    #[must_use]
    pub(super) const fn when(mut self, when: &'static str) -> Self {
        self.when = when;
        self
    }

    /// The same, with what to try.
    #[must_use]
    pub(super) const fn hint(mut self, hint: &'static str) -> Self {
        self.hint = hint;
        self
    }

    /// The same, with the sockets it may be about.
    #[must_use]
    pub(super) const fn of(mut self, concerns: Concerns) -> Self {
        self.concerns = concerns;
        self
    }

    /// The same, bad only above so many thousandths of others.
    #[must_use]
    pub(super) const fn above(
        mut self,
        thousandths: u32,
        of: &'static [(&'static str, &'static str)],
    ) -> Self {
        self.verdict = Verdict::Bad(Threshold::Share(thousandths, of));
        self
    }
}
