//! The command lines that are compared with the original, and the states each is compared in.
//!
//! A table: one line for each command of the test plan. States have letters:
//! E empty namespace with loopback down, L loopback up, F sockets of every kind and state,
//! K frozen sockets with every value, N the same with names, P processes with odd names, R routes,
//! I interfaces, G multicast groups, S counters, X tables of rare kernels, M missing files,
//! B damaged lines, H a million frozen sockets.

use crate::differential::{Call, Rule, Until};

/// How a command line is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Run {
    /// As root, with the words of the line.
    Plain,
    /// As this user and group.
    AsUser(u32),
    /// With `POSIXLY_CORRECT` in the environment.
    Posix,
    /// Until the text has come twice: a line that repeats itself for ever.
    Rounds(&'static str),
    /// As [`Run::Rounds`], as this user and group.
    RoundsAsUser(&'static str, u32),
    /// As a shell script in which `netstat` is the program under comparison.
    Shell,
}

/// One command line of the plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CommandLine {
    /// Its number, which deviations refer to.
    pub number: u16,
    /// The words after `netstat`, separated by blanks (`""` is the empty word), or the script.
    pub text: &'static str,
    /// The letters of the states it is compared in.
    pub states: &'static str,
    /// How it is run.
    pub run: Run,
}

/// How many rounds of a line that repeats itself are awaited.
pub const ROUNDS: usize = 2;

impl CommandLine {
    /// Says whether the line is to be compared in the states of this letter.
    pub fn is_for(&self, letter: char) -> bool {
        self.states.contains(letter)
    }

    /// Gives the call.
    pub fn call(&self) -> Call {
        self.call_with(self.text)
    }

    /// Gives the call with other words, run in the same way.
    pub fn call_with(&self, text: &str) -> Call {
        if self.run == Run::Shell {
            return Call::shell(text);
        }
        let words = text.split_whitespace();
        let mut call = Call::words(words.map(|word| if word == "\"\"" { "" } else { word }));
        match self.run {
            Run::Plain | Run::Shell => {}
            Run::AsUser(user) => call.user = Some(user),
            Run::Posix => call.environment.push(("POSIXLY_CORRECT", "1".into())),
            Run::Rounds(marker) => call.until = until(marker),
            Run::RoundsAsUser(marker, user) => {
                call.until = until(marker);
                call.user = Some(user);
            }
        }
        call
    }

    /// Gives the rule for a line that no deviation excuses.
    pub fn rule(&self) -> Rule {
        match self.run {
            Run::Rounds(marker) | Run::RoundsAsUser(marker, _) => Rule::Rounds {
                marker,
                count: ROUNDS,
            },
            Run::Plain | Run::AsUser(_) | Run::Posix | Run::Shell => Rule::Exact,
        }
    }
}

fn until(marker: &'static str) -> Until {
    Until::Rounds {
        marker,
        count: ROUNDS,
    }
}

const fn line(number: u16, text: &'static str, states: &'static str, run: Run) -> CommandLine {
    CommandLine {
        number,
        text,
        states,
        run,
    }
}

