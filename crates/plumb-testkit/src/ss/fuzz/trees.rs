//! Random trees for `PROC_ROOT`: the socket tables ss falls back to, processes, counters.

use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::Path;

use crate::frozen::inet::Table;
use crate::frozen::{ProcTree, unix};
use crate::fuzz::damage::damage;
use crate::random::Random;
use crate::states::random::{self, name, number};

/// The tables and what overrides their place.
pub(super) const TABLES: &[(&str, &str)] = &[
    ("PROC_NET_TCP", "net/tcp"),
    ("PROC_NET_TCP6", "net/tcp6"),
    ("PROC_NET_UDP", "net/udp"),
    ("PROC_NET_UDP6", "net/udp6"),
    ("PROC_NET_RAW", "net/raw"),
    ("PROC_NET_RAW6", "net/raw6"),
    ("PROC_NET_UNIX", "net/unix"),
    ("PROC_NET_PACKET", "net/packet"),
    ("PROC_NET_NETLINK", "net/netlink"),
    ("PROC_NET_SOCKSTAT", "net/sockstat"),
    ("PROC_NET_SOCKSTAT6", "net/sockstat6"),
    ("PROC_NET_SNMP", "net/snmp"),
];

/// The files of `-s` among them.
pub(super) const COUNTERS: &[(&str, &str)] = &[
    ("PROC_NET_SOCKSTAT", "net/sockstat"),
    ("PROC_NET_SOCKSTAT6", "net/sockstat6"),
    ("PROC_NET_SNMP", "net/snmp"),
];

/// The processes a tree may have.
const PIDS: &[u32] = &[1, 7, 42, 1234, 99_999, 4_194_303];

/// Fills an empty tree; now and then a table is damaged or missing.
pub(super) fn write(random: &mut Random, tree: &ProcTree) -> io::Result<()> {
    let tables = random::tables(random, 4);
    tables.write(tree)?;
    let sockets: Vec<_> = (0..random.between(0, 6))
        .map(|_| random::unix_socket(random))
        .collect();
    tree.file("net/unix", unix::text(&sockets))?;
    tree.file("net/packet", packet(random))?;
    tree.file("net/netlink", netlink(random))?;
    counters(random, tree)?;
    let range = *random.pick(&["32768\t60999\n", "1024\t2000\n", "1 65535\n", "junk\n"]);
    tree.file("sys/net/ipv4/ip_local_port_range", range)?;
    let mut inodes: Vec<u32> = sockets.iter().map(|socket| socket.inode).collect();
    for table in Table::ALL {
        inodes.extend(tables.of(table, false).iter().map(|socket| socket.inode));
        inodes.extend(tables.of(table, true).iter().map(|socket| socket.inode));
    }
    inodes.push(500);
    for _ in 0..random.below(4) {
        process(random, tree, &inodes)?;
    }
    spoil(random, tree)
}

fn spoil(random: &mut Random, tree: &ProcTree) -> io::Result<()> {
    let percent = *random.pick(&[0, 0, 10]);
    for (_, file) in TABLES {
        if !random.chance(percent) {
            continue;
        }
        if random.chance(25) {
            tree.remove(file)?;
            continue;
        }
        let whole = fs::read(tree.path().join(file))?;
        let text = damage(random, &whole);
        // What the first row lacks, the original takes from memory it never set.
        if row(&text, 1) == row(&whole, 1) {
            tree.file(file, text)?;
        }
    }
    Ok(())
}

/// Changes the tables and the names of processes, in which a line feed is one more odd byte.
pub(super) fn change_texts(tree: &ProcTree, change: fn(&[u8]) -> Vec<u8>) -> io::Result<()> {
    for (_, file) in TABLES {
        change_file(&tree.path().join(file), change)?;
    }
    let in_one_line = |text: &[u8]| {
        let mut text = change(text);
        text.iter_mut()
            .filter(|byte| **byte == b'\n')
            .for_each(|byte| *byte = b'?');
        text
    };
    for pid in PIDS {
        let tasks = (0..3).map(|thread| format!("{pid}/task/{}/stat", pid + thread));
        for file in tasks.chain([format!("{pid}/stat")]) {
            change_file(&tree.path().join(file), in_one_line)?;
        }
    }
    Ok(())
}

