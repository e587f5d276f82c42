//! Folders as the runtimes leave them, and folders as an enemy would.

use std::fs;
use std::os::unix::fs::symlink;

use plumb_testkit::temp::TempDir;
use plumb_wire::workload::decode_workload;

use super::*;

const ID: &str = "4f797c539e6c745de61a93ca3ff892358ecbcaccd8414d5db545c38428142970";
const UID: &str = "ac04f3f2-1f2c-11e9-b015-1ebee232acfa";

/// A root with files in it; `ID` and `UID` stand for ids in paths and contents.
fn root(files: &[(&str, &str)]) -> TempDir {
    let dir = TempDir::new("workloads").expect("the temporary folder is writable");
    for (path, content) in files {
        let path = dir.path().join(ids(path));
        fs::create_dir_all(path.parent().expect("it is below the root")).expect("it is ours");
        fs::write(path, ids(content)).expect("it is ours");
    }
    dir
}

fn ids(text: &str) -> String {
    text.replace("UID", UID).replace("ID", ID)
}

/// Gives `RUNTIME/NAME in POD/NAMESPACE` of the process with this cgroup.
fn told(root: &TempDir, cgroup: &str) -> String {
    let cgroup = ids(cgroup).into_bytes();
    let mut workload = decode_workload(&cgroup);
    Names::new(root.path()).fill(&mut workload, &cgroup);
    let text = |name: Option<Vec<u8>>| {
        name.map_or("-".to_owned(), |name| {
            String::from_utf8_lossy(&name).into_owned()
        })
    };
    let container = workload.container.expect("the path has one");
    let pod = workload.pod.map_or_else(String::new, |pod| {
        assert_eq!(pod.uid, UID.as_bytes());
        format!(" in {}/{}", text(pod.namespace), text(pod.name))
    });
    format!("{} {}{pod}", container.runtime, text(container.name))
}

const DOCKER: &str = "/system.slice/docker-ID.scope";
const PODMAN: &str = "/machine.slice/libpod-ID.scope/container";
const ROOTLESS: &str = "/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-ID.scope";
const POD: &str = "/kubepods.slice/kubepods-podac04f3f2_1f2c_11e9_b015_1ebee232acfa.slice";
const PASSWD: (&str, &str) = (
    "etc/passwd",
    "root:x:0:0:root:/root:/bin/sh\njo:x:1000:1000::/home/jo:/bin/sh\n",
);

#[test]
fn docker_names_its_containers() {
    let config = (
        "var/lib/docker/containers/ID/config.v2.json",
        r#"{"Name":"/web","Config":{"Labels":null}}"#,
    );
    assert_eq!(told(&root(&[config]), DOCKER), "docker web");
    assert_eq!(told(&root(&[config]), "/ecs/task/ID"), "docker web");
    assert_eq!(told(&root(&[]), DOCKER), "docker -");
    let moved = [
        ("etc/docker/daemon.json", r#"{"data-root":"/srv/docker"}"#),
        (
            "srv/docker/containers/ID/config.v2.json",
            r#"{"Name":"/web"}"#,
        ),
    ];
    assert_eq!(told(&root(&moved), DOCKER), "docker web");
}

#[test]
fn docker_of_a_user_is_found_by_his_slice() {
    let files = [
        PASSWD,
        (
            "home/jo/.local/share/docker/containers/ID/config.v2.json",
            r#"{"Name":"/web"}"#,
        ),
    ];
    let cgroup = "/user.slice/user-1000.slice/user@1000.service/user.slice/docker-ID.scope";
    assert_eq!(told(&root(&files), cgroup), "docker web");
    assert_eq!(told(&root(&files), DOCKER), "docker -");
}

#[test]
fn docker_under_kubernetes_says_the_pod() {
    let name = r#"{"Name":"/k8s_nginx_web-1_shop_UID_0"}"#;
    let labels = r#"{"Name":"/x","Config":{"Labels":{"io.kubernetes.pod.name":"web-1",
        "io.kubernetes.pod.namespace":"shop","io.kubernetes.pod.uid":"UID",
        "io.kubernetes.container.name":"nginx"}}}"#;
    for config in [name, labels] {
        let files = root(&[("var/lib/docker/containers/ID/config.v2.json", config)]);
        assert_eq!(
            told(&files, &format!("{POD}/docker-ID.scope")),
            "docker nginx in shop/web-1"
        );
        assert_eq!(told(&files, DOCKER), "docker nginx in shop/web-1");
    }
}

#[test]
fn podman_names_its_containers_in_one_list() {
    let list = r#"[{"id":"0"},{"id":"ID","names":["web"],"image":"1"}]"#;
    for path in [
        "var/lib/containers/storage/overlay-containers/containers.json",
        "var/lib/containers/storage/vfs-containers/containers.json",
        "run/containers/storage/overlay-containers/volatile-containers.json",
    ] {
        assert_eq!(told(&root(&[(path, list)]), PODMAN), "podman web", "{path}");
    }
    let mine = "home/jo/.local/share/containers/storage/overlay-containers/containers.json";
    assert_eq!(told(&root(&[PASSWD, (mine, list)]), ROOTLESS), "podman web");
    assert_eq!(
        told(&root(&[(mine, list)]), ROOTLESS),
        "podman -",
        "no such user"
    );
}

