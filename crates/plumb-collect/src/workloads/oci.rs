//! containerd and CRI-O: the OCI configuration of each running container, whose annotations say what
//! Kubernetes called it.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::config_file::Folder;
use super::{Found, kubelet};

/// State folders of containerd, and of the one in k3s; below them one for each of its namespaces.
const CONTAINERD: [&str; 2] = [
    "run/containerd/io.containerd.runtime.v2.task",
    "run/k3s/containerd/io.containerd.runtime.v2.task",
];

#[derive(Deserialize)]
struct Config {
    #[serde(default)]
    annotations: Option<BTreeMap<String, String>>,
}

/// Finds a container of containerd.
pub(super) fn find(system: &Folder, id: &[u8]) -> Option<Found> {
    let id = std::str::from_utf8(id).ok()?;
    CONTAINERD.iter().find_map(|state| {
        system.list(state).iter().find_map(|namespace| {
            let namespace = std::str::from_utf8(namespace).ok()?;
            let config: Config =
                system.read_json(&format!("{state}/{namespace}/{id}/config.json"))?;
            let annotations = config.annotations.unwrap_or_default();
            Some(Found {
                runtime: Some("containerd"),
                ..kubelet::from_annotations(&annotations).unwrap_or_default()
            })
        })
    })
}

/// Finds a container of CRI-O by its configuration beside the store.
pub(super) fn find_stored(base: &Folder, stores: &[&str], id: &[u8]) -> Option<Found> {
    let id = std::str::from_utf8(id).ok()?;
    stores.iter().find_map(|store| {
        let path = format!("{store}/overlay-containers/{id}/userdata/config.json");
        let config: Config = base.read_json(&path)?;
        let found = kubelet::from_annotations(&config.annotations?)?;
        Some(Found {
            runtime: Some("cri-o"),
            ..found
        })
    })
}
