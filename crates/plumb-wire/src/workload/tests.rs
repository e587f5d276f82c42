//! Paths as they were seen on machines that run these things, and what they mean.

use super::*;

const ID: &str = "4f797c539e6c745de61a93ca3ff892358ecbcaccd8414d5db545c38428142970";
const UID: &str = "ac04f3f2-1f2c-11e9-b015-1ebee232acfa";

/// Decodes a path in which `ID`, `UID` and `U_D` stand for ids; gives unit, container and pod.
fn decode(path: &str) -> [Option<String>; 3] {
    let path = path
        .replace("UID", UID)
        .replace("U_D", &UID.replace('-', "_"))
        .replace("ID", ID);
    let workload = decode_workload(path.as_bytes());
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("the tests are");
    let short = |text: String| text.replace(ID, "ID").replace(UID, "UID");
    [
        workload.unit.map(|unit| short(text(unit))),
        workload.container.map(|container| {
            let name = container.name.as_deref().map(|name| name == container.id);
            assert!(
                name.unwrap_or(true),
                "a name is the id or comes from elsewhere"
            );
            format!("{} {}", container.runtime, short(text(container.id)))
        }),
        workload.pod.map(|pod| short(text(pod.uid))),
    ]
}

/// A path, and its unit, container and pod; `-` for none.
const PATHS: &[[&str; 4]] = &[
    ["/", "-", "-", "-"],
    // systemd.
    ["/init.scope", "init.scope", "-", "-"],
    ["/system.slice/nginx.service", "nginx.service", "-", "-"],
    [
        "/../../system.slice/nginx.service",
        "nginx.service",
        "-",
        "-",
    ],
    [
        "/system.slice/system-postgresql.slice/postgresql@15-main.service",
        "postgresql@15-main.service",
        "-",
        "-",
    ],
    [
        r"/system.slice/system-getty.slice/getty@tty\x2d1.service",
        r"getty@tty\x2d1.service",
        "-",
        "-",
    ],
    [r"/system.slice/boot-efi.mount", "boot-efi.mount", "-", "-"],
    ["/system.slice/_cpu.service", "cpu.service", "-", "-"],
    [
        "/user.slice/user-1000.slice/session-3.scope",
        "session-3.scope",
        "-",
        "-",
    ],
    [
        "/user.slice/user-1000.slice/user@1000.service/app.slice/app-firefox-1234.scope",
        "app-firefox-1234.scope",
        "-",
        "-",
    ],
    [
        "/user.slice/user-1000.slice/user@1000.service/init.scope",
        "init.scope",
        "-",
        "-",
    ],
    [
        "/system.slice/nginx.service/workers",
        "nginx.service",
        "-",
        "-",
    ],
    ["/machine.slice", "machine.slice", "-", "-"],
    ["/.service", "-", "-", "-"],
    ["/a b.service", "-", "-", "-"],
    // Docker: cgroupfs, systemd, a parent of one's own, rootless, within itself.
    ["/docker/ID", "-", "docker ID", "-"],
    [
        "/system.slice/docker-ID.scope",
        "docker-ID.scope",
        "docker ID",
        "-",
    ],
    ["/ecs/0a1b2c/ID", "-", "oci ID", "-"],
    [
        "/user.slice/user-1000.slice/user@1000.service/user.slice/docker-ID.scope",
        "docker-ID.scope",
        "docker ID",
        "-",
    ],
    [
        "/system.slice/docker-ID.scope/system.slice/cron.service",
        "cron.service",
        "docker ID",
        "-",
    ],
    ["/docker/ID/init", "-", "docker ID", "-"],
    ["/system.slice/docker.service", "docker.service", "-", "-"],
    ["/docker/buildx", "-", "-", "-"],
    // Podman: root, rootless, cgroupfs, split, what watches.
    [
        "/machine.slice/libpod-ID.scope",
        "libpod-ID.scope",
        "podman ID",
        "-",
    ],
    [
        "/machine.slice/libpod-ID.scope/container",
        "libpod-ID.scope",
        "podman ID",
        "-",
    ],
    [
        "/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-ID.scope/container",
        "libpod-ID.scope",
        "podman ID",
        "-",
    ],
    ["/libpod_parent/libpod-ID", "-", "podman ID", "-"],
    [
        "/system.slice/web.service/libpod-payload-ID",
        "web.service",
        "podman ID",
        "-",
    ],
    [
        "/machine.slice/libpod-conmon-ID.scope",
        "libpod-conmon-ID.scope",
        "-",
        "-",
    ],
    // Kubernetes: containerd and CRI-O with systemd, any runtime without, pods from files.
    [
        "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-podU_D.slice/cri-containerd-ID.scope",
        "cri-containerd-ID.scope",
        "containerd ID",
        "UID",
    ],
    [
        "/kubepods.slice/kubepods-podU_D.slice/crio-ID.scope",
        "crio-ID.scope",
        "cri-o ID",
        "UID",
    ],
    [
        "/kubepods.slice/kubepods-podU_D.slice/crio-conmon-ID.scope",
        "crio-conmon-ID.scope",
        "-",
        "UID",
    ],
    [
        "/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-podU_D.slice/docker-ID.scope",
        "docker-ID.scope",
        "docker ID",
        "UID",
    ],
    ["/kubepods/besteffort/podUID/ID", "-", "oci ID", "UID"],
    ["/kubepods/podUID/crio-ID", "-", "cri-o ID", "UID"],
    [
        "/kubepods/burstable/podUID/ID/kubelet",
        "-",
        "oci ID",
        "UID",
    ],
    [
        "/system.slice/containerd.service/kubepods-burstable-podU_D.slice:cri-containerd:ID",
        "containerd.service",
        "containerd ID",
        "UID",
    ],
    [
        "/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-podU_D.slice/cri-containerd-ID.scope",
        "cri-containerd-ID.scope",
        "containerd ID",
        "UID",
    ],
    [
        "/kubepods/burstable/pod0123456789abcdef0123456789abcdef/ID",
        "-",
        "oci ID",
        "0123456789abcdef0123456789abcdef",
    ],
    ["/podUID/ID", "-", "oci ID", "-"],
    ["/kubepods/podnone", "-", "-", "-"],
    // nerdctl.
    [
        "/system.slice/nerdctl-ID.scope",
        "nerdctl-ID.scope",
        "containerd ID",
        "-",
    ],
    // LXC, Proxmox, libvirt.
    ["/lxc.payload.web", "-", "lxc web", "-"],
    [
        "/lxc.payload.web/system.slice/ssh.service",
        "ssh.service",
        "lxc web",
        "-",
    ],
    ["/lxc.payload/web", "-", "lxc web", "-"],
    ["/lxc/101/ns/init.scope", "init.scope", "lxc 101", "-"],
    ["/lxc.monitor.web", "-", "-", "-"],
    [
        r"/machine.slice/machine-lxc\x2d4711\x2dweb\x2dserver.scope",
        r"machine-lxc\x2d4711\x2dweb\x2dserver.scope",
        "lxc web-server",
        "-",
    ],
    [
        r"/machine.slice/machine-qemu\x2d1\x2ddebian.scope",
        r"machine-qemu\x2d1\x2ddebian.scope",
        "-",
        "-",
    ],
    // systemd-nspawn.
    [
        "/machine.slice/systemd-nspawn@web.service/payload/system.slice/ssh.service",
        "ssh.service",
        "nspawn web",
        "-",
    ],
    [
        "/machine.slice/systemd-nspawn@web.service/supervisor",
        "systemd-nspawn@web.service",
        "-",
        "-",
    ],
    [
        r"/machine.slice/machine-my\x2dbox.scope/payload",
        r"machine-my\x2dbox.scope",
        "nspawn my-box",
        "-",
    ],
];