#[test]
fn cri_o_says_the_pod_by_name_and_by_configuration() {
    let list = r#"[{"id":"ID","names":["k8s_nginx_web-1_shop_UID_0"]}]"#;
    let config = r#"{"annotations":{"io.kubernetes.pod.name":"web-1",
        "io.kubernetes.pod.namespace":"shop","io.kubernetes.container.name":"nginx"}}"#;
    let by_name = (
        "var/lib/containers/storage/overlay-containers/containers.json",
        list,
    );
    let by_config = (
        "run/containers/storage/overlay-containers/ID/userdata/config.json",
        config,
    );
    let path = format!("{POD}/crio-ID.scope");
    assert_eq!(told(&root(&[by_name]), &path), "cri-o nginx in shop/web-1");
    assert_eq!(
        told(&root(&[by_name, by_config]), &path),
        "cri-o nginx in shop/web-1"
    );
    assert_eq!(
        told(&root(&[by_name]), "/kubepods/podUID/ID"),
        "cri-o nginx in shop/web-1"
    );
}

#[test]
fn containerd_says_the_pod_by_annotations() {
    let config = r#"{"ociVersion":"1","annotations":{"io.kubernetes.cri.sandbox-name":"web-1",
        "io.kubernetes.cri.sandbox-namespace":"shop","io.kubernetes.cri.sandbox-uid":"UID",
        "io.kubernetes.cri.container-name":"nginx"}}"#;
    for state in ["run/containerd", "run/k3s/containerd"] {
        let path = format!("{state}/io.containerd.runtime.v2.task/k8s.io/ID/config.json");
        let files = root(&[(&path, config)]);
        let scope = format!("{POD}/cri-containerd-ID.scope");
        assert_eq!(told(&files, &scope), "containerd nginx in shop/web-1");
        assert_eq!(
            told(&files, "/kubepods/podUID/ID"),
            "containerd nginx in shop/web-1"
        );
    }
    let bare = (
        "run/containerd/io.containerd.runtime.v2.task/default/ID/config.json",
        "{}",
    );
    assert_eq!(told(&root(&[bare]), "/default/ID"), "containerd -");
}

#[test]
fn the_logs_of_the_kubelet_name_pods() {
    let files = [
        ("var/log/pods/shop_web-1_UID/nginx/0.log", ""),
        ("var/log/containers/web-1_shop_nginx-ID.log", ""),
    ];
    let scope = format!("{POD}/cri-containerd-ID.scope");
    assert_eq!(
        told(&root(&files[..1]), &scope),
        "containerd - in shop/web-1"
    );
    assert_eq!(
        told(&root(&files), &scope),
        "containerd nginx in shop/web-1"
    );
    assert_eq!(told(&root(&[]), &scope), "containerd - in -/-");
}

#[test]
fn damaged_and_hostile_files_are_passed_over() {
    let path = "var/lib/docker/containers/ID/config.v2.json";
    let deep = "[".repeat(100_000);
    for content in [
        "",
        "{",
        "[]",
        "7",
        r#"{"Name":7}"#,
        r#"{"Name":"/"}"#,
        "\u{0}",
        &deep,
    ] {
        assert_eq!(told(&root(&[(path, content)]), DOCKER), "docker -");
    }
    let odd = r#"{"Name":"/a\u001b[31m\n\u0000b"}"#;
    assert_eq!(
        told(&root(&[(path, odd)]), DOCKER),
        "docker a\u{1b}[31m\n\0b"
    );
    let huge = root(&[]);
    let file = huge.path().join(ids(path));
    fs::create_dir_all(file.parent().expect("it is below the root")).expect("it is ours");
    let sparse = fs::File::create(file).expect("it is ours");
    sparse
        .set_len(1 << 40)
        .expect("the file system allows holes");
    assert_eq!(told(&huge, DOCKER), "docker -");
}

#[test]
fn nothing_leads_out_of_a_home() {
    let list = r#"[{"id":"ID","names":["secret"]}]"#;
    let files = root(&[
        PASSWD,
        ("elsewhere/overlay-containers/containers.json", list),
    ]);
    let share = files.path().join("home/jo/.local/share/containers");
    fs::create_dir_all(&share).expect("it is ours");
    symlink(files.path().join("elsewhere"), share.join("storage")).expect("it is ours");
    assert_eq!(told(&files, ROOTLESS), "podman -");
    // The same for the system is root's own doing.
    let system = files.path().join("var/lib/containers");
    fs::create_dir_all(&system).expect("it is ours");
    symlink(files.path().join("elsewhere"), system.join("storage")).expect("it is ours");
    assert_eq!(told(&files, PODMAN), "podman secret");
}

#[test]
fn a_pipe_in_place_of_a_file_does_not_make_us_wait() {
    let files = root(&[PASSWD]);
    let folder = files
        .path()
        .join("home/jo/.local/share/containers/storage/overlay-containers");
    fs::create_dir_all(&folder).expect("it is ours");
    let pipe = folder.join("containers.json");
    let kind = rustix::fs::FileType::Fifo;
    rustix::fs::mknodat(rustix::fs::CWD, pipe, kind, 0o644.into(), 0).expect("it is ours");
    assert_eq!(told(&files, ROOTLESS), "podman -");
}

#[test]
fn what_needs_no_look_up_is_left_alone() {
    assert_eq!(told(&root(&[]), "/lxc.payload.web"), "lxc web");
}
