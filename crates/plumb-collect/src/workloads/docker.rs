//! Docker: `config.v2.json` of each container, below its data folder.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::Found;
use super::config_file::Folder;
use super::kubelet;

/// Where Docker keeps its data if nobody told it otherwise.
const DATA: &str = "var/lib/docker";
/// The same of a rootless one, below the home.
const ROOTLESS: &str = ".local/share/docker";

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Container {
    #[serde(default)]
    name: String,
    #[serde(default)]
    config: Config,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase")]
struct Config {
    #[serde(default)]
    labels: Option<BTreeMap<String, String>>,
}

#[derive(Deserialize)]
struct Daemon {
    #[serde(rename = "data-root")]
    data_root: Option<String>,
}

/// Finds a container of the system's Docker.
pub(super) fn find(system: &Folder, id: &[u8]) -> Option<Found> {
    let daemon: Option<Daemon> = system.read_json("etc/docker/daemon.json");
    let moved = daemon.and_then(|daemon| daemon.data_root);
    let data = moved.as_deref().unwrap_or(DATA).trim_start_matches('/');
    read(system, data, id)
}

/// Finds a container of a user's own Docker.
pub(super) fn find_rootless(home: &Folder, id: &[u8]) -> Option<Found> {
    read(home, ROOTLESS, id)
}

fn read(base: &Folder, data: &str, id: &[u8]) -> Option<Found> {
    let id = std::str::from_utf8(id).ok()?;
    let container: Container = base.read_json(&format!("{data}/containers/{id}/config.v2.json"))?;
    let labels = container.config.labels.unwrap_or_default();
    let name = container.name.trim_start_matches('/');
    let mut found = kubelet::from_annotations(&labels)
        .or_else(|| kubelet::decode_name(name))
        .unwrap_or_else(|| Found {
            name: Some(name.into()).filter(|name: &Vec<u8>| !name.is_empty()),
            ..Found::default()
        });
    found.runtime = Some("docker");
    Some(found)
}
