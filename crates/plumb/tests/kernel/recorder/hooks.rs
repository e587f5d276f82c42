//! The table of hooks in docs/trace.md, a column for each kernel of the matrix: what this kernel attaches is what its
//! column says, gaps included.

use plumb_analyze::abilities::hooks_in_words;
use plumb_bpf::recorder::{Layer, Plan, Recorder};

/// Where the table is.
const DOCUMENT: &str = include_str!("../../../../../docs/trace.md");
/// How its first line begins.
const HEAD: &str = "| what each kernel gives |";
/// The cell of what a kernel has no hook for.
const GAP: &str = "not seen";

/// What was asked for, in the order of the plan, and where it is seen.
fn attached() -> Vec<(&'static str, String)> {
    let mut cells = attached_of(&[
        Layer::Opening,
        Layer::Made,
        Layer::Reading,
        Layer::Faults,
        Layer::Queues,
        Layer::Drops,
        Layer::Calls,
        Layer::Traffic,
        Layer::Functions,
        Layer::Processes,
    ]);
    // By the programs of another layer, so not together with it; the states are in both.
    let apart = attached_of(&[Layer::Datagrams]);
    let new = apart.into_iter().filter(|cell| !cells.contains(cell));
    cells.extend(new.collect::<Vec<_>>());
    cells
}

fn attached_of(layers: &[Layer]) -> Vec<(&'static str, String)> {
    let plan = Plan {
        layers: layers.to_vec(),
        ..Plan::default()
    };
    let recorder = Recorder::start(&plan).expect("every kernel of the matrix has a recorder");
    let mut seen: Vec<(&'static str, Vec<&str>)> = Vec::new();
    for used in recorder.used() {
        match seen.iter_mut().find(|(sees, _)| *sees == used.sees) {
            Some((_, hooks)) => hooks.push(used.hook),
            None => seen.push((used.sees, vec![used.hook])),
        }
    }
    let mut cells: Vec<_> = seen
        .into_iter()
        .map(|(sees, hooks)| (sees, format!("`{}`", hooks_in_words(&hooks))))
        .collect();
    for gap in recorder.gaps() {
        println!("{}: {}", gap.sees, gap.why);
        assert!(!gap.why.is_empty(), "{}", gap.sees);
        cells.push((gap.sees, GAP.to_owned()));
    }
    cells
}

fn cells(line: &str) -> Vec<&str> {
    let line = line.trim().trim_matches('|');
    line.split('|').map(str::trim).collect()
}

/// The column of this kernel, by what is seen; `None` where the table has none.
fn documented(release: &str) -> Option<Vec<(&'static str, &'static str)>> {
    let mut lines = DOCUMENT.lines().skip_while(|line| !line.starts_with(HEAD));
    let head = cells(lines.next().expect("the table is there"));
    let is_it = |version: &&str| {
        let rest = release.strip_prefix(version);
        rest.is_some_and(|rest| !rest.starts_with(|next: char| next.is_ascii_digit()))
    };
    let column = head.iter().position(is_it)?;
    let rows = lines.skip(1).take_while(|line| line.starts_with('|'));
    let pair = |line| {
        let cells = cells(line);
        let cell = cells.get(column).copied().unwrap_or_default();
        (cells[0], cell)
    };
    Some(rows.map(pair).collect())
}

mod needs_root {
    use plumb_testkit::sandbox;

    use super::*;

    #[test]
    fn hooks_are_those_the_document_says_this_kernel_has() {
        sandbox::run(|| {
            let release = std::fs::read_to_string("/proc/sys/kernel/osrelease");
            let release = release.expect("/proc is mounted").trim().to_owned();
            let attached = attached();
            for (sees, cell) in &attached {
                println!("| {sees} | {cell} |");
            }
            let Some(documented) = documented(&release) else {
                assert!(std::env::var_os("PLUMB_NEED_BPF").is_none(), "no column");
                println!("the table has no column of {release}");
                return;
            };
            for (sees, cell) in &attached {
                let found = documented.iter().find(|(row, _)| row == sees);
                let found = found.unwrap_or_else(|| panic!("no row: {sees}"));
                assert_eq!(found.1, cell, "{sees} under {release}");
            }
            assert_eq!(documented.len(), attached.len(), "{documented:?}");
        });
    }
}
