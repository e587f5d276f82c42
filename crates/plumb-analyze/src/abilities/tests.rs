//! Users and kernels of all sorts, and what is told them.

use plumb_model::ability::{
    Answer, Background, Bpf, Capabilities, Namespaces, Owners, Places, Processes, Program, Refusal,
    Settings, Table, User,
};
use plumb_model::creation::Recorder;
use plumb_model::finding::Gap;
use plumb_model::{Known, Reason, Uid};

use super::*;

const ALL: Capabilities = Capabilities(u64::MAX);
const NONE: Capabilities = Capabilities(0);

/// Root on a host where everything is allowed.
fn root() -> Facts {
    let zero = Known::Known(0);
    Facts {
        release: "6.18.0".to_owned(),
        user: User {
            uid: Uid(0),
            effective: ALL,
            bounding: ALL,
            no_new_privs: false,
            is_first_namespace: true,
            program: b"/usr/bin/plumb".to_vec(),
            program_may_have_capabilities: true,
        },
        settings: Settings {
            ptrace_scope: zero,
            perf_event_paranoid: zero,
            unprivileged_bpf_disabled: zero,
            kptr_restrict: zero,
            lockdown: Known::Known("none".to_owned()),
            hidepid: Known::Known(0),
        },
        places: Places {
            kernel_types: true,
            bpf: Some("/sys/fs/bpf".to_owned()),
            trace: Some(("/sys/kernel/tracing".to_owned(), true)),
            cgroup2: true,
            cgroup1: 0,
        },
        tables: vec![table(0)],
        destroy: Answer(ENOENT),
        processes: Processes {
            listed: 200,
            refused: 0,
            covered: 0,
            is_first_namespace: Some(true),
        },
        namespaces: Namespaces {
            found: 3,
            ..Namespaces::default()
        },
        owners: Owners {
            engine: "bpf",
            why: "there are many open files".to_owned(),
            bpf: Ok(Bpf::Loaded),
        },
        programs: vec![Program {
            name: "owners/tasks",
            purpose: "who holds which socket",
            minimum_kernel: "5.8",
            answer: Ok(Vec::new()),
        }],
        recorder: Background::Serves(Recorder {
            pid: 7,
            scope: "the whole host".to_owned(),
            ..Recorder::default()
        }),
    }
}

fn table(answer: i32) -> Table {
    Table {
        word: "sctp",
        module: "sctp_diag",
        has_module: Some(true),
        answer: Answer(answer),
    }
}

/// Somebody without anything on the same host.
fn nobody() -> Facts {
    let mut facts = root();
    facts.user.uid = Uid(1000);
    facts.user.effective = NONE;
    facts.processes.refused = 150;
    facts.namespaces.hidden_processes = 150;
    facts.owners = Owners {
        engine: "proc",
        why: "BPF is refused".to_owned(),
        bpf: Err(Refusal {
            why: "refused".to_owned(),
            allow: None,
        }),
    };
    facts
}

fn find(facts: &Facts, key: &str) -> Ability {
    let found = check(facts).into_iter().find(|ability| ability.key == key);
    found.unwrap_or_else(|| panic!("there is an ability {key}"))
}

/// Gives verdict and command.
fn told(facts: &Facts, key: &str) -> (Verdict, Option<String>) {
    let ability = find(facts, key);
    (ability.verdict, ability.allow)
}

#[test]
fn root_can_do_everything_and_is_told_no_command_but_for_others() {
    for ability in check(&root()) {
        if ability.key != "owners-pinned" {
            assert_eq!(
                (ability.verdict, ability.allow),
                (Verdict::Yes, None),
                "{}",
                ability.key
            );
        }
    }
}

#[test]
fn keys_are_unique() {
    let mut keys: Vec<String> = check(&root())
        .into_iter()
        .map(|ability| ability.key)
        .collect();
    let all = keys.len();
    keys.sort();
    keys.dedup();
    assert_eq!(keys.len(), all);
}

