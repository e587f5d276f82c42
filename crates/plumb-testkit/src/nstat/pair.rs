//! Both programs side by side, each with a memory of its own.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::differential::{Call, Difference, Lab, Outcome, Program, Rule, Tool};
use crate::temp::TempDir;

/// The variables that tell nstat where its tables are, and the names of the files.
const TABLES: [(&str, &str); 4] = [
    ("PROC_NET_SNMP", "snmp"),
    ("PROC_NET_SNMP6", "snmp6"),
    ("PROC_NET_NETSTAT", "netstat"),
    ("PROC_NET_SCTP_SNMP", "sctp"),
];

/// The two programs, the tables they read and what each remembers.
#[derive(Debug)]
pub struct Pair {
    lab: Lab,
    dir: TempDir,
}

impl Pair {
    /// Installs both programs.
    pub fn new(ours: &Path) -> io::Result<Self> {
        Ok(Self {
            lab: Lab::of(Tool::NSTAT, ours)?,
            dir: TempDir::new("nstat")?,
        })
    }

    /// The directory of the tables `snmp`, `snmp6`, `netstat` and `sctp`.
    pub fn tables(&self) -> &Path {
        self.dir.path()
    }

    /// Names the state in reports.
    pub fn set_situation(&mut self, situation: String) {
        self.lab.situation = situation;
    }

    /// The history file of one of the programs.
    pub fn history(&self, program: Program) -> PathBuf {
        self.lab.work().join(match program {
            Program::Original => "history-original",
            Program::Ours => "history-ours",
        })
    }

    /// Prepares both history files alike.
    pub fn remember(&self, mut prepare: impl FnMut(&Path) -> io::Result<()>) -> io::Result<()> {
        for program in [Program::Original, Program::Ours] {
            prepare(&self.history(program))?;
        }
        Ok(())
    }

    /// Forgets everything: tables, histories and what else lies beside them.
    pub fn clear(&self) -> io::Result<()> {
        self.dir.clear()?;
        for entry in fs::read_dir(self.lab.work())? {
            let path = entry?.path();
            if path.is_dir() && !path.is_symlink() {
                fs::remove_dir_all(path)?;
            } else {
                fs::remove_file(path)?;
            }
        }
        Ok(())
    }

    /// Runs one of the programs with the tables and its own history.
    pub fn run(&self, program: Program, call: &Call) -> io::Result<Outcome> {
        let mut call = call.clone();
        let mut environment: Vec<_> = TABLES
            .iter()
            .map(|(variable, file)| (*variable, self.dir.path().join(file).into()))
            .collect();
        // A name without a value has what its memory held before; glibc is told to make that 0.
        environment.push(("MALLOC_PERTURB_", "255".into()));
        environment.push(("NSTAT_HISTORY", self.history(program).into()));
        // What the caller sets comes last and wins.
        environment.append(&mut call.environment);
        call.environment = environment;
        self.lab.run(program, &call)
    }

    /// Runs both and compares what they print and what they remember. `None` in place of a
    /// difference means that the original crashed: there is nothing to compare.
    pub fn compare(&self, call: &Call) -> io::Result<Option<Result<(), Box<Difference>>>> {
        let original = self.run(Program::Original, call)?;
        let ours = self.run(Program::Ours, call)?;
        if original.crashed() && !ours.crashed() {
            return Ok(None);
        }
        let is_usage = original
            .stderr
            .split(|&b| b == b'\n')
            .any(|line| line.starts_with(b"Usage:"));
        let rule = if is_usage {
            Rule::Complaint
        } else {
            Rule::Exact
        };
        let what = match rule.difference(&original, &ours) {
            Some(what) => Some(what),
            None => self.memories_differ(),
        };
        Ok(Some(match what {
            None => Ok(()),
            Some(what) => Err(Box::new(Difference {
                situation: self.lab.situation.clone(),
                name: Tool::NSTAT.name,
                call: call.clone(),
                what,
                original,
                ours,
            })),
        }))
    }

    /// Says how the two history files differ, if they do.
    fn memories_differ(&self) -> Option<String> {
        let [original, ours] = [Program::Original, Program::Ours].map(|program| {
            let path = self.history(program);
            let mode = fs::symlink_metadata(&path).ok().map(|metadata| {
                use std::os::unix::fs::MetadataExt as _;
                (metadata.mode(), metadata.uid(), metadata.nlink())
            });
            (mode, fs::read(&path).unwrap_or_default())
        });
        (original != ours).then(|| {
            let shown = |content: &[u8]| String::from_utf8_lossy(content).into_owned();
            format!(
                "history file: the original's is {:?}\n{}ours is {:?}\n{}",
                original.0,
                shown(&original.1),
                ours.0,
                shown(&ours.1)
            )
        })
    }
}
