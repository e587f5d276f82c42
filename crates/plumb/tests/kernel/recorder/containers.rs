//! Containers as runtimes make them: a cgroup (v2) named as theirs are, with namespaces of its own. `top` names each with
//! its bytes, `ls` with its sockets, and `trace` tells of one alone.

use std::io::{BufRead as _, BufReader, Lines, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use plumb_testkit::acting;
use plumb_testkit::temp::TempDir;
use serde_json::Value;

use super::{assert_complete, plumb};

/// Names of the cgroups, from the outermost, with the runtime they tell: those of Docker with systemd and without, of
/// Podman, and of Kubernetes with containerd, with systemd and without. `ID`, `UID` and `U_D` stand for ids.
const SHAPES: [(&str, &str); 5] = [
    ("system.slice/docker-ID.scope", "docker"),
    ("docker/ID", "docker"),
    ("machine.slice/libpod-ID.scope/container", "podman"),
    (
        "kubepods.slice/kubepods-burstable.slice/kubepods-burstable-podU_D.slice/cri-containerd-ID.scope",
        "containerd",
    ),
    ("kubepods/besteffort/podUID/ID", "oci"),
];
/// Between two times that they move bytes: what floods the rings of others is lost.
const PAUSE: Duration = Duration::from_millis(50);
const UID: &str = "ac04f3f2-1f2c-11e9-b015-1ebee232acfa";
/// What runs in one: loopback is down in a new namespace.
const PROGRAM: &str = r#"echo $$ >"$1/cgroup.procs" || exit 1
exec unshare --net --ipc --uts --cgroup --mount --pid --fork --kill-child --mount-proc \
    sh -c 'ip link set lo up && exec "$1" move' sh "$2""#;

/// A process in namespaces and a cgroup of its own, which moves bytes when it is told to.
struct Container {
    id: String,
    /// Below the mount.
    cgroup: String,
    /// The program, as the processes out here count.
    pid: u32,
    process: Child,
    /// What it says.
    said: Lines<BufReader<ChildStdout>>,
}

/// Cgroups of our own, gone with the value.
struct Containers {
    mount: PathBuf,
    root: PathBuf,
    all: Vec<Container>,
}

impl Containers {
    fn start(act: &Path) -> Self {
        let mounts = std::fs::read_to_string("/proc/mounts").expect("it is there");
        let mount = mounts.lines().find(|line| line.contains(" cgroup2 "));
        let mount = mount.and_then(|line| line.split(' ').nth(1));
        let mount = PathBuf::from(mount.expect("there are cgroups"));
        let root = mount.join(format!("plumb-containers-{}", unique()));
        let mut containers = Self {
            mount,
            root,
            all: Vec::new(),
        };
        for (number, (shape, _)) in SHAPES.iter().enumerate() {
            let container = containers.add(number, shape, act);
            containers.all.push(container);
        }
        containers
    }

    fn add(&self, number: usize, shape: &str, act: &Path) -> Container {
        let id = format!("{number}{:0>63x}", unique());
        let names = shape
            .replace("U_D", &UID.replace('-', "_"))
            .replace("UID", UID)
            .replace("ID", &id);
        let path = self.root.join(names);
        std::fs::create_dir_all(&path).expect("root may make one");
        let mut process = Command::new("sh")
            .args(["-c", PROGRAM, "sh"])
            .args([path.as_path(), act])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("there is a shell");
        let said = process.stdout.take().expect("it is piped");
        let mut said = BufReader::new(said).lines();
        let first = said.next().and_then(Result::ok);
        assert_eq!(first.as_deref(), Some("ready"), "{shape}");
        let inside = std::fs::read_to_string(path.join("cgroup.procs")).expect("it is there");
        let is_act = |pid: &u32| {
            let comm = std::fs::read_to_string(format!("/proc/{pid}/comm"));
            comm.is_ok_and(|comm| comm.trim_end() == "act")
        };
        let pids = inside.lines().filter_map(|line| line.parse().ok());
        let cgroup = path.strip_prefix(&self.mount).expect("it is below");
        Container {
            id,
            cgroup: format!("/{}", cgroup.display()),
            pid: { pids }.find(is_act).expect("it runs in there"),
            process,
            said,
        }
    }

    /// Has each move bytes while `verb` watches: the first once, the second twice, and so on, again and again.
    fn meanwhile(&mut self, verb: &mut Command) -> Value {
        let verb = verb.stdin(Stdio::null());
        let output = std::thread::scope(|scope| {
            let watching = scope.spawn(|| verb.output().expect("plumb runs"));
            while !watching.is_finished() {
                for (number, container) in self.all.iter_mut().enumerate() {
                    let again = vec![b'\n'; number + 1];
                    let to = container.process.stdin.as_mut().expect("it is piped");
                    to.write_all(&again).expect("it reads");
                    // Nothing may pile up: a slow machine would do nothing else.
                    for _ in again {
                        let said = container.said.next().and_then(Result::ok);
                        assert_eq!(said.as_deref(), Some("moved"));
                    }
                }
                std::thread::sleep(PAUSE);
            }
            watching.join().expect("it ended")
        });
        let said = String::from_utf8_lossy(&output.stderr);
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {said}"))
    }
}

impl Drop for Containers {
    fn drop(&mut self) {
        for container in &mut self.all {
            let _ = container.process.kill();
            let _ = container.process.wait();
        }
        remove(&self.root);
    }
}

/// Removes a cgroup with those below it; one is busy until the kernel is done with the last of its processes.
fn remove(cgroup: &Path) {
    for entry in std::fs::read_dir(cgroup).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            remove(&entry.path());
        }
    }
    for _ in 0..10_000 {
        match std::fs::remove_dir(cgroup) {
            Err(error) if error.kind() == std::io::ErrorKind::ResourceBusy => {
                std::thread::yield_now();
            }
            _ => return,
        }
    }
}

