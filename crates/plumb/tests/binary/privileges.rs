//! What owners cost in privilege: two capabilities, or a group, and never root.

mod needs_root {
    use std::fs::Permissions;
    use std::net::TcpListener;
    use std::os::unix::fs::PermissionsExt as _;
    use std::path::{Path, PathBuf};
    use std::process::{Command, Output};

    use plumb_testkit::sandbox;
    use rustix::mount::{MountFlags, mount};

    /// A group of nobody's, and users who are nothing else.
    const GROUP: u32 = 54_321;
    const NOBODY: u32 = 65_534;

    /// A copy of the program under the name of a personality, which everybody may run.
    fn copy(name: &str) -> PathBuf {
        let dir = std::env::temp_dir();
        std::fs::set_permissions(&dir, Permissions::from_mode(0o755)).expect("it is ours");
        let program = dir.join(name);
        std::fs::copy(env!("CARGO_BIN_EXE_plumb"), &program).expect("there is room");
        program
    }

    fn set_capabilities(program: &Path, capabilities: &str) {
        let status = Command::new("setcap")
            .arg(capabilities)
            .arg(program)
            .status();
        assert!(
            status
                .expect("setcap (package libcap2-bin) is installed")
                .success()
        );
    }

    /// Runs a program as nobody, in one group.
    fn as_nobody(program: &Path, group: u32, words: &[&str]) -> Output {
        let mut command = Command::new("setpriv");
        command
            .args([
                "--reuid",
                &NOBODY.to_string(),
                "--regid",
                &group.to_string(),
            ])
            .args(["--clear-groups", "--"])
            .arg(program)
            .args(words)
            .env("PLUMB_OWNERS", "bpf");
        command.output().expect("setpriv is installed")
    }

    /// The row of our listener as nobody's `ss -tlnp` shows it, and what it complains of.
    fn row_and_complaint(program: &Path, group: u32, listener: &TcpListener) -> (String, String) {
        let port = listener.local_addr().expect("it is bound").port();
        let filter = format!("sport = :{port}");
        let output = as_nobody(program, group, &["-Htlnp", &filter]);
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("names here are ASCII");
        (text(output.stdout), text(output.stderr))
    }

    #[test]
    fn two_capabilities_show_nobody_the_sockets_of_root() {
        sandbox::run(|| {
            let listener = TcpListener::bind("127.0.0.1:0").expect("loopback is up");
            let program = copy("ss");
            let (row, complaint) = row_and_complaint(&program, NOBODY, &listener);
            assert!(!row.contains("users:"), "{row}");
            assert!(complaint.contains("CAP_BPF"), "{complaint}");
            set_capabilities(&program, "cap_bpf,cap_perfmon+ep");
            let (row, complaint) = row_and_complaint(&program, NOBODY, &listener);
            assert!(row.contains(",pid=1,"), "{row}");
            assert_eq!(complaint, "");
        });
    }

    #[test]
    fn doctor_pins_an_iterator_that_shows_a_group_everything() {
        sandbox::run(|| {
            mount(
                "bpf",
                "/sys/fs/bpf",
                "bpf",
                MountFlags::empty(),
                Some(c"mode=0755"),
            )
            .expect("a sandbox can mount");
            let listener = TcpListener::bind("127.0.0.1:0").expect("loopback is up");
            let program = copy("ss");
            let doctor = |word: &str| {
                let plumb = Command::new(env!("CARGO_BIN_EXE_plumb"))
                    .args(["doctor", word])
                    .output();
                let output = plumb.expect("the program starts");
                assert!(output.status.success(), "{output:?}");
            };
            doctor(&format!("--install-iterator={GROUP}"));
            let (row, complaint) = row_and_complaint(&program, GROUP, &listener);
            assert!(row.contains(",pid=1,"), "{row}");
            assert_eq!(complaint, "");
            let (row, _) = row_and_complaint(&program, NOBODY, &listener);
            assert!(!row.contains("users:"), "{row}");
            doctor("--remove-iterator");
            let (row, complaint) = row_and_complaint(&program, GROUP, &listener);
            assert!(!row.contains("users:"), "{row}");
            assert!(complaint.contains("CAP_BPF"), "{complaint}");
        });
    }
}
