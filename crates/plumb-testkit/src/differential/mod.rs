//! Runs the real netstat and ours on the same state and compares every byte they leave behind.
//!
//! To be used in a [`sandbox`](crate::sandbox): [`Lab::new`] covers `/etc` with files of its own,
//! [`Lab::freeze`] covers `/proc` with a frozen tree. Both programs are called as `netstat`, with
//! the same environment (`LC_ALL=C`) and for a bounded time; standard output, standard error and
//! exit status are compared under a [`Rule`], and a difference becomes a readable report.

mod compare;
pub mod etc;
mod mount;
mod report;
mod run;

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

pub use compare::Rule;
pub use mount::Mounted;
pub use report::Difference;
pub use run::{Call, End, Outcome, Until};

use crate::frozen::ProcTree;
use crate::temp::TempDir;

/// Where the original is.
const ORIGINAL: &str = "/usr/bin/netstat";
/// On living state both programs are run again this many times before a difference counts:
/// counters and timers may tick between the two.
const LIVE_ATTEMPTS: usize = 5;
/// On frozen state the original is run again this many times, to see whether it is stable.
const AGAIN: usize = 3;

/// Where plumb takes its sockets from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// What plumb chooses by itself.
    Own,
    /// `PLUMB_SOURCE=proc`.
    Proc,
    /// `PLUMB_SOURCE=netlink`, asking the kernel.
    Netlink,
    /// `PLUMB_SOURCE=netlink`, reading dumps from this directory.
    FrozenNetlink(PathBuf),
}

impl Source {
    fn environment(&self) -> Vec<(OsString, OsString)> {
        let name = "PLUMB_SOURCE".into();
        match self {
            Self::Own => Vec::new(),
            Self::Proc => vec![(name, "proc".into())],
            Self::Netlink => vec![(name, "netlink".into())],
            Self::FrozenNetlink(dir) => {
                vec![
                    (name, "netlink".into()),
                    ("PLUMB_DIAG_DIR".into(), dir.into()),
                ]
            }
        }
    }

    fn label(&self) -> &'static str {
        match self {
            Self::Own => "own choice",
            Self::Proc => "proc",
            Self::Netlink => "netlink",
            Self::FrozenNetlink(_) => "frozen netlink",
        }
    }
}

/// The two programs in a sandbox, and what they are to be shown.
#[derive(Debug)]
pub struct Lab {
    programs: TempDir,
    etc: TempDir,
    _etc_mount: Mounted,
    /// What the state is called in reports.
    pub situation: String,
    /// Where plumb takes its sockets from.
    pub source: Source,
    /// Whether counters and timers may tick: then the time left of timers is masked, and a
    /// difference must show several times.
    pub live: bool,
}

/// Which of the two programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Program {
    /// The netstat of net-tools.
    Original,
    /// The program under test.
    Ours,
}

impl Program {
    fn directory(self) -> &'static str {
        match self {
            Self::Original => "original",
            Self::Ours => "ours",
        }
    }
}

impl Lab {
    /// Installs both programs as `netstat` in directories of their own and covers `/etc`.
    pub fn new(ours: &Path) -> io::Result<Self> {
        let programs = TempDir::new("programs")?;
        for (program, path) in [
            (Program::Original, Path::new(ORIGINAL)),
            (Program::Ours, ours),
        ] {
            let dir = programs.path().join(program.directory());
            fs::create_dir(&dir)?;
            fs::copy(path, dir.join("netstat")).map_err(|error| {
                io::Error::new(error.kind(), format!("{}: {error}", path.display()))
            })?;
        }
        let etc = TempDir::new("etc")?;
        etc::Etc::default().write(etc.path())?;
        Ok(Self {
            programs,
            _etc_mount: Mounted::over(etc.path(), Path::new("/etc"))?,
            etc,
            situation: String::from("live"),
            source: Source::Own,
            live: true,
        })
    }

    /// Replaces the files in `/etc`.
    pub fn set_etc(&self, files: &etc::Etc) -> io::Result<()> {
        self.etc.clear()?;
        files.write(self.etc.path())
    }

    /// Covers `/proc` with a tree until the result is dropped; plumb is told to read it.
    pub fn freeze(&mut self, situation: &str, tree: &ProcTree) -> io::Result<Mounted> {
        situation.clone_into(&mut self.situation);
        self.source = Source::Proc;
        self.live = false;
        Mounted::over(tree.path(), Path::new("/proc"))
    }

    /// Gives the directory in which one of the programs is called `netstat`.
    pub fn directory(&self, program: Program) -> PathBuf {
        self.programs.path().join(program.directory())
    }

    /// Runs one of the programs.
    pub fn run(&self, program: Program, call: &Call) -> io::Result<Outcome> {
        run::run(&self.directory(program), call, &self.source.environment())
    }

    /// Runs both and compares what they leave.
    pub fn compare(&self, call: &Call, rule: &Rule) -> Result<(), Box<Difference>> {
        self.compare_calls(call, call, rule)
    }

    /// Runs the original with one call and ours with another, and compares what they leave. On
    /// frozen state the original must agree with itself; where it prints memory that it never set,
    /// there is nothing to compare with.
    pub fn compare_calls(
        &self,
        original: &Call,
        ours: &Call,
        rule: &Rule,
    ) -> Result<(), Box<Difference>> {
        let attempts = if self.live { LIVE_ATTEMPTS } else { 1 };
        let mut result = Ok(());
        for _ in 0..attempts {
            result = self.compare_once(original, ours, rule);
            if result.is_ok() {
                break;
            }
        }
        match result {
            Err(difference) if !self.live && !self.is_stable(original, &difference.original) => {
                println!(
                    "not compared, the original is unstable: {}",
                    difference.summary()
                );
                Ok(())
            }
            result => result,
        }
    }

    /// Says whether the original leaves the same when it is run again.
    fn is_stable(&self, call: &Call, outcome: &Outcome) -> bool {
        let again = (0..AGAIN).map(|_| self.run(Program::Original, call));
        call.until != Until::Exit || again.flatten().all(|again| again == *outcome)
    }

    fn compare_once(
        &self,
        original: &Call,
        ours: &Call,
        rule: &Rule,
    ) -> Result<(), Box<Difference>> {
        let mut outcomes =
            [(Program::Original, original), (Program::Ours, ours)].map(|(program, call)| {
                self.run(program, call)
                    .unwrap_or_else(|error| panic!("cannot run {call:?}: {error}"))
            });
        if self.live {
            outcomes.iter_mut().for_each(Outcome::mask_timers);
        }
        let [original_outcome, ours_outcome] = outcomes;
        match compare::difference(&original_outcome, &ours_outcome, rule) {
            None => Ok(()),
            Some(what) => Err(Box::new(Difference {
                situation: format!("{} ({})", self.situation, self.source.label()),
                call: ours.clone(),
                what,
                original: original_outcome,
                ours: ours_outcome,
            })),
        }
    }
}
