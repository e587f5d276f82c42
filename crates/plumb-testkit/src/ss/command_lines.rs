//! The command lines of ss that are compared with the original, and where each is run.
//!
//! A table: one line for each command of the test plan, several where the plan names variants.
//! `{dir}` and `{inode}` in a text are the directory and a unix socket of the
//! [`fixture`](super::fixture); single quotes hold a word together, as in a shell.

use std::ffi::OsString;

use crate::differential::{Call, Stdout};

/// Where a command line is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Among the sockets of the fixture.
    Live,
    /// There, on a terminal of this many columns.
    Terminal(u16),
    /// There, with `PROC_ROOT=/proc/`, so that nothing is asked through netlink.
    Proc,
    /// Reading the [dump](super::dumps) of this name.
    Dump(&'static str),
    /// Among sockets it will kill, made anew for each program.
    Victims,
    /// On a terminal, while the sockets it tells of are closed.
    Events,
}

/// How a command line is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Run {
    /// As root, with the words of the line.
    Plain,
    /// As user 1000.
    User,
    /// With `POSIXLY_CORRECT` in the environment.
    Posix,
    /// With `COLUMNS=80` in the environment.
    Columns,
    /// As a shell script in which `ss` is the program under comparison.
    Shell,
}

/// One command line of the plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CommandLine {
    /// Its number, which deviations refer to.
    pub number: u16,
    /// The words after `ss`, or the script.
    pub text: &'static str,
    /// Where it is run.
    pub place: Place,
    /// How it is run.
    pub run: Run,
}

impl CommandLine {
    /// Gives the call, with what stands in braces replaced.
    pub fn call(&self, replace: &[(&str, &str)]) -> Call {
        let mut text = self.text.to_owned();
        for (name, value) in replace {
            text = text.replace(name, value);
        }
        let mut call = if self.run == Run::Shell {
            Call::shell(&text)
        } else {
            Call::words(split(&text))
        };
        match self.run {
            Run::Plain | Run::Shell => {}
            Run::User => call.user = Some(1000),
            Run::Posix => call.environment.push(("POSIXLY_CORRECT", "1".into())),
            Run::Columns => call.environment.push(("COLUMNS", "80".into())),
        }
        match self.place {
            Place::Live | Place::Victims => {}
            Place::Terminal(columns) => call.stdout = Stdout::Terminal(columns),
            Place::Events => call.stdout = Stdout::Terminal(100),
            Place::Proc => call.environment.push(("PROC_ROOT", "/proc/".into())),
            Place::Dump(name) => call.environment.push(("TCPDIAG_FILE", name.into())),
        }
        call
    }
}

/// Splits a text at blanks, but not inside single quotes.
fn split(text: &str) -> Vec<OsString> {
    let mut words = Vec::new();
    for (index, part) in text.split('\'').enumerate() {
        if index % 2 == 1 {
            words.push(part.into());
        } else {
            words.extend(part.split_whitespace().map(OsString::from));
        }
    }
    words
}

const fn line(number: u16, text: &'static str, place: Place, run: Run) -> CommandLine {
    CommandLine {
        number,
        text,
        place,
        run,
    }
}

/// The number of the plan's last command line of ss; those behind it are nstat's.
pub const LAST: u16 = 231;