/// Every command line of the plan.
#[rustfmt::skip]
pub const COMMAND_LINES: &[CommandLine] = &[
    line(1, "", "EFM", Run::Plain),
    line(2, "-a", "FK", Run::Plain),
    line(3, "-l", "FK", Run::Plain),
    line(4, "-al", "F", Run::Plain),
    line(5, "-n", "FK", Run::Plain),
    line(6, "-an", "FKBM", Run::Plain),
    line(7, "-ant", "FKB", Run::Plain),
    line(8, "-nat", "F", Run::Plain),
    line(9, "-nt", "K", Run::Plain),
    line(10, "-lnt", "K", Run::Plain),
    line(11, "-at", "N", Run::Plain),
    line(12, "-atW", "N", Run::Plain),
    line(13, "-antW", "K", Run::Plain),
    line(14, "-at --numeric-hosts", "N", Run::Plain),
    line(15, "-at --numeric-ports", "N", Run::Plain),
    line(16, "-ate --numeric-users", "K", Run::Plain),
    line(17, "-ate", "K", Run::Plain),
    line(18, "-antee", "K", Run::Plain),
    line(19, "-anto", "FK", Run::Plain),
    line(20, "-anuo", "K", Run::Plain),
    line(21, "-anwo", "K", Run::Plain),
    line(22, "-anteop", "FK", Run::Plain),
    line(23, "-anu", "K", Run::Plain),
    line(24, "-nu", "K", Run::Plain),
    line(25, "-lnu", "K", Run::Plain),
    line(26, "-anU", "K", Run::Plain),
    line(27, "-aU", "N", Run::Plain),
    line(28, "-anw", "K", Run::Plain),
    line(29, "-aw", "N", Run::Plain),
    line(30, "-lw", "F", Run::Plain),
    line(31, "-nw", "K", Run::Plain),
    line(32, "-tu", "K", Run::Plain),
    line(33, "-ut", "K", Run::Plain),
    line(34, "-t6", "FK", Run::Plain),
    line(35, "-4", "F", Run::Plain),
    line(36, "-6", "F", Run::Plain),
    line(37, "-4an", "FK", Run::Plain),
    line(38, "-6an", "FK", Run::Plain),
    line(39, "-4 -6 -a", "F", Run::Plain),
    line(40, "-A inet", "F", Run::Plain),
    line(41, "-A inet6", "F", Run::Plain),
    line(42, "-A inet,inet6 -an", "F", Run::Plain),
    line(43, "-A ip -an", "F", Run::Plain),
    line(44, "-A ip6 -an", "F", Run::Plain),
    line(45, "-A tcpip -an", "F", Run::Plain),
    line(46, "-A unix,inet", "F", Run::Plain),
    line(47, "-A ddp", "F", Run::Plain),
    line(48, "-A ash", "F", Run::Plain),
    line(49, "--inet -an", "F", Run::Plain),
    line(50, "--ine -an", "F", Run::Plain),
    line(51, "--inet6 -l", "F", Run::Plain),
    line(52, "--ip", "F", Run::Plain),
    line(53, "--tcpip", "F", Run::Plain),
    line(54, "--protocol=unix", "F", Run::Plain),
    line(55, "-x", "F", Run::Plain),
    line(56, "-xa", "F", Run::Plain),
    line(57, "-xl", "F", Run::Plain),
    line(58, "-xap", "FP", Run::Plain),
    line(59, "-xe -o -n", "F", Run::Plain),
    line(60, "-x -4", "F", Run::Plain),
    line(61, "-tx", "F", Run::Plain),
    line(62, "-tp", "FP", Run::Plain),
    line(63, "-tlnp", "P", Run::Plain),
    line(64, "-tlnp", "P", Run::AsUser(1000)),
    line(65, "-tlnp", "P", Run::AsUser(65534)),
    line(66, "-xtlnp", "P", Run::AsUser(65534)),
    line(67, "-tulpn", "FP", Run::Plain),
    line(68, "-tulpen", "FP", Run::Plain),
    line(69, "-plantu", "F", Run::Plain),
    line(70, "-nap", "F", Run::Plain),
    line(71, "--program -t", "F", Run::Plain),
    line(72, "-S", "MX", Run::Plain),
    line(73, "-Sa", "X", Run::Plain),
    line(74, "-San", "X", Run::Plain),
    line(75, "-Sl", "X", Run::Plain),
    line(76, "-Saeop", "X", Run::Plain),
    line(77, "-Sa --numeric-ports", "X", Run::Plain),
    line(78, "-S6a", "X", Run::Plain),
    line(79, "-tuS", "FM", Run::Plain),
    line(80, "-v", "FM", Run::Plain),
    line(81, "-A inet -v", "F", Run::Plain),
    line(82, "-t -v", "M", Run::Plain),
    line(83, "-s", "ESFM", Run::Plain),
    line(84, "-st", "S", Run::Plain),
    line(85, "-su", "S", Run::Plain),
    line(86, "-stu", "S", Run::Plain),
    line(87, "-sw", "S", Run::Plain),
    line(88, "-sU", "S", Run::Plain),
    line(89, "-sS", "SX", Run::Plain),
    line(90, "-s6", "SE", Run::Plain),
    line(91, "-s6t", "S", Run::Plain),
    line(92, "-s6u", "S", Run::Plain),
    line(93, "-s6w", "S", Run::Plain),
    line(94, "-s -4", "S", Run::Plain),
    line(95, "-s -4 -6", "S", Run::Plain),
    line(96, "-s -4 -4", "S", Run::Plain),
    line(97, "-s -x", "S", Run::Plain),
    line(98, "-s -c", "E", Run::Plain),
    line(99, "-s -e -p -n", "S", Run::Plain),
    line(100, "-i", "ELI", Run::Plain),
    line(101, "-ia", "I", Run::Plain),
    line(102, "-ie", "I", Run::Plain),
    line(103, "-iae", "I", Run::Plain),
    line(104, "-iee", "I", Run::Plain),
    line(105, "-in eth0", "I", Run::Plain),
    line(106, "-i 5", "L", Run::Plain),
    line(107, "-i", "I", Run::Plain),
    line(108, "-ic", "L", Run::Rounds("Iface  ")),
    line(109, "-iec", "L", Run::Rounds("RX errors")),
    line(110, "-r", "ELR", Run::Plain),
    line(111, "-rn", "ER", Run::Plain),
    line(112, "-nr", "R", Run::Plain),
    line(113, "-re", "R", Run::Plain),
    line(114, "-ree", "R", Run::Plain),
    line(115, "-reee", "R", Run::Plain),
    line(116, "-reeee", "R", Run::Plain),
    line(117, "-rN", "R", Run::Plain),
    line(118, "-r --numeric-ports", "R", Run::Plain),
    line(119, "-rC", "ERX", Run::Plain),
    line(120, "-rCee", "X", Run::Plain),
    line(121, "-rFC", "R", Run::Plain),
    line(122, "-r6", "ER", Run::Plain),
    line(123, "-r6n", "R", Run::Plain),
    line(124, "-r6e", "R", Run::Plain),
    line(125, "-r6C", "R", Run::Plain),
    line(126, "-r -A inet,inet6", "R", Run::Plain),
    line(127, "-r4 -4", "R", Run::Plain),
    line(128, "-r -A unix", "R", Run::Plain),
    line(129, "-r -A bluetooth", "R", Run::Plain),
    line(130, "-r -A ipx", "R", Run::Plain),
    line(131, "-rc", "L", Run::Rounds("Kernel IP routing table")),
    line(132, "-g", "EG", Run::Plain),
    line(133, "-gn", "G", Run::Plain),
    line(134, "-g -4", "G", Run::Plain),
    line(135, "-g -6", "G", Run::Plain),
    line(136, "-g -t", "G", Run::Plain),
    line(137, "-g -x", "G", Run::Plain),
    line(138, "-gi", "G", Run::Plain),
    line(139, "-M", "E", Run::Plain),
    line(140, "-M", "X", Run::Plain),
    line(141, "-Me", "X", Run::Plain),
    line(142, "-Mn", "X", Run::Plain),
    line(143, "-Mc", "E", Run::Plain),
    line(144, "--ipx", "EX", Run::Plain),
    line(145, "--ax25", "E", Run::Plain),
    line(146, "--x25", "E", Run::Plain),
    line(147, "--netrom", "E", Run::Plain),
    line(148, "--rose", "E", Run::Plain),
    line(149, "-x --ipx", "F", Run::Plain),
    line(150, "-t --ipx --ax25", "F", Run::Plain),
    line(151, "-2", "E", Run::Plain),
    line(152, "-f", "E", Run::Plain),
    line(153, "-t -2", "F", Run::Plain),
    line(154, "--bluetooth", "E", Run::Plain),
    line(155, "-Z", "E", Run::Plain),
    line(156, "-m", "E", Run::Plain),
    line(157, "-tm", "E", Run::Plain),
    line(158, "-T", "E", Run::Plain),
    line(159, "-I", "E", Run::Plain),
    line(160, "-I=eth0", "E", Run::Plain),
    line(161, "-A", "E", Run::Plain),
    line(162, "-A bogus", "E", Run::Plain),
    line(163, "-A inet,bogus", "E", Run::Plain),
    line(164, "-A \"\"", "E", Run::Plain),
    line(165, "--bogus", "E", Run::Plain),
    line(166, "--tc", "E", Run::Plain),
    line(167, "--i", "E", Run::Plain),
    line(168, "--u", "E", Run::Plain),
    line(169, "--num", "E", Run::Plain),
    line(170, "--route=5", "E", Run::Plain),
    line(171, "--protocol", "E", Run::Plain),
    line(172, "-ii", "E", Run::Plain),
    line(173, "-rr", "E", Run::Plain),
    line(174, "-ss", "E", Run::Plain),
    line(175, "-ir", "E", Run::Plain),
    line(176, "-sM", "E", Run::Plain),
    line(177, "-?", "E", Run::Plain),
    line(178, "-h", "E", Run::Plain),
    line(179, "-V", "E", Run::Plain),
    line(180, "-Vm", "E", Run::Plain),
    line(181, "-m -h", "E", Run::Plain),
    line(182, "5", "L", Run::Plain),
    line(183, "foo bar", "L", Run::Plain),
    line(184, "-- -t", "L", Run::Plain),
    line(185, "-t -- -x", "L", Run::Plain),
    line(186, "x -r", "L", Run::Posix),
    line(187, "-tnc", "F", Run::Rounds("Active Internet connections")),
    line(188, "-tnpc", "P", Run::RoundsAsUser("Active Internet connections", 65534)),
    line(189, "{ netstat -an; echo $? >&2; } | head -1", "H", Run::Shell),
    line(190, "netstat -i > /dev/full", "L", Run::Shell),
    line(191, "netstat -an | grep CLOSE_WAIT", "F", Run::Shell),
    line(192, "netstat -s | grep SYN", "SE", Run::Shell),
    line(193, "netstat -nat | sort -nk 4 | tail", "F", Run::Shell),
    line(194, "netstat -nat | grep RESET", "F", Run::Shell),
    line(195, "netstat -s | grep -E \"segments|retrans\"", "S", Run::Shell),
    line(196, "netstat -an | grep :21", "F", Run::Shell),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_complete_and_every_letter_is_a_state() {
        let numbers: Vec<u16> = COMMAND_LINES.iter().map(|line| line.number).collect();
        assert_eq!(numbers, (1..=196).collect::<Vec<_>>());
        for line in COMMAND_LINES {
            let all_known = line.states.chars().all(|c| "ELFKNPRIGSXMBH".contains(c));
            assert!(all_known && !line.states.is_empty(), "{line:?}");
        }
    }

    #[test]
    fn words_are_split_and_the_empty_word_is_kept() {
        let call = line(1, "-A \"\" -n", "E", Run::AsUser(7)).call();
        assert_eq!(call.words, ["-A", "", "-n"]);
        assert_eq!(call.user, Some(7));
    }
}