#[test]
fn nobody_is_told_the_least_that_would_do() {
    let facts = nobody();
    let setcap = |names: &str| Some(format!("sudo setcap {names}+ep /usr/bin/plumb"));
    assert_eq!(told(&facts, "diag-sctp"), (Verdict::Yes, None));
    assert_eq!(
        told(&facts, "destroy"),
        (Verdict::No, setcap("cap_net_admin"))
    );
    assert_eq!(
        told(&facts, "owners"),
        (Verdict::Partly, setcap("cap_bpf,cap_perfmon"))
    );
    let look = setcap("cap_dac_read_search,cap_sys_ptrace");
    assert_eq!(told(&facts, "owners-proc"), (Verdict::Partly, look));
    assert_eq!(
        told(&facts, "bpf-load"),
        (Verdict::No, setcap("cap_bpf,cap_perfmon"))
    );
    assert_eq!(told(&facts, "raw"), (Verdict::No, setcap("cap_net_raw")));
}

#[test]
fn what_a_file_has_already_is_named_again() {
    let mut facts = nobody();
    facts.user.effective = Capabilities::BPF;
    let command = "sudo setcap cap_bpf,cap_perfmon+ep /usr/bin/plumb";
    assert_eq!(told(&facts, "owners-bpf").1.as_deref(), Some(command));
    let command = "sudo setcap cap_bpf,cap_net_raw+ep /usr/bin/plumb";
    assert_eq!(told(&facts, "raw").1.as_deref(), Some(command));
}

#[test]
fn one_command_gives_what_all_of_them_would() {
    assert_eq!(setcap_for_all(&root(), &check(&root())), None);
    let all = "sudo setcap cap_bpf,cap_dac_read_search,cap_net_admin,cap_net_raw,cap_perfmon,\
        cap_sys_ptrace+ep /usr/bin/plumb";
    let facts = nobody();
    assert_eq!(setcap_for_all(&facts, &check(&facts)).as_deref(), Some(all));
    let only = [find(&facts, "raw"), find(&facts, "raw")];
    assert_eq!(setcap_for_all(&facts, &only), None);
}

#[test]
fn odd_paths_are_quoted() {
    let mut facts = nobody();
    facts.user.program = b"/home/o'neil/my plumb".to_vec();
    let command = r"sudo setcap cap_net_raw+ep '/home/o'\''neil/my plumb'";
    assert_eq!(told(&facts, "raw").1.as_deref(), Some(command));
}

#[test]
fn a_container_is_told_what_its_start_lacked() {
    let mut facts = nobody();
    facts.user.uid = Uid(0);
    facts.user.bounding = Capabilities::NET_RAW;
    assert_eq!(
        told(&facts, "bpf-load").1.as_deref(),
        Some("docker run --cap-add=BPF --cap-add=PERFMON")
    );
    facts.processes.is_first_namespace = Some(false);
    assert_eq!(told(&facts, "processes").0, Verdict::Partly);
}

#[test]
fn commands_that_could_not_work_are_not_told() {
    let mut facts = nobody();
    facts.user.no_new_privs = true;
    let ability = find(&facts, "raw");
    assert_eq!(ability.allow, None);
    assert!(ability.why.contains("no_new_privs"), "{}", ability.why);
    facts.user.no_new_privs = false;
    facts.user.program_may_have_capabilities = false;
    assert_eq!(
        told(&facts, "raw").1.as_deref(),
        Some("sudo /usr/bin/plumb")
    );
}

#[test]
fn root_of_a_user_namespace_is_not_root() {
    let mut facts = root();
    facts.user.is_first_namespace = false;
    facts.processes.refused = 150;
    facts.owners.engine = "proc";
    assert_eq!(told(&facts, "bpf-load"), (Verdict::No, None));
    assert_eq!(told(&facts, "owners-proc"), (Verdict::Partly, None));
}

#[test]
fn hidepid_makes_processes_uncertain() {
    let mut facts = nobody();
    facts.processes.refused = 0;
    facts.settings.hidepid = Known::Known(2);
    assert_eq!(told(&facts, "owners-proc").0, Verdict::Partly);
    assert_eq!(told(&facts, "processes").0, Verdict::Partly);
    facts.user.effective = Capabilities::SYS_PTRACE;
    assert_eq!(told(&facts, "processes").0, Verdict::Yes);
}

