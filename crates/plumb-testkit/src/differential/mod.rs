//! Runs the real program and ours on the same state and compares every byte they leave behind.
//!
//! To be used in a [`sandbox`](crate::sandbox): [`Lab::of`] covers `/etc` with files of its own,
//! [`Lab::freeze`] covers `/proc` with a frozen tree. Both programs are called by the name of the
//! [`Tool`], with the same environment (`LC_ALL=C`) and for a bounded time, into a file or onto a
//! terminal; standard output, standard error and exit status are compared under a [`Rule`], and a
//! difference becomes a readable report.

mod compare;
pub mod etc;
mod mask;
mod mount;
mod report;
mod run;
mod stream;
mod tool;

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

pub use compare::Rule;
pub use mount::Mounted;
pub use report::Difference;
pub use run::{Call, End, Outcome, Until};
pub use stream::Stdout;
pub use tool::Tool;

use run::Place;

use crate::frozen::ProcTree;
use crate::temp::TempDir;

/// Programs that show their own process number get the one after this.
const PID_BEFORE: &str = "30000";
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
    tool: Tool,
    programs: TempDir,
    etc: TempDir,
    _etc_mount: Mounted,
    work: TempDir,
    /// What the state is called in reports.
    pub situation: String,
    /// Where plumb takes its sockets from.
    pub source: Source,
    /// Whether counters and timers may tick: then times are masked, and a difference must show several times.
    pub live: bool,
}

/// Which of the two programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Program {
    /// The one plumb stands in for.
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
    /// Installs netstat and ours, as [`Lab::of`] does.
    pub fn new(ours: &Path) -> io::Result<Self> {
        Self::of(Tool::NETSTAT, ours)
    }

    /// Installs both programs under the tool's name in directories of their own and covers `/etc`.
    pub fn of(tool: Tool, ours: &Path) -> io::Result<Self> {
        let programs = TempDir::new("programs")?;
        for (program, path) in [
            (Program::Original, Path::new(tool.original)),
            (Program::Ours, ours),
        ] {
            let dir = programs.path().join(program.directory());
            fs::create_dir(&dir)?;
            fs::copy(path, dir.join(tool.name)).map_err(|error| {
                io::Error::new(error.kind(), format!("{}: {error}", path.display()))
            })?;
        }
        let etc = TempDir::new("etc")?;
        etc::Etc::default().write(etc.path())?;
        Ok(Self {
            tool,
            programs,
            _etc_mount: Mounted::over(etc.path(), Path::new("/etc"))?,
            etc,
            work: TempDir::new("work")?,
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

    /// Gives the directory in which one of the programs has the tool's name.
    pub fn directory(&self, program: Program) -> PathBuf {
        self.programs.path().join(program.directory())
    }

    /// Gives the directory in which programs run: relative names in a call are files in it.
    pub fn work(&self) -> &Path {
        self.work.path()
    }

    /// Runs one of the programs.
    pub fn run(&self, program: Program, call: &Call) -> io::Result<Outcome> {
        let environment = self.source.environment();
        let place = Place {
            directory: &self.directory(program),
            name: self.tool.name,
            work: self.work.path(),
            pid_before: self.tool.shows_itself.then_some(PID_BEFORE),
        };
        run::run(&place, call, &environment)
    }

    /// Runs both and compares what they leave.
    pub fn compare(&self, call: &Call, rule: &Rule) -> Result<(), Box<Difference>> {
        self.compare_calls(call, call, rule)
    }

    /// Runs both in surroundings that are made anew for each run and end with it: what a program
    /// changes, the other must not see changed.
    pub fn compare_among<T>(
        &self,
        call: &Call,
        rule: &Rule,
        mut surroundings: impl FnMut() -> T,
    ) -> Result<(), Box<Difference>> {
        self.compare_runs(call, rule, |program| {
            let surroundings = surroundings();
            let outcome = self.run(program, call);
            drop(surroundings);
            outcome
        })
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
        let result = self.compare_runs(ours, rule, |program| match program {
            Program::Original => self.run(program, original),
            Program::Ours => self.run(program, ours),
        });
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

    fn compare_runs(
        &self,
        call: &Call,
        rule: &Rule,
        mut run: impl FnMut(Program) -> io::Result<Outcome>,
    ) -> Result<(), Box<Difference>> {
        let attempts = if self.live { LIVE_ATTEMPTS } else { 1 };
        let mut result = Ok(());
        for _ in 0..attempts {
            result = self.compare_once(call, rule, &mut run);
            if result.is_ok() {
                break;
            }
        }
        result
    }

    /// Says whether the original leaves the same when it is run again.
    fn is_stable(&self, call: &Call, outcome: &Outcome) -> bool {
        let again = (0..AGAIN).map(|_| self.run(Program::Original, call));
        call.until != Until::Exit || again.flatten().all(|again| again == *outcome)
    }

    fn compare_once(
        &self,
        call: &Call,
        rule: &Rule,
        run: &mut impl FnMut(Program) -> io::Result<Outcome>,
    ) -> Result<(), Box<Difference>> {
        let mut outcomes = [Program::Original, Program::Ours].map(|program| {
            run(program).unwrap_or_else(|error| panic!("cannot run {call:?}: {error}"))
        });
        if self.live {
            for outcome in &mut outcomes {
                outcome.stdout = (self.tool.mask)(&outcome.stdout);
            }
        }
        let [original_outcome, ours_outcome] = outcomes;
        match compare::difference(&original_outcome, &ours_outcome, rule) {
            None => Ok(()),
            Some(what) => Err(Box::new(Difference {
                situation: format!("{} ({})", self.situation, self.source.label()),
                name: self.tool.name,
                call: call.clone(),
                what,
                original: original_outcome,
                ours: ours_outcome,
            })),
        }
    }
}
