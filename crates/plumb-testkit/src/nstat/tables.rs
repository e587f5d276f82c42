//! Random contents of the four counter files, and what happens to them between two runs.

use std::fs;
use std::io;
use std::path::Path;

use crate::frozen::counters;
use crate::fuzz::damage::damage;
use crate::random::Random;

/// The files, as [`Tables::write`] names them.
const FILES: [&str; 4] = ["snmp", "snmp6", "netstat", "sctp"];

/// A table: blocks of named counters. One-line-each files have one block.
type Table = Vec<(String, Vec<(String, u64)>)>;

/// The counters a kernel would show, and what stands in the files.
#[derive(Debug, Clone)]
pub struct Tables {
    tables: [Table; 4],
}

impl Tables {
    /// Makes tables of some of the names that kernels know.
    pub fn new(random: &mut Random) -> Self {
        let mut share = [1, 5, 30, 100];
        let percent = share[random.below(share.len())];
        share = [0, 20, 60, 100];
        let idle = share[random.below(share.len())];
        let mut paired = |file| -> Table {
            let blocks = counters::blocks(file).into_iter();
            let chosen = blocks
                .map(|(name, names)| (name.to_owned(), choose(random, &names, percent, idle)));
            chosen
                .filter(|(_, counters)| !counters.is_empty())
                .collect()
        };
        let [snmp, netstat] = [paired(counters::SNMP), paired(counters::NETSTAT)];
        let mut single = |names: &[&str]| -> Table {
            vec![(String::new(), choose(random, names, percent, idle))]
        };
        let snmp6 = single(&counters::names(counters::SNMP6));
        let sctp = single(counters::SCTP);
        Self {
            tables: [snmp, snmp6, netstat, sctp],
        }
    }

    /// Gives names as nstat shows them, to take patterns from.
    pub fn names(&self) -> Vec<String> {
        let blocks = self.tables.iter().flatten();
        blocks
            .flat_map(|(block, counters)| {
                counters
                    .iter()
                    .map(move |(name, _)| format!("{block}{name}"))
            })
            .collect()
    }

    /// Lets some time pass: some counters grow, and now and then one is reset or a name comes or
    /// goes, as when a module is loaded.
    pub fn move_on(&mut self, random: &mut Random) {
        for (_, counters) in self.tables.iter_mut().flatten() {
            for (_, value) in counters.iter_mut() {
                match random.below(40) {
                    0 => *value = random.any_size(),
                    1..=14 => *value = value.wrapping_add(random.any_size() >> random.below(64)),
                    _ => {}
                }
            }
            if random.chance(3) && counters.len() > 1 {
                counters.remove(random.below(counters.len()));
            }
            if random.chance(3) && !counters.is_empty() {
                let again = random.pick(counters).clone();
                counters.insert(random.below(counters.len()), again);
            }
            if random.chance(2) {
                counters.reverse();
            }
        }
    }

    /// Writes the files below `dir`; each is missing, damaged or odd now and then.
    pub fn write(&self, random: &mut Random, dir: &Path) -> io::Result<()> {
        for (file, table) in FILES.iter().zip(&self.tables) {
            let path = dir.join(file);
            let mut text = text(random, file, table);
            match random.below(100) {
                0..=2 => {
                    if path.exists() {
                        fs::remove_file(path)?;
                    }
                    continue;
                }
                3..=8 => text = damage(random, &text),
                _ => {}
            }
            fs::write(path, text)?;
        }
        Ok(())
    }
}

/// Writes one table in the form of its file.
fn text(random: &mut Random, file: &str, table: &Table) -> Vec<u8> {
    let mut text = String::new();
    let odd = random.chance(10);
    for (block, counters) in table {
        let names: Vec<&str> = counters.iter().map(|(name, _)| &**name).collect();
        let mut values = counters.iter().map(|(_, value)| value.to_string());
        let mut value = |_: &str| values.next().unwrap_or_default();
        text += &match file {
            "snmp" | "netstat" => counters::block(block, &names, &mut value),
            _ if odd => counters::lines(&names, |name| {
                format!("{} {}", value(name), random.pick(RATES))
            }),
            _ => counters::lines(&names, &mut value),
        };
    }
    if odd && matches!(file, "snmp6" | "sctp") {
        let source: &&str = random.pick(SOURCES);
        text.insert_str(0, source);
    }
    text.into_bytes()
}
/// First lines that no kernel writes.
const SOURCES: &[&str] = &["#kernel\n", "#other\n", "#\n", "# x y\n"];
/// Third columns, as a sampler writes them and as nobody does.
const RATES: &[&str] = &[
    "0.0",
    "1.5",
    "-0.04",
    "123456.75",
    "nan",
    "-inf",
    "1e",
    "0x1p",
    "0x8.8p-1",
    "1e400",
    ".",
    "zz",
    "5e1.5",
    "infi",
    "1e-400",
    "0.25",
];

/// Chooses `percent` of the names, of which `idle` percent are 0.
fn choose(random: &mut Random, names: &[&str], percent: usize, idle: usize) -> Vec<(String, u64)> {
    let mut chosen = Vec::new();
    for name in names {
        if random.chance(percent) {
            let value = if random.chance(idle) {
                0
            } else {
                random.any_size()
            };
            chosen.push(((*name).to_owned(), value));
        }
    }
    chosen
}
