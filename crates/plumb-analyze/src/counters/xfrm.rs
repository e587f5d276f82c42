//! `/proc/net/xfrm_stat`: IPsec.

use super::entry::{Explanation, bad};

const INPUT: &str = "xfrm_input(), net/xfrm/xfrm_input.c";
const OUTPUT: &str = "xfrm_output_one(), net/xfrm/xfrm_output.c";
const POLICY_IN: &str = "__xfrm_policy_check(), net/xfrm/xfrm_policy.c";
const POLICY_OUT: &str = "xfrm_lookup_with_ifid(), net/xfrm/xfrm_policy.c";
const GROWS: &str = "It grows: packets of a tunnel are dropped.";

const fn dropped(name: &'static str, meaning: &'static str, place: &'static str) -> Explanation {
    bad(name, meaning, place).when(GROWS)
}

pub(super) const XFRM: &[Explanation] = &[
    dropped(
        "InError",
        "Packets dropped on the way in for a reason that has no counter of its own.",
        INPUT,
    ),
    dropped(
        "InBufferError",
        "Packets dropped on the way in for want of memory.",
        INPUT,
    ),
    dropped(
        "InHdrError",
        "Packets dropped because their IPsec header is wrong.",
        INPUT,
    ),
    dropped(
        "InNoStates",
        "Packets dropped because no security association has their SPI, address and protocol.",
        INPUT,
    )
    .hint(
        "The two sides disagree about keys: look at ip xfrm state on both and at the IKE daemon.",
    ),
    dropped(
        "InStateProtoError",
        "Packets that could not be decrypted or whose signature is wrong.",
        INPUT,
    )
    .hint("The keys differ: renegotiate (IKE), compare ip xfrm state on both sides."),
    dropped(
        "InStateModeError",
        "Packets whose inner part does not fit the mode of their security association.",
        INPUT,
    ),
    dropped(
        "InStateSeqError",
        "Packets dropped because their number was seen before or is too old (replay window).",
        INPUT,
    )
    .when("It grows: packets are heavily reordered, or replayed.")
    .hint("Enlarge the replay window."),
    dropped(
        "InStateExpired",
        "Packets of a security association whose time is up.",
        INPUT,
    ),
    dropped(
        "InStateMismatch",
        "Packets whose encapsulation is not what the security association says (NAT traversal).",
        INPUT,
    ),
    dropped(
        "InStateInvalid",
        "Packets of a security association that is not valid now.",
        INPUT,
    ),
    dropped(
        "InTmplMismatch",
        "Packets that came through a security association other than the policy wants.",
        POLICY_IN,
    ),
    dropped(
        "InNoPols",
        "Packets that came in plain or by a tunnel for which no policy speaks.",
        POLICY_IN,
    ),
    dropped(
        "InPolBlock",
        "Packets that a policy blocks on the way in.",
        POLICY_IN,
    )
    .when("It grows: a policy says so; that may be wanted."),
    dropped(
        "InPolError",
        "Packets whose policy could not be looked up.",
        POLICY_IN,
    ),
    dropped(
        "InStateDirError",
        "Packets that came in through a security association meant for sending.",
        INPUT,
    ),
    dropped(
        "InIptfsError",
        "Packets of IP-TFS tunnels that make no sense.",
        "net/xfrm/xfrm_iptfs.c",
    ),
    dropped(
        "OutError",
        "Packets dropped on the way out for a reason that has no counter of its own.",
        OUTPUT,
    ),
    dropped(
        "OutBundleGenError",
        "Packets dropped because the chain of security associations could not be made.",
        POLICY_OUT,
    ),
    dropped(
        "OutBundleCheckError",
        "Packets dropped because the chain of security associations did not hold.",
        POLICY_OUT,
    ),
    dropped(
        "OutNoStates",
        "Packets dropped because a policy wants a security association that is not there.",
        POLICY_OUT,
    )
    .hint("The IKE daemon has not negotiated it: look at its log."),
    dropped(
        "OutStateProtoError",
        "Packets that could not be encrypted.",
        OUTPUT,
    ),
    dropped(
        "OutStateModeError",
        "Packets that do not fit the mode of their security association.",
        OUTPUT,
    ),
    dropped(
        "OutStateSeqError",
        "Packets dropped because the numbers of their security association are used up.",
        OUTPUT,
    ),
    dropped(
        "OutStateExpired",
        "Packets dropped because their security association's time is up.",
        OUTPUT,
    ),
    dropped(
        "OutPolBlock",
        "Packets that a policy blocks on the way out.",
        POLICY_OUT,
    )
    .when("It grows: a policy says so; that may be wanted."),
    dropped(
        "OutPolDead",
        "Packets whose policy was deleted meanwhile.",
        POLICY_OUT,
    ),
    dropped(
        "OutPolError",
        "Packets whose policy could not be looked up.",
        POLICY_OUT,
    ),
    dropped(
        "OutStateInvalid",
        "Packets dropped because their security association is not valid now.",
        OUTPUT,
    ),
    dropped(
        "OutStateDirError",
        "Packets to be sent through a security association meant for receiving.",
        OUTPUT,
    ),
    dropped(
        "OutNoQueueSpace",
        "Packets of IP-TFS tunnels dropped because their queue was full.",
        "net/xfrm/xfrm_iptfs.c",
    ),
    dropped(
        "FwdHdrError",
        "Packets to be forwarded whose header could not be read for a policy.",
        "__xfrm_route_forward(), net/xfrm/xfrm_policy.c",
    ),
    dropped(
        "AcquireError",
        "Packets dropped because the IKE daemon could not be asked for a security association.",
        "xfrm_state_find(), net/xfrm/xfrm_state.c",
    )
    .hint("See that an IKE daemon is running."),
];
