//! The stores of Podman and CRI-O (containers/storage): one list of containers for each store, with
//! their names.

use rustc_hash::FxHashMap;
use serde::Deserialize;

use super::config_file::Folder;
use super::{Found, kubelet};

/// The stores of the system; what is lost at shutdown has a list below `/run`.
pub(super) const SYSTEM: [&str; 2] = ["var/lib/containers/storage", "run/containers/storage"];
/// That of a user, below the home.
pub(super) const ROOTLESS: [&str; 1] = [".local/share/containers/storage"];
/// What folders of containers end in; the storage driver's name stands before it.
const SUFFIX: &[u8] = b"-containers";
/// The lists in it.
const LISTS: [&str; 2] = ["containers.json", "volatile-containers.json"];

#[derive(Deserialize)]
struct Container {
    id: String,
    #[serde(default)]
    names: Option<Vec<String>>,
}

/// The containers of a store, by id.
#[derive(Debug, Default)]
pub(super) struct Storage(FxHashMap<Vec<u8>, Found>);

impl Storage {
    /// Reads the lists of a store.
    pub(super) fn read(base: &Folder, store: &str) -> Self {
        let mut containers = FxHashMap::default();
        for folder in base.list(store) {
            let Some(folder) = std::str::from_utf8(&folder)
                .ok()
                .filter(|folder| folder.as_bytes().ends_with(SUFFIX))
            else {
                continue;
            };
            for list in LISTS {
                let list: Option<Vec<Container>> =
                    base.read_json(&format!("{store}/{folder}/{list}"));
                for container in list.unwrap_or_default() {
                    containers.insert(container.id.into_bytes(), found(container.names));
                }
            }
        }
        Self(containers)
    }

    /// Gives what is known of a container.
    pub(super) fn container(&self, id: &[u8]) -> Option<Found> {
        self.0.get(id).cloned()
    }
}

fn found(names: Option<Vec<String>>) -> Found {
    let name = names.unwrap_or_default().into_iter().next();
    let of_pod = name.as_deref().and_then(kubelet::decode_name);
    match of_pod {
        Some(found) => Found {
            runtime: Some("cri-o"),
            ..found
        },
        None => Found {
            runtime: Some("podman"),
            name: name.map(String::into_bytes),
            ..Found::default()
        },
    }
}
