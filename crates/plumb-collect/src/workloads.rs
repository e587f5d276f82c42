//! Names of containers and pods, as far as files of this machine tell them: nobody is asked.
//!
//! A cgroup's path has ids alone. Runtimes keep what belongs to them in their state folders, the kubelet in
//! the names of its log files. Everything is looked for when a container of its kind is met, once. Most of
//! these files are root's; those of rootless runtimes are below a home, which is the user's to fill as he
//! likes: there, nothing is followed elsewhere, and nothing but regular files is read.

mod config_file;
mod docker;
mod kubelet;
mod oci;
mod storage;

use std::path::{Path, PathBuf};

use plumb_model::attribution::{Pod, Workload};
use plumb_wire::workload::decode_slice_user;
use rustc_hash::FxHashMap;

use config_file::Folder;

/// Name and namespace of a pod.
type PodName = (Vec<u8>, Vec<u8>);

/// What was found of a container.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Found {
    /// Whose file told it.
    runtime: Option<&'static str>,
    /// The container's name.
    name: Option<Vec<u8>>,
    /// Its pod's name and namespace.
    pod: Option<PodName>,
    /// Its pod's uid.
    pod_uid: Option<Vec<u8>>,
}

/// Names of containers and pods, each looked up once.
pub struct Names {
    root: PathBuf,
    containers: FxHashMap<(Option<u32>, Vec<u8>), Found>,
    storages: FxHashMap<PathBuf, storage::Storage>,
    logs: Option<kubelet::Logs>,
}

impl Names {
    /// Looks below `root`, which is `/` but in tests.
    pub fn new(root: &Path) -> Self {
        Self {
            root: root.to_path_buf(),
            containers: FxHashMap::default(),
            storages: FxHashMap::default(),
            logs: None,
        }
    }

    /// Adds what can be found to what the path of a cgroup told.
    pub fn fill(&mut self, workload: &mut Workload, cgroup: &[u8]) {
        let found = match &workload.container {
            Some(container) if container.name.is_none() => self
                .container(decode_slice_user(cgroup), &container.id)
                .clone(),
            _ => Found::default(),
        };
        if let Some(container) = &mut workload.container {
            if container.runtime == "oci" {
                container.runtime = found.runtime.unwrap_or(container.runtime);
            }
            if container.name.is_none() {
                container.name = found.name;
            }
        }
        if workload.pod.is_none() {
            workload.pod = found.pod_uid.map(|uid| Pod {
                uid,
                name: None,
                namespace: None,
            });
        }
        if let Some(pod) = &mut workload.pod
            && pod.name.is_none()
        {
            let named = found.pod.or_else(|| self.logs().pod(&pod.uid));
            (pod.name, pod.namespace) = named.unzip();
        }
    }

    fn logs(&mut self) -> &kubelet::Logs {
        self.logs
            .get_or_insert_with(|| kubelet::Logs::read(&Folder::of_system(&self.root)))
    }

    fn container(&mut self, user: Option<u32>, id: &[u8]) -> &Found {
        let key = (user, id.to_vec());
        if !self.containers.contains_key(&key) {
            let found = self.look(user, id);
            self.containers.insert(key.clone(), found);
        }
        self.containers.entry(key).or_default()
    }

    fn look(&mut self, user: Option<u32>, id: &[u8]) -> Found {
        let system = Folder::of_system(&self.root);
        let home = user.and_then(|uid| Folder::of_home(&self.root, uid));
        let rootless = home.as_ref();
        docker::find(&system, id)
            .or_else(|| docker::find_rootless(rootless?, id))
            .or_else(|| self.stored(&system, &storage::SYSTEM, id))
            .or_else(|| self.stored(rootless?, &storage::ROOTLESS, id))
            .or_else(|| oci::find(&system, id))
            .or_else(|| self.logs().container(id))
            .unwrap_or_default()
    }

    /// Looks in stores of Podman and CRI-O, each of which is read once.
    fn stored(&mut self, base: &Folder, stores: &[&str], id: &[u8]) -> Option<Found> {
        let found = stores.iter().find_map(|store| {
            self.storages
                .entry(base.path(store))
                .or_insert_with(|| storage::Storage::read(base, store))
                .container(id)
        })?;
        // The names of CRI-O say the pod, its configuration says it as well.
        Some(oci::find_stored(base, stores, id).unwrap_or(found))
    }
}

#[cfg(test)]
mod tests;