#[test]
fn paths_mean_what_their_makers_mean() {
    for [path, unit, container, pod] in PATHS {
        let expected =
            [unit, container, pod].map(|word| Some((*word).to_owned()).filter(|word| word != "-"));
        assert_eq!(decode(path), expected, "{path}");
    }
}

#[test]
fn hostile_paths_are_nothing() {
    let long = format!("/{}.service", "x".repeat(300));
    assert_eq!(decode(&long), [None, None, None]);
    assert_eq!(
        decode(&format!("/lxc/{}", "x".repeat(300))),
        [None, None, None]
    );
    assert_eq!(decode("/docker-../docker-ID0.scope")[1], None);
    assert_eq!(decode("/:::/::ID/\\x/\\x2/machine-\\x.scope")[2], None);
    let workload = decode_workload(b"/lxc.payload.\xff\x1b/\xff.service");
    assert_eq!(workload.unit, None, "no unit has such a name");
    assert_eq!(
        workload.container.map(|it| it.id),
        Some(b"\xff\x1b".to_vec())
    );
}

#[test]
fn users_have_slices() {
    let of = |path: &str| decode_slice_user(path.as_bytes());
    assert_eq!(
        of("/user.slice/user-1000.slice/session-3.scope"),
        Some(1000)
    );
    assert_eq!(of("/user.slice/user-x.slice"), None);
    assert_eq!(of("/system.slice"), None);
}