/// Process ids are small in a sandbox, and cgroups are everybody's.
fn unique() -> u64 {
    use std::os::unix::fs::MetadataExt as _;
    let namespace = std::fs::metadata("/proc/self/ns/pid");
    namespace.expect("it is there").ino()
}

fn rows<'v>(value: &'v Value, array: &str) -> &'v [Value] {
    value[array].as_array().map_or(&[][..], Vec::as_slice)
}

mod needs_root {
    use plumb_testkit::sandbox;

    use super::*;

    #[test]
    fn containers_are_named_counted_and_recorded() {
        sandbox::run(|| {
            let folder = TempDir::new("containers").expect("a folder");
            let act = acting::program(folder.path());
            let mut containers = Containers::start(&act);
            each_has_its_bytes(&mut containers);
            each_has_its_sockets(&containers);
            one_alone_is_told(&mut containers, 0, |it| ["--container", &it.id[..12]]);
            one_alone_is_told(&mut containers, 4, |it| ["--cgroup", &it.cgroup]);
        });
    }

    fn each_has_its_bytes(containers: &mut Containers) {
        let mut top = plumb();
        top.args(["top", "--by", "container", "--every", "1s", "--json"]);
        let top = containers.meanwhile(&mut top);
        assert_complete(&top);
        let once: u64 = acting::MOVED.iter().sum();
        for (number, container) in containers.all.iter().enumerate() {
            let mut flows = rows(&top, "flows").iter();
            let flow = flows.find(|flow| flow["name"] == container.id[..]);
            let flow = flow.unwrap_or_else(|| panic!("{}: {top}", container.cgroup));
            // Both ends of everything are in there.
            for key in ["sent_bytes", "received_bytes"] {
                let moved = flow[key].as_u64().expect("it is counted");
                assert!(moved >= once * (number as u64 + 1), "{key}: {flow}");
            }
        }
    }

    fn each_has_its_sockets(containers: &Containers) {
        for (container, (shape, runtime)) in containers.all.iter().zip(&SHAPES) {
            let filter = format!("container = {}", container.id);
            let output = plumb().args(["ls", "--json", &filter]).output();
            let listed = output.expect("plumb runs").stdout;
            let listed: Value = serde_json::from_slice(&listed).expect("it is JSON");
            let sockets = rows(&listed, "sockets");
            // UDP of both families, two ends each.
            assert_eq!(sockets.len(), 4, "{listed}");
            for socket in sockets {
                assert_eq!(socket["container"]["id"], container.id, "{socket}");
                assert_eq!(socket["container"]["runtime"], *runtime, "{socket}");
                let pod = if shape.contains("kubepods") {
                    Some(UID)
                } else {
                    None
                };
                assert_eq!(socket["pod"]["uid"].as_str(), pod, "{socket}");
            }
        }
    }

    fn one_alone_is_told(
        containers: &mut Containers,
        number: usize,
        whose: impl Fn(&Container) -> [&str; 2],
    ) {
        let container = &containers.all[number];
        let (whose, pid) = (whose(container).map(str::to_owned), container.pid);
        let mut trace = plumb();
        trace.args(["trace", "--no-calls", "--for", "500ms", "--json"]);
        let trace = containers.meanwhile(trace.args(&whose));
        assert_complete(&trace);
        let events = rows(&trace, "events");
        assert!(!events.is_empty(), "{whose:?}: {trace}");
        for event in events {
            assert_eq!(event["pid"], pid, "{whose:?}: {event}");
        }
    }
}
