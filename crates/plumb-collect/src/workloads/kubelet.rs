//! What Kubernetes leaves behind for whoever knows where to look: annotations, names of containers, names
//! of log files. None of its names has an underscore, which makes them easy to take apart.

use std::collections::BTreeMap;

use rustc_hash::FxHashMap;

use super::config_file::Folder;
use super::{Found, PodName};

/// `NAMESPACE_POD_UID`, a folder for each pod.
const PODS: &str = "var/log/pods";
/// `POD_NAMESPACE_CONTAINER-ID.log`, a link for each container.
const CONTAINERS: &str = "var/log/containers";
/// Digits of an id.
const ID_DIGITS: usize = 64;

/// The keys of name, namespace and uid of the pod, and of the container's name: those of CRI-O and of
/// Docker, then those of containerd.
const KEYS: [[&str; 4]; 2] = [
    [
        "io.kubernetes.pod.name",
        "io.kubernetes.pod.namespace",
        "io.kubernetes.pod.uid",
        "io.kubernetes.container.name",
    ],
    [
        "io.kubernetes.cri.sandbox-name",
        "io.kubernetes.cri.sandbox-namespace",
        "io.kubernetes.cri.sandbox-uid",
        "io.kubernetes.cri.container-name",
    ],
];

/// Decodes the annotations or labels of a container; `None` when Kubernetes did not make it.
pub(super) fn from_annotations(annotations: &BTreeMap<String, String>) -> Option<Found> {
    KEYS.iter().find_map(|[name, namespace, uid, container]| {
        let get = |key: &str| annotations.get(key).map(|value| value.as_bytes().to_vec());
        Some(Found {
            runtime: None,
            name: get(container),
            pod: Some((get(name)?, get(namespace)?)),
            pod_uid: get(uid),
        })
    })
}

/// Decodes the name that a container of Kubernetes has with Docker and CRI-O:
/// `k8s_CONTAINER_POD_NAMESPACE_UID_ATTEMPT`.
pub(super) fn decode_name(name: &str) -> Option<Found> {
    let mut words = name.strip_prefix("k8s_")?.split('_');
    let mut next = || words.next().map(|word| word.as_bytes().to_vec());
    let (container, pod, namespace, uid) = (next()?, next()?, next()?, next()?);
    Some(Found {
        runtime: None,
        name: Some(container),
        pod: Some((pod, namespace)),
        pod_uid: Some(uid),
    })
}

/// What the names of log files tell.
#[derive(Debug, Default)]
pub(super) struct Logs {
    pods: FxHashMap<Vec<u8>, PodName>,
    containers: FxHashMap<Vec<u8>, Found>,
}

impl Logs {
    /// Lists the folders.
    pub(super) fn read(system: &Folder) -> Self {
        let pods = system.list(PODS);
        let containers = system.list(CONTAINERS);
        Self {
            pods: pods.iter().filter_map(|name| decode_pod(name)).collect(),
            containers: containers
                .iter()
                .filter_map(|name| decode_container(name))
                .collect(),
        }
    }

    /// Gives name and namespace of a pod.
    pub(super) fn pod(&self, uid: &[u8]) -> Option<PodName> {
        self.pods.get(uid).cloned()
    }

    /// Gives what is known of a container.
    pub(super) fn container(&self, id: &[u8]) -> Option<Found> {
        self.containers.get(id).cloned()
    }
}

/// Gives the uid of a pod, and its name and namespace.
fn decode_pod(folder: &[u8]) -> Option<(Vec<u8>, PodName)> {
    let mut words = folder.split(|&b| b == b'_').map(<[u8]>::to_vec);
    let (namespace, name, uid) = (words.next()?, words.next()?, words.next()?);
    Some((uid, (name, namespace)))
}

fn decode_container(link: &[u8]) -> Option<(Vec<u8>, Found)> {
    let name = link.strip_suffix(b".log")?;
    let at = name.len().checked_sub(ID_DIGITS)?;
    let (before, id) = name.split_at_checked(at)?;
    let mut words = before.strip_suffix(b"-")?.split(|&b| b == b'_');
    let (pod, namespace, container) = (words.next()?, words.next()?, words.next()?);
    let found = Found {
        runtime: None,
        name: Some(container.to_vec()),
        pod: Some((pod.to_vec(), namespace.to_vec())),
        pod_uid: None,
    };
    Some((id.to_vec(), found))
}