/// Every command line of the plan.
#[rustfmt::skip]
pub const COMMAND_LINES: &[CommandLine] = &[
    line(1, "", Place::Live, Run::Plain),
    line(2, "-a", Place::Live, Run::Plain),
    line(3, "-l", Place::Live, Run::Plain),
    line(4, "-n", Place::Live, Run::Plain),
    line(5, "-t", Place::Live, Run::Plain),
    line(6, "-ta", Place::Live, Run::Plain),
    line(7, "-tan", Place::Live, Run::Plain),
    line(8, "-tln", Place::Live, Run::Plain),
    line(9, "-tlnp", Place::Live, Run::Plain),
    line(10, "-tulpn", Place::Live, Run::Plain),
    line(11, "-tunap", Place::Live, Run::Plain),
    line(12, "-u", Place::Live, Run::Plain),
    line(13, "-ua", Place::Live, Run::Plain),
    line(14, "-uan", Place::Live, Run::Plain),
    line(15, "-w", Place::Live, Run::Plain),
    line(16, "-wa", Place::Live, Run::Plain),
    line(17, "-wan", Place::Live, Run::Plain),
    line(18, "-x", Place::Live, Run::Plain),
    line(19, "-xa", Place::Live, Run::Plain),
    line(20, "-xl", Place::Live, Run::Plain),
    line(21, "-xanp", Place::Live, Run::Plain),
    line(22, "-xane", Place::Live, Run::Plain),
    line(23, "-xanem", Place::Live, Run::Plain),
    line(24, "-0", Place::Live, Run::Plain),
    line(25, "-0a", Place::Live, Run::Plain),
    line(26, "-0an", Place::Live, Run::Plain),
    line(27, "-0ane", Place::Live, Run::Plain),
    line(28, "-0anb", Place::Live, Run::Plain),
    line(29, "-0anem", Place::Live, Run::Plain),
    line(30, "-f netlink", Place::Live, Run::Plain),
    line(31, "-f netlink -an", Place::Live, Run::Plain),
    line(32, "-f netlink -aem", Place::Live, Run::Plain),
    line(33, "-M", Place::Live, Run::Plain),
    line(34, "-Ma", Place::Live, Run::Plain),
    line(35, "-Mani", Place::Live, Run::Plain),
    line(36, "-4", Place::Live, Run::Plain),
    line(37, "-6l", Place::Live, Run::Plain),
    line(38, "-tan4", Place::Live, Run::Plain),
    line(39, "-tan6", Place::Live, Run::Plain),
    line(40, "-tan46", Place::Live, Run::Plain),
    line(41, "-tan64", Place::Live, Run::Plain),
    line(42, "-f inet -f unix", Place::Live, Run::Plain),
    line(43, "-x -t", Place::Live, Run::Plain),
    line(44, "-tH", Place::Live, Run::Plain),
    line(45, "-tanH", Place::Live, Run::Plain),
    line(46, "-tl -a", Place::Live, Run::Plain),
    line(47, "-a -tl", Place::Live, Run::Plain),
    line(48, "--tcp --all --numeric", Place::Live, Run::Plain),
    line(49, "--li -t", Place::Live, Run::Plain),
    line(50, "--fam=inet6 -tan", Place::Live, Run::Plain),
    line(51, "-A all -a", Place::Live, Run::Plain),
    line(52, "-A inet -a", Place::Live, Run::Plain),
    line(53, "-A tcp,udp -a", Place::Live, Run::Plain),
    line(54, "-aA 'all,!tcp'", Place::Live, Run::Plain),
    line(55, "-aA '!tcp,unix'", Place::Live, Run::Plain),
    line(56, "-A netlink", Place::Live, Run::Plain),
    line(57, "-aA u_seq", Place::Live, Run::Plain),
    line(58, "-aA unix_dgram", Place::Live, Run::Plain),
    line(59, "-aA p_dgr", Place::Live, Run::Plain),
    line(60, "-u -A tcp", Place::Live, Run::Plain),
    line(61, "-A tcp -u", Place::Live, Run::Plain),
    line(62, "-aA tipc", Place::Live, Run::Plain),
    line(63, "--vsock -a", Place::Live, Run::Plain),
    line(64, "--xdp -a", Place::Live, Run::Plain),
    line(65, "-Sa", Place::Live, Run::Plain),
    line(66, "-da", Place::Live, Run::Plain),
    line(67, "-tanr", Place::Live, Run::Plain),
    line(68, "-tr", Place::Live, Run::Plain),
    line(69, "-N here -tan", Place::Live, Run::Plain),
    line(70, "-s", Place::Live, Run::Plain),
    line(71, "-s -t", Place::Live, Run::Plain),
    line(72, "-sH", Place::Live, Run::Plain),
    line(73, "-tanT", Place::Live, Run::Plain),
    line(74, "-tanpT", Place::Live, Run::Plain),
    line(75, "-tanoe", Place::Live, Run::Plain),
    line(76, "-tanm", Place::Live, Run::Plain),
    line(77, "-uanm", Place::Live, Run::Plain),
    line(78, "-uani", Place::Live, Run::Plain),
    line(79, "-tani", Place::Live, Run::Plain),
    line(80, "-taniO", Place::Live, Run::Plain),
    line(81, "-taniomeO", Place::Live, Run::Plain),
    line(82, "-tan --tos", Place::Live, Run::Plain),
    line(83, "-tan --cgroup", Place::Live, Run::Plain),
    line(84, "-tane --cgroup", Place::Live, Run::Plain),
    line(85, "-tan --inet-sockopt", Place::Live, Run::Plain),
    line(86, "-tanO --inet-sockopt", Place::Live, Run::Plain),
    line(87, "-tanb", Place::Live, Run::Plain),
    line(88, "-tan", Place::Terminal(80), Run::Plain),
    line(89, "-tanp", Place::Terminal(40), Run::Plain),
    line(90, "-tanp state listening", Place::Terminal(60), Run::Plain),
    line(91, "-a", Place::Terminal(200), Run::Plain),
    line(92, "-xa", Place::Terminal(80), Run::Plain),
    line(93, "-tan", Place::Terminal(1), Run::Plain),
    line(94, "-tani", Place::Terminal(132), Run::Plain),
    line(95, "-tan", Place::Live, Run::Columns),
    line(96, "-tane", Place::Dump("many"), Run::Plain),
    line(97, "-tan state listening", Place::Live, Run::Plain),
    line(98, "-tan state LISTENING state established", Place::Live, Run::Plain),
    line(99, "-tan exclude listening", Place::Live, Run::Plain),
    line(100, "-tan excl listening excl time-wait", Place::Live, Run::Plain),
    line(101, "-tan state all exclude established", Place::Live, Run::Plain),
    line(102, "-tan state connected", Place::Live, Run::Plain),
    line(103, "-tan state synchronized", Place::Live, Run::Plain),
    line(104, "-tan state bucket", Place::Live, Run::Plain),
    line(105, "-tan state big", Place::Live, Run::Plain),
    line(106, "-tan state closed", Place::Live, Run::Plain),
    line(107, "-tan state syn-rcv", Place::Live, Run::Plain),
    line(108, "state listening -tanH", Place::Live, Run::Plain),
    line(109, "-Htan sport = :22", Place::Live, Run::Plain),
    line(110, "-Htan 'sport = 22'", Place::Live, Run::Plain),
    line(111, "-Htan sport 22", Place::Live, Run::Plain),
    line(112, "-Htan 'sport eq ssh'", Place::Live, Run::Plain),
    line(113, "-Htan 'sport = 0x16'", Place::Live, Run::Plain),
    line(114, "-Htan 'sport != 22'", Place::Live, Run::Plain),
    line(115, "-Htan 'sport gt 8999 and sport lt 9002'", Place::Live, Run::Plain),
    line(116, "-Htan 'sport >= 9000 && sport <= 9100 || dport = 22'", Place::Live, Run::Plain),
    line(117, "-Htan 'sport le 70000'", Place::Live, Run::Plain),
    line(118, "-Htan 'sport ge 65537'", Place::Live, Run::Plain),
    line(119, "-Htan 'sport = *'", Place::Live, Run::Plain),
    line(120, "-Htan 'sport = :22 or sport = :8080 and dport = :1'", Place::Live, Run::Plain),
    line(121, "-Htan 'dport = :1 and sport = :22 or sport = :8080'", Place::Live, Run::Plain),
    line(122, "-Htan '! sport = 22 ! sport = 8080'", Place::Live, Run::Plain),
    line(123, "-Htan 'not not sport = 22'", Place::Live, Run::Plain),
    line(124, "-Htan '! ( sport = 22 or dport = 22 )'", Place::Live, Run::Plain),
    line(125, "-Htan '( ( sport = 22 ) )'", Place::Live, Run::Plain),
    line(126, "-Htan src 127.0.0.1:22", Place::Live, Run::Plain),
    line(127, "-Htan dst 127.0.0.1:ssh", Place::Live, Run::Plain),
    line(128, "-Htan src 127/8", Place::Live, Run::Plain),
    line(129, "-Htan src 127.0.0.1/255.0.0.0", Place::Live, Run::Plain),
    line(130, "-Htan src 127.1", Place::Live, Run::Plain),
    line(131, "-Htan 'src = [::1]:443'", Place::Live, Run::Plain),
    line(132, "-Htan 'src [::1]443'", Place::Live, Run::Plain),
    line(133, "-Htan src ::1/128", Place::Live, Run::Plain),
    line(134, "-Htan 'src [::ffff:127.0.0.1]'", Place::Live, Run::Plain),
    line(135, "-Htan src :22", Place::Live, Run::Plain),
    line(136, "-Htan 'src *:22'", Place::Live, Run::Plain),
    line(137, "-Htan src any", Place::Live, Run::Plain),
    line(138, "-Htan src localhost", Place::Live, Run::Plain),
    line(139, "-Htan src inet:127.0.0.1:22", Place::Live, Run::Plain),
    line(140, "-Htan 'sport = inet:22'", Place::Live, Run::Plain),
    line(141, "-Htan dev = lo", Place::Live, Run::Plain),
    line(142, "-Htan 'dev != lo'", Place::Live, Run::Plain),
    line(143, "-Htan dev 1", Place::Live, Run::Plain),
    line(144, "-Htan dev if1", Place::Live, Run::Plain),
    line(145, "-Htan 'fwmark = 0x1200/0xff00'", Place::Live, Run::Plain),
    line(146, "-Htan 'fwmark != 0'", Place::Live, Run::Plain),
    line(147, "-Htan autobound", Place::Live, Run::Plain),
    line(148, "-Htan cgroup /sys/fs/cgroup", Place::Live, Run::Plain),
    line(149, "-Htan cgroup /", Place::Live, Run::Plain),
    line(150, "-xan src '*demo*'", Place::Live, Run::Plain),
    line(151, "-xan src @abs", Place::Live, Run::Plain),
    line(152, "-xan src '{dir}/with\\ blank'", Place::Live, Run::Plain),
    line(153, "-xan autobound", Place::Live, Run::Plain),
    line(154, "-xan dst '*'", Place::Live, Run::Plain),
    line(155, "-a src 'unix:*'", Place::Live, Run::Plain),
    line(156, "-aA unix sport = :{inode}", Place::Live, Run::Plain),
    line(157, "-0a src arp:lo", Place::Live, Run::Plain),
    line(158, "-0an sport = lo", Place::Live, Run::Plain),
    line(159, "-f netlink -an src rtnl:kernel", Place::Live, Run::Plain),
    line(160, "-f netlink -an sport = kernel", Place::Live, Run::Plain),
    line(161, "-Htan -F filter", Place::Live, Run::Plain),
    line(162, "echo 'sport = :22' | ss -Htan -F -", Place::Live, Run::Shell),
    line(163, "-Htan -F filter sport = :443", Place::Live, Run::Plain),
    line(164, "-Y", Place::Live, Run::Plain),
    line(165, "--bogus", Place::Live, Run::Plain),
    line(166, "--ip", Place::Live, Run::Plain),
    line(167, "--tcp=1", Place::Live, Run::Plain),
    line(168, "-A", Place::Live, Run::Plain),
    line(169, "-A bogus", Place::Live, Run::Plain),
    line(170, "-A tcp,,udp", Place::Live, Run::Plain),
    line(171, "-A '!tcp'", Place::Live, Run::Plain),
    line(172, "-f bogus", Place::Live, Run::Plain),
    line(173, "-f help", Place::Live, Run::Plain),
    line(174, "state", Place::Live, Run::Plain),
    line(175, "state bogus", Place::Live, Run::Plain),
    line(176, "state listen", Place::Live, Run::Plain),
    line(177, "-tan foo", Place::Live, Run::Plain),
    line(178, "-tan 'sport ='", Place::Live, Run::Plain),
    line(179, "-tan sport=22", Place::Live, Run::Plain),
    line(180, "-tan '(sport = 22)'", Place::Live, Run::Plain),
    line(181, "-tan '( )'", Place::Live, Run::Plain),
    line(182, "-tan 'dst != 127.0.0.1'", Place::Live, Run::Plain),
    line(183, "-tan src ::1", Place::Live, Run::Plain),
    line(184, "-tan 'src [::1'", Place::Live, Run::Plain),
    line(185, "-tan src 127.0.0.1/33", Place::Live, Run::Plain),
    line(186, "-4tan 'src [::1]'", Place::Live, Run::Plain),
    line(187, "-tan sport = :nosuch", Place::Live, Run::Plain),
    line(188, "-Man sport = :ssh", Place::Live, Run::Plain),
    line(189, "-tan dev nosuch", Place::Live, Run::Plain),
    line(190, "-tan fwmark zz", Place::Live, Run::Plain),
    line(191, "-tan cgroup /nonexist", Place::Live, Run::Plain),
    line(192, "-0a src bogus", Place::Live, Run::Plain),
    line(193, "-N nosuch", Place::Live, Run::Plain),
    line(194, "-Z", Place::Live, Run::Plain),
    line(195, "-F /nonexist", Place::Live, Run::Plain),
    line(196, "-F filter -F filter", Place::Live, Run::Plain),
    line(197, "-ua -D -", Place::Live, Run::Plain),
    line(198, "-ta -D /nonexist/x", Place::Live, Run::Plain),
    line(199, "-Ex", Place::Live, Run::Plain),
    line(200, "ss -tan > /dev/full; echo $?", Place::Live, Run::Shell),
    line(201, "state listening -4", Place::Live, Run::Posix),
    line(202, "-K dport = 4444", Place::Victims, Run::Plain),
    line(203, "-Ku", Place::Victims, Run::Plain),
    line(204, "-Kx", Place::Live, Run::Plain),
    line(205, "-Ktan", Place::Live, Run::User),
    line(206, "-tanpem", Place::Live, Run::User),
    line(207, "-En", Place::Events, Run::Plain),
    line(208, "ss -tanim -D dump; TCPDIAG_FILE=dump ss -tanim; rm dump", Place::Live, Run::Shell),
    line(209, "-Htnio", Place::Dump("every-tcp-info"), Run::Plain),
    line(210, "-tnio", Place::Dump("congestion"), Run::Plain),
    line(211, "-tni", Place::Dump("rates"), Run::Plain),
    line(211, "-ti", Place::Dump("rates"), Run::Plain),
    line(212, "-tno", Place::Dump("timers"), Run::Plain),
    line(213, "-tnm", Place::Dump("memory"), Run::Plain),
    line(213, "-tnmi", Place::Dump("memory"), Run::Plain),
    line(214, "-tni", Place::Dump("ulp"), Run::Plain),
    line(215, "-tne", Place::Dump("shutdown"), Run::Plain),
    line(216, "-tne", Place::Dump("v6only"), Run::Plain),
    line(216, "-tn", Place::Dump("v6only"), Run::Plain),
    line(217, "-tn", Place::Dump("interface"), Run::Plain),
    line(218, "-tnio", Place::Dump("info-lengths"), Run::Plain),
    line(219, "-nA tcp,udp", Place::Dump("protocols"), Run::Plain),
    line(219, "-eA tcp,udp", Place::Dump("protocols"), Run::Plain),
    line(219, "-aA all", Place::Dump("protocols"), Run::Plain),
    line(220, "-tnim", Place::Dump("sctp"), Run::Plain),
    line(220, "-tnoe", Place::Dump("sctp"), Run::Plain),
    line(220, "-SA tcp -taoim", Place::Dump("sctp"), Run::Plain),
    line(221, "-tn --inet-sockopt", Place::Dump("sockopt"), Run::Plain),
    line(221, "-tnOi --inet-sockopt", Place::Dump("sockopt"), Run::Plain),
    line(222, "-tni", Place::Dump("md5"), Run::Plain),
    line(222, "-tniO", Place::Dump("md5"), Run::Plain),
    line(223, "-tn", Place::Dump("states"), Run::Plain),
    line(223, "-tani", Place::Dump("states"), Run::Plain),
    line(223, "-tan state listening", Place::Dump("states"), Run::Plain),
    line(224, "-tan", Place::Dump("queues"), Run::Plain),
    line(225, "-tan", Place::Proc, Run::Plain),
    line(226, "-tani", Place::Proc, Run::Plain),
    line(227, "-tanoe", Place::Proc, Run::Plain),
    line(228, "-xan", Place::Proc, Run::Plain),
    line(229, "-0an", Place::Proc, Run::Plain),
    line(230, "-f netlink -ane", Place::Proc, Run::Plain),
    line(231, "PROC_NET_SOCKSTAT=sockstat PROC_NET_SNMP=snmp ss -s", Place::Live, Run::Shell),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_complete_and_every_dump_exists() {
        let mut numbers: Vec<u16> = COMMAND_LINES.iter().map(|line| line.number).collect();
        assert!(numbers.is_sorted());
        numbers.dedup();
        assert_eq!(numbers, (1..=LAST).collect::<Vec<_>>());
        for line in COMMAND_LINES {
            if let Place::Dump(name) = line.place {
                assert!(
                    crate::ss::dumps::names().any(|known| known == name),
                    "{name}"
                );
            }
        }
    }

    #[test]
    fn quotes_hold_words_together_and_braces_are_replaced() {
        let line = line(1, "-x src '{dir}/a b' 'c d'", Place::Live, Run::User);
        let call = line.call(&[("{dir}", "/tmp")]);
        assert_eq!(call.words, ["-x", "src", "/tmp/a b", "c d"]);
        assert_eq!(call.user, Some(1000));
    }
}