/// Changes a file; one that is not there stays so.
fn change_file(path: &Path, change: impl Fn(&[u8]) -> Vec<u8>) -> io::Result<()> {
    match fs::read(path) {
        Ok(text) => fs::write(path, change(&text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

fn row(text: &[u8], index: usize) -> Option<&[u8]> {
    text.split(|&b| b == b'\n').nth(index)
}

fn packet(random: &mut Random) -> String {
    let mut text = "sk               RefCnt Type Proto  Iface R Rmem   User   Inode\n".to_owned();
    text.extend((0..random.below(4)).map(|_| packet_row(random)));
    text
}

fn packet_row(random: &mut Random) -> String {
    format!(
        "{:016x} {:<6} {:<4} {:04x}   {:<5} {} {:<6} {:<6} {:<6}\n",
        random.any_size(),
        number(random),
        random.pick(&[2, 3, 10]),
        random.pick(&[0, 3, 0x800, 0x806, 0x86dd, 0x88cc, 0xffff]),
        random.pick(&[0, 1, 1, 77]),
        random.below(2),
        number(random),
        random.pick(&[0, 1000]),
        number(random),
    )
}

fn netlink(random: &mut Random) -> String {
    let mut text = "sk               Eth Pid        Groups   Rmem     Wmem     Dump  Locks    \
                    Drops    Inode\n"
        .to_owned();
    text.extend((0..random.below(6)).map(|_| netlink_row(random)));
    text
}

fn netlink_row(random: &mut Random) -> String {
    format!(
        "{:016x} {:<3} {:<10} {:08x} {:<8} {:<8} {:<5} 2        0        {:<8}\n",
        random.any_size(),
        random.below(24),
        random.pick(&[0, 0, 1, 42, 1234, 4_000_000_000, u32::MAX]),
        number(random),
        number(random),
        number(random),
        random.below(3),
        number(random),
    )
}

/// Writes what -s counts.
pub(super) fn counters(random: &mut Random, tree: &ProcTree) -> io::Result<()> {
    let mut n = || random.any_size() % 1_000_000;
    let sockstat = format!(
        "sockets: used {}\nTCP: inuse {} orphan {} tw {} alloc {} mem {}\nUDP: inuse {} mem {}\n\
         UDPLITE: inuse {}\nRAW: inuse {}\nFRAG: inuse {} memory {}\n",
        n(),
        n(),
        n(),
        n(),
        n(),
        n(),
        n(),
        n(),
        n(),
        n(),
        n(),
        n(),
    );
    tree.file("net/sockstat", sockstat)?;
    let sockstat6 = format!(
        "TCP6: inuse {}\nUDP6: inuse {}\nUDPLITE6: inuse {}\nRAW6: inuse {}\nFRAG6: inuse {} memory {}\n",
        n(),
        n(),
        n(),
        n(),
        n(),
        n(),
    );
    tree.file("net/sockstat6", sockstat6)?;
    let snmp = format!(
        "Ip: Forwarding DefaultTTL\nIp: 1 64\nTcp: RtoAlgorithm RtoMin RtoMax MaxConn ActiveOpens \
         PassiveOpens AttemptFails EstabResets CurrEstab InSegs\nTcp: 1 200 120000 -1 {} {} {} {} {} {}\n",
        n(),
        n(),
        n(),
        n(),
        n(),
        n(),
    );
    tree.file("net/snmp", snmp)
}

/// A process with its threads: `PID/stat`, `PID/fd/N` and `PID/task/TID/fd/N`.
fn process(random: &mut Random, tree: &ProcTree, inodes: &[u32]) -> io::Result<()> {
    let pid = *random.pick(PIDS);
    if tree.path().join(pid.to_string()).exists() {
        return Ok(());
    }
    let mut stat = format!("{pid} (").into_bytes();
    // No process that has sockets has a longer name, and of those the original's buffers overrun.
    stat.extend(name(random, 15));
    stat.extend(b") S 1 1 1 0 -1\n");
    let held: Vec<u32> = (0..random.below(6)).map(|_| *random.pick(inodes)).collect();
    let mut places = vec![format!("{pid}")];
    for thread in (0..3).take(random.below(3)) {
        places.push(format!("{pid}/task/{}", pid + thread));
    }
    for place in places {
        tree.file(&format!("{place}/stat"), &stat)?;
        let fd = tree.path().join(place).join("fd");
        fs::create_dir_all(&fd)?;
        symlink("/dev/null", fd.join("0"))?;
        for (index, inode) in held.iter().enumerate() {
            symlink(
                format!("socket:[{inode}]"),
                fd.join((index + 3).to_string()),
            )?;
        }
        symlink("pipe:[500]", fd.join("99"))?;
    }
    Ok(())
}
