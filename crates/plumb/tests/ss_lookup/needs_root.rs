//! The situations, each in namespaces of its own.

use std::fs;
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::channel;

use plumb_testkit::differential::{Call, Lab, Program, Rule, Tool};
use plumb_testkit::sandbox;
use plumb_testkit::sockets::option;
use rustix::io::FdFlags;
use rustix::mount::{MountFlags, UnmountFlags, mount, unmount};

/// `SOL_SOCKET` and `SO_BINDTODEVICE` of <asm-generic/socket.h>.
const SOL_SOCKET: i32 = 1;
const SO_BINDTODEVICE: i32 = 25;

fn lab() -> Lab {
    let ours = Path::new(env!("CARGO_BIN_EXE_plumb"));
    Lab::of(Tool::SS, ours).expect("a sandbox can hold both programs")
}

/// Compares both programs for each line of words; gives what the original printed.
fn compare(lab: &Lab, lines: &[&str]) -> String {
    let mut printed = String::new();
    for line in lines {
        let call = Call::words(line.split(' '));
        if let Err(difference) = lab.compare(&call, &Rule::Exact) {
            panic!("ss {line}\n{difference}");
        }
        let outcome = lab.run(Program::Original, &call).expect("ss runs");
        printed.push_str(&String::from_utf8_lossy(&outcome.stdout));
        printed.push_str(&String::from_utf8_lossy(&outcome.stderr));
    }
    printed
}

/// A process that inherited every descriptor that may be, and waits to be killed.
struct Heir(Child);

impl Heir {
    fn new() -> Self {
        let mut command = Command::new("cat");
        command.stdin(Stdio::piped()).stdout(Stdio::null());
        Self(command.spawn().expect("cat starts"))
    }
}