#[test]
fn tables_that_are_not_there_are_told_from_those_that_are_forbidden() {
    let mut facts = root();
    facts.tables = vec![table(ENOENT)];
    let modprobe = Some("sudo modprobe sctp_diag".to_owned());
    assert_eq!(told(&facts, "diag-sctp"), (Verdict::No, modprobe));
    facts.tables[0].has_module = Some(false);
    assert_eq!(told(&facts, "diag-sctp"), (Verdict::No, None));
    facts.tables = vec![table(1)];
    assert_eq!(told(&facts, "diag-sctp"), (Verdict::No, None));
}

#[test]
fn a_namespace_that_is_closed_is_named() {
    let mut facts = root();
    facts.namespaces.closed = vec![Gap {
        what: "blue: operation not permitted".to_owned(),
        reason: Reason::NamespaceNotEntered,
    }];
    let ability = find(&facts, "netns");
    assert_eq!(ability.verdict, Verdict::Partly);
    assert!(
        ability.why.contains("blue: operation not permitted"),
        "{}",
        ability.why
    );
}

#[test]
fn an_old_kernel_says_what_it_lacks() {
    let mut facts = root();
    facts.destroy = Answer(95);
    facts.places = Places::default();
    facts.settings.lockdown = Known::Known("confidentiality".to_owned());
    for key in ["destroy", "btf", "bpffs", "tracefs", "bpf-load"] {
        assert_eq!(told(&facts, key).0, Verdict::No, "{key}");
    }
    assert_eq!(told(&facts, "cgroups").0, Verdict::Partly);
    let mount = "sudo mount -t bpf bpf /sys/fs/bpf";
    assert_eq!(told(&facts, "bpffs").1.as_deref(), Some(mount));
}

#[test]
fn a_program_that_does_not_load_says_why() {
    let mut facts = root();
    assert_eq!(told(&facts, "bpf-owners/tasks"), (Verdict::Yes, None));
    facts.programs[0].answer = Err(Refusal {
        why: "the verifier refuses it: invalid mem access".to_owned(),
        allow: Some("a newer kernel".to_owned()),
    });
    let ability = find(&facts, "bpf-owners/tasks");
    assert_eq!(ability.verdict, Verdict::No);
    assert!(
        ability.why.contains("invalid mem access (needs Linux 5.8)"),
        "{}",
        ability.why
    );
}

#[test]
fn whether_a_recorder_runs_and_whom_it_serves() {
    let mut facts = root();
    let why = find(&facts, "recorder").why;
    assert_eq!(
        why,
        "process 7 records the whole host for its user and root, and knows 0 sockets"
    );
    facts.recorder = Background::Serves(Recorder {
        group: Some(42),
        reasons: vec!["3 events were lost".to_owned()],
        ..Recorder::default()
    });
    let partly = find(&facts, "recorder");
    assert_eq!(partly.verdict, Verdict::Partly);
    assert!(
        partly.why.contains("root and group 42") && partly.why.ends_with("; 3 events were lost")
    );
    facts.user.uid = Uid(1000);
    facts.recorder = Background::Nobody("no recorder runs".to_owned());
    let start = "sudo /usr/bin/plumb trace --keep --detach --group GROUP";
    assert_eq!(
        told(&facts, "recorder"),
        (Verdict::No, Some(start.to_owned()))
    );
    facts.recorder = Background::NotUs("it serves others".to_owned());
    assert_eq!(told(&facts, "recorder"), (Verdict::No, None));
}

#[test]
fn a_part_of_the_recorder_says_where_it_looks() {
    let mut facts = root();
    let why = |facts: &Facts| {
        let key = "bpf-owners/tasks";
        let found = check(facts).into_iter().find(|one| one.key == key);
        found.expect("it is listed").why
    };
    assert_eq!(why(&facts), "it loads (needs Linux 5.8)");
    let hooks = ["tp_btf/a", "fexit/b", "fexit/c", "fexit/d"];
    facts.programs[0].answer = Ok(hooks.to_vec());
    assert_eq!(
        why(&facts),
        "at tp_btf/a, fexit/b and 2 more (needs Linux 5.8)"
    );
}
