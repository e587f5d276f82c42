//! Network namespaces that one thread lives in: nothing names them, and they go with their value.

use std::fs::File;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::process::Command;
use std::sync::mpsc::{Sender, channel};
use std::thread::JoinHandle;

use nix::sched::{CloneFlags, unshare};

/// What the thread is given to do.
type Job = Box<dyn FnOnce() + Send>;

/// A network namespace with its loopback up.
pub struct Namespace {
    /// Its inode in nsfs.
    pub id: u64,
    /// The thread in it.
    pub tid: u32,
    jobs: Option<Sender<Job>>,
    thread: Option<JoinHandle<()>>,
}

impl Namespace {
    /// Makes one. Needs root.
    pub fn new() -> io::Result<Self> {
        let (jobs, queue) = channel::<Job>();
        let thread = std::thread::Builder::new()
            .name("namespace".to_owned())
            .spawn(move || queue.into_iter().for_each(|job| job()))?;
        let mut namespace = Self {
            id: 0,
            tid: 0,
            jobs: Some(jobs),
            thread: Some(thread),
        };
        (namespace.id, namespace.tid) = namespace.inside(|| {
            unshare(CloneFlags::CLONE_NEWNET)?;
            crate::loopback::bring_up()?;
            let id = std::fs::metadata("/proc/thread-self/ns/net")?.ino();
            let tid = rustix::thread::gettid().as_raw_nonzero().get();
            Ok::<_, io::Error>((id, tid.cast_unsigned()))
        })?;
        Ok(namespace)
    }

    /// Does something inside, and gives what came of it.
    pub fn inside<T: Send + 'static>(&self, job: impl FnOnce() -> T + Send + 'static) -> T {
        let (tell, told) = channel();
        let job = Box::new(move || {
            // Whoever asked is waiting.
            let _ = tell.send(job());
        });
        let jobs = self.jobs.as_ref().expect("it is there until it is dropped");
        jobs.send(job).expect("the thread waits for jobs");
        told.recv().expect("a job that panics has said so")
    }

    /// Opens the namespace's file.
    pub fn open(&self) -> io::Result<File> {
        let pid = std::process::id();
        File::open(format!("/proc/{pid}/task/{}/ns/net", self.tid))
    }

    /// Connects it with another one by a veth pair: `10.0.N.1/24` here, `10.0.N.2/24` there.
    pub fn connect(&self, other: &Self, number: u8) -> io::Result<()> {
        let far = other.tid.to_string();
        let names = [format!("near{number}"), format!("far{number}")];
        let [near_name, far_name] = names.clone();
        self.inside(move || {
            ip(&[
                "link", "add", &near_name, "type", "veth", "peer", "name", &far_name, "netns", &far,
            ])
        })?;
        for (namespace, name, host) in [(self, &names[0], 1), (other, &names[1], 2)] {
            let (name, address) = (name.clone(), format!("10.0.{number}.{host}/24"));
            namespace.inside(move || {
                ip(&["address", "add", &address, "dev", &name])?;
                ip(&["link", "set", &name, "up"])
            })?;
        }
        Ok(())
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        drop(self.jobs.take());
        if let Some(thread) = self.thread.take() {
            // One that panicked has said so.
            let _ = thread.join();
        }
    }
}

/// Runs `ip` in the namespace this thread is in.
pub(crate) fn ip(words: &[&str]) -> io::Result<()> {
    let output = Command::new("ip").args(words).output()?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(io::Error::other(format!("ip {}: {said}", words.join(" "))))
}