impl Drop for Heir {
    fn drop(&mut self) {
        // It ends with the sandbox at the latest.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn every_holder_is_listed_in_the_originals_order() {
    sandbox::run(|| {
        let lab = lab();
        let listener = TcpListener::bind("127.0.0.1:7001").expect("loopback is up");
        let client = TcpStream::connect("127.0.0.1:7001").expect("it listens");
        rustix::io::fcntl_setfd(&listener, FdFlags::empty()).expect("the descriptor is open");
        let copies: Vec<TcpListener> = (0..20)
            .map(|_| listener.try_clone().expect("descriptors are left"))
            .collect();
        let heirs: Vec<Heir> = (0..3).map(|_| Heir::new()).collect();
        let (end, wait) = channel::<()>();
        let (named, ready) = channel();
        // A name with what ends, quotes and breaks names.
        let holder = std::thread::Builder::new()
            .name("a)b(\"\n\u{1b}\u{e9}".to_owned())
            .spawn(move || {
                named.send(()).expect("the test waits");
                let _ = wait.recv();
                drop(client);
            })
            .expect("threads are left");
        ready.recv().expect("the thread runs");
        let lines = [
            "-tanp", "-tanpT", "-tanpH", "-tlp", "-tanT", "-tanpe", "-atnpO",
        ];
        let printed = compare(&lab, &lines);
        assert!(printed.contains("(\"cat\",pid="), "{printed}");
        assert!(printed.contains("(\"a\",pid="), "the thread's name is cut");
        for user in [0, 65534] {
            let mut call = Call::words(["-tanp"]);
            call.user = Some(user);
            lab.compare(&call, &Rule::Exact)
                .unwrap_or_else(|difference| panic!("as user {user}\n{difference}"));
        }
        drop(end);
        holder.join().expect("the thread only waits");
        drop((copies, heirs));
    });
}

#[test]
fn names_of_ports_and_hosts_come_from_the_name_services() {
    sandbox::run(|| {
        let lab = lab();
        fs::write(
            "/etc/services",
            "first 7001/tcp\nsecond 7001/tcp third\nudponly 7002/udp\nhigh 72539/tcp\n\
             other 7004/sctp\nupper 7005/TCP\n",
        )
        .expect("/etc is the lab's");
        fs::write("/etc/hosts", "127.0.0.1 two a.b\n127.0.0.2 two\n::1 six\n")
            .expect("/etc is the lab's");
        let tcp: Vec<TcpListener> = (7001..=7005)
            .flat_map(|port| {
                ["127.0.0.1", "127.0.0.2", "127.0.0.9"].map(|addr| {
                    TcpListener::bind((addr, port)).expect("loopback is up and the port free")
                })
            })
            .chain([TcpListener::bind("[::1]:7001").expect("loopback is up")])
            .collect();
        let udp = UdpSocket::bind("127.0.0.1:7002").expect("loopback is up");
        let lines = [
            "-tlu",
            "-tl",
            "-ul",
            "-tlr",
            "-tlnr",
            "-tan src two",
            "-tan src six",
            "-4tan src six",
            "-tan sport = :first",
            "-tan sport = :third",
            "-uan sport = :udponly",
            "-tan sport = :udponly",
        ];
        let printed = compare(&lab, &lines);
        assert!(printed.contains("127.0.0.1:first"), "{printed}");
        assert!(printed.contains("two:7001"), "{printed}");
        for range in ["1\t65535\n", "7002 7003", "7003", ""] {
            fs::write(lab.work().join("range"), range).expect("the folder is the lab's");
            let call = Call::words(["-tlu"]).with("PROC_IP_LOCAL_PORT_RANGE", "range");
            lab.compare(&call, &Rule::Exact)
                .unwrap_or_else(|difference| panic!("{range:?}\n{difference}"));
        }
        drop((tcp, udp));
    });
}

#[test]
fn interfaces_are_found_by_any_of_their_names() {
    sandbox::run(|| {
        let lab = lab();
        for name in [
            "shortalt",
            "exactly15chars_",
            "averyveryverylongalternativename",
        ] {
            let named = Command::new("ip")
                .args(["link", "property", "add", "dev", "lo", "altname", name])
                .status()
                .expect("ip runs");
            assert!(named.success());
        }
        let bound = TcpListener::bind("127.0.0.1:7001").expect("loopback is up");
        option::set(&bound, SOL_SOCKET, SO_BINDTODEVICE, b"lo").expect("root may bind it");
        let lines = [
            "-tan",
            "-tan dev lo",
            "-tan dev shortalt",
            "-tan dev exactly15chars_",
            "-tan dev averyveryverylongalternativename",
            "-tan dev if1",
            "-tan dev if99",
            "-tan dev no-such-interface-of-ours",
        ];
        let printed = compare(&lab, &lines);
        assert!(printed.contains("127.0.0.1%lo:7001"), "{printed}");
        drop(bound);
    });
}

#[test]
fn cgroups_have_paths_or_say_why_not() {
    sandbox::run(|| {
        let lab = lab();
        let listener = TcpListener::bind("127.0.0.1:7001").expect("loopback is up");
        let lines = [
            "-tan --cgroup",
            "-tane",
            "-tane --cgroup",
            "-tan cgroup .",
            "-tan cgroup ..",
            "-tan cgroup /nonexist",
            "-tan cgroup /proc",
            "-tan cgroup //",
            "-tan cgroup //x",
        ];
        // Once with the cgroup2 of this machine, if it has one, then with one at a place that
        // `/proc/mounts` escapes, then with none.
        compare(&lab, &lines);
        while let Some(point) = cgroup2_mount() {
            unmount(point.as_str(), UnmountFlags::DETACH).expect("root may unmount here");
        }
        let printed = compare(&lab, &lines);
        assert!(
            printed.contains("Failed to find cgroup2 mount"),
            "{printed}"
        );
        let blank = lab.work().join("a b");
        fs::create_dir(&blank).expect("the folder is the lab's");
        mount("none", &blank, "cgroup2", MountFlags::empty(), None).expect("cgroup2 mounts");
        let printed = compare(&lab, &lines);
        assert!(
            printed.contains("Failed to open cgroup2 mount"),
            "{printed}"
        );
        unmount(&blank, UnmountFlags::DETACH).expect("it was mounted");
        drop(listener);
    });
}

fn cgroup2_mount() -> Option<String> {
    let mounts = fs::read_to_string("/proc/mounts").expect("/proc is mounted");
    mounts.lines().find_map(|line| {
        let mut words = line.split(' ');
        let point = words.nth(1)?.to_owned();
        (words.next()? == "cgroup2").then_some(point)
    })
}

#[test]
fn a_named_namespace_brings_its_own_etc() {
    sandbox::run(|| {
        let lab = lab();
        fs::create_dir_all("/run/netns").expect("root may make folders");
        mount("none", "/run/netns", "tmpfs", MountFlags::empty(), None).expect("tmpfs mounts");
        fs::create_dir("/run/netns/folder").expect("it is empty");
        for name in ["other", "plain"] {
            fs::write(Path::new("/run/netns").join(name), "").expect("it is empty");
        }
        let made = Command::new("unshare")
            .args(["--net=/run/netns/other", "ip", "link", "set", "lo", "up"])
            .status()
            .expect("unshare runs");
        assert!(made.success());
        fs::create_dir_all("/etc/netns/other").expect("/etc is the lab's");
        fs::write("/etc/netns/other/services", "inside 7001/tcp\n").expect("/etc is the lab's");
        fs::write("/etc/netns/other/no-such-file", "").expect("/etc is the lab's");
        let mut inside = listen_in("/run/netns/other");
        let lines = [
            "-N other -tan",
            "-N other -tl",
            "-tanp -N other",
            "-N other -tan --cgroup",
            "-N other -s",
            "-N nosuch -tan",
            "-N plain -tan",
            "-N folder -tan",
            "-N ../netns/other -tan",
        ];
        let printed = compare(&lab, &lines);
        assert!(printed.contains("127.0.0.1:inside"), "{printed}");
        assert!(
            printed.contains("Bind /etc/netns/other/no-such-file -> "),
            "{printed}"
        );
        inside.kill().expect("it waits");
        inside.wait().expect("it was killed");
        unmount("/run/netns", UnmountFlags::DETACH).expect("it was mounted");
    });
}

/// Starts a process in another network namespace that holds a listener there.
fn listen_in(netns: &str) -> Child {
    use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
    use std::os::fd::AsFd as _;

    let own = fs::File::open("/proc/self/ns/net").expect("every process has one");
    let other = fs::File::open(netns).expect("it was made");
    let kind = Some(LinkNameSpaceType::Network);
    move_into_link_name_space(other.as_fd(), kind).expect("root may enter");
    let listener = TcpListener::bind("127.0.0.1:7001").expect("loopback is up");
    move_into_link_name_space(own.as_fd(), kind).expect("root may return");
    rustix::io::fcntl_setfd(&listener, FdFlags::empty()).expect("the descriptor is open");
    let mut command = Command::new("cat");
    command.stdin(Stdio::piped()).stdout(Stdio::null());
    command.spawn().expect("cat starts")
}

#[test]
fn totals_are_zeros_where_nothing_can_be_read() {
    sandbox::run(|| {
        let lab = lab();
        let listener = TcpListener::bind("127.0.0.1:7001").expect("loopback is up");
        let printed = compare(&lab, &["-s", "-s -a", "-s -H"]);
        assert!(
            printed.contains("TCP\t  1         1         0"),
            "{printed}"
        );
        // A listing makes sockets of its own, which the kernel counts until a while after its end.
        let sockstat = "sockets: used 7\nTCP: inuse 5 orphan 1 tw 2 alloc 9 mem 3\nRAW: inuse x\n";
        fs::write(lab.work().join("sockstat"), sockstat).expect("the folder is the lab's");
        let call = Call::words(["-s", "-t", "-a"]).with("PROC_NET_SOCKSTAT", "sockstat");
        lab.compare(&call, &Rule::Exact)
            .unwrap_or_else(|difference| panic!("{difference}"));
        for variable in [
            "PROC_NET_SOCKSTAT",
            "PROC_NET_SOCKSTAT6",
            "PROC_NET_SNMP",
            "PROC_ROOT",
        ] {
            for path in ["/nonexistent", "/proc", ""] {
                let call = Call::words(["-s"]).with(variable, path);
                lab.compare(&call, &Rule::Exact)
                    .unwrap_or_else(|difference| panic!("{variable}={path}\n{difference}"));
            }
        }
        drop(listener);
    });
}
