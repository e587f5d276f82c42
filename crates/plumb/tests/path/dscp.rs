//! Rules about the DSCP of a packet, which the `ip` of many machines cannot write yet: made over rtnetlink by hand,
//! and compared with what the kernel says to `ip route get … tos`.

mod needs_root {
    use std::io;

    use plumb_collect::routing::dump_rules;
    use plumb_testkit::chain::Chain;
    use plumb_testkit::sandbox;
    use plumb_wire::netlink::request::Request;
    use rustix::net::netlink::SocketAddrNetlink;
    use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType};
    use serde_json::Value;

    use crate::json;

    const RTM_NEWRULE: u16 = 32;
    /// `NLM_F_REQUEST`, `NLM_F_ACK`, `NLM_F_EXCL`, `NLM_F_CREATE`.
    const FLAGS: u16 = 0x1 | 0x4 | 0x200 | 0x400;
    const FRA_PRIORITY: u16 = 6;
    const FRA_TABLE: u16 = 15;
    const FRA_DSCP: u16 = 25;
    const FRA_DSCP_MASK: u16 = 30;
    /// `FR_ACT_TO_TBL`.
    const TO_TABLE: u8 = 1;
    const ALL_BITS: u8 = 0x3f;

    /// Which family, which DSCP, which of its bits count, what table then, and how early.
    #[derive(Debug, Clone, Copy)]
    struct Rule {
        family: u8,
        dscp: u8,
        mask: u8,
        table: u8,
        priority: u32,
    }

    /// Adds a rule in the namespace this thread is in. A kernel that does not know an attribute overlooks it.
    fn add(rule: Rule) -> io::Result<()> {
        let head = [rule.family, 0, 0, 0, rule.table, 0, 0, TO_TABLE, 0, 0, 0, 0];
        let request = Request::single(RTM_NEWRULE, &head)
            .attribute(FRA_PRIORITY, &rule.priority.to_ne_bytes())
            .attribute(FRA_TABLE, &u32::from(rule.table).to_ne_bytes())
            .attribute(FRA_DSCP, &[rule.dscp]);
        let request = match rule.mask {
            ALL_BITS => request,
            mask => request.attribute(FRA_DSCP_MASK, &[mask]),
        };
        let mut bytes = request.finish();
        bytes[6..8].copy_from_slice(&FLAGS.to_ne_bytes());
        let flags = SocketFlags::CLOEXEC;
        let socket =
            rustix::net::socket_with(AddressFamily::NETLINK, SocketType::RAW, flags, None)?;
        let kernel = SocketAddrNetlink::new(0, 0);
        rustix::net::sendto(&socket, &bytes, SendFlags::empty(), &kernel)?;
        let mut answer = [0; 256];
        rustix::net::recv(&socket, &mut answer, RecvFlags::empty())?;
        // Behind the header the error, negative.
        let errno = i32::from_ne_bytes([answer[16], answer[17], answer[18], answer[19]]);
        match errno {
            0 => Ok(()),
            errno => Err(io::Error::from_raw_os_error(-errno)),
        }
    }

    /// What `plumb path` and `ip` say of a packet: the table, and by which rule where that is told.
    fn told(chain: &Chain, target: &str, tos: u8) -> (Value, u64) {
        let tos = format!("{tos:#x}");
        let words = ["path", "--route", "--tos", &tos, target, "--json"];
        let output = chain.run(0, env!("CARGO_BIN_EXE_plumb"), &words);
        let document = json(&output.expect("the binary was built"));
        let words = ["-j", "-d", "route", "get", target, "tos", &tos];
        let output = chain.run(0, "ip", &words).expect("ip is there");
        let theirs: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        let table = theirs[0]["table"].as_str().unwrap_or("main");
        (document["local"].clone(), table.parse().unwrap_or(254))
    }

    #[test]
    fn rules_about_the_dscp_lead_to_the_table_that_ip_says() {
        sandbox::run(|| {
            let chain = Chain::new(1).expect("root builds it");
            for line in [
                "route add default via 10.0.0.2 table 81",
                "route add default via 10.0.0.2 table 82",
                "-6 route add default via fd00::2 table 81",
                "-6 route add default via fd00::2 table 82",
            ] {
                chain.ip(0, line).expect(line);
            }
            for family in [2, 10] {
                let rules = [(46, ALL_BITS, 81, 60), (0x08, 0x38, 82, 61)];
                for (dscp, mask, table, priority) in rules {
                    let rule = Rule {
                        family,
                        dscp,
                        mask,
                        table,
                        priority,
                    };
                    let added = chain.at(0, move || add(rule));
                    added.unwrap_or_else(|error| panic!("{rule:?}: {error}"));
                    let seen = chain.at(0, move || dump_rules(family)).expect("a dump");
                    let seen = seen.iter().find(|seen| seen.priority == priority);
                    let dscp = seen.and_then(|seen| seen.dscp);
                    if dscp.is_none_or(|dscp| dscp.mask != mask) {
                        println!("not compared: this kernel has no such rules (6.15 has)");
                        return;
                    }
                }
            }
            for target in ["10.0.1.2", "fd00:0:0:1::2"] {
                for (tos, table, priority) in [
                    (46 << 2, 81, 60),
                    // Bits of congestion do not count.
                    (46 << 2 | 3, 81, 60),
                    (0x08 << 2, 82, 61),
                    // The bits that the mask leaves out do not count.
                    (0x0f << 2, 82, 61),
                    (0x10 << 2, 254, 32766),
                    (0x2f << 2, 254, 32766),
                    (0, 254, 32766),
                ] {
                    let (local, theirs) = told(&chain, target, tos);
                    assert_eq!(theirs, table, "{target} {tos:#x}");
                    assert_eq!(local["table"], table, "{target} {tos:#x} {local}");
                    assert_eq!(
                        local["rule_priority"], priority,
                        "{target} {tos:#x} {local}"
                    );
                    assert!(local["rule_unknown"].is_null(), "{local}");
                }
            }
        });
    }
}
