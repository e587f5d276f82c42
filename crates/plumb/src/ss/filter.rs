//! The expression of this run: read once, asked for every row.

use std::io::Read as _;

use plumb_filter::{Context, Error, Needs, Parsed, Piece, Row, Verdict};
use plumb_model::Known;

use super::Spelling;
use super::machine::Machine;
use super::options::selection::{Families, Family, Table};
use super::options::{Options, Stop};

/// Exit status when an expression was not understood that the original has no words for.
const NOT_UNDERSTOOD: u8 = 2;

/// SYN_RECV, TIME_WAIT, CLOSE, LISTEN: states in which a socket has no clocks of a connection.
const NO_CONNECTION: [u8; 4] = [3, 6, 7, 10];

/// An expression, compiled for the kernel as far as that goes.
#[derive(Debug, Default)]
pub struct Filter {
    parsed: Parsed,
    program: Option<Vec<u8>>,
    /// Rows that were not shown because a fact they are judged by is not known.
    pub undecided: u64,
}

/// Reads the expression: operands first, then the lines of the filter file. A family that it names
/// replaces the selected ones.
pub fn read(
    options: &mut Options,
    machine: &mut Machine,
    spelling: Spelling,
) -> Result<Filter, Stop> {
    let mut pieces = Piece::arguments(std::mem::take(&mut options.operands));
    if let Some(mut file) = machine.filter_file.take() {
        // A file that cannot be read ends there, as the original has it.
        let mut text = Vec::new();
        let _ = file.read_to_end(&mut text);
        pieces.extend(Piece::lines(&text));
    }
    let selection = &mut options.selection;
    let context = Context {
        preferred: selection.preferred.map(named),
        tcp: selection.tables.contains(Table::Tcp),
        udp: selection.tables.contains(Table::Udp),
        extended: spelling == Spelling::Extended,
        strict: false,
        wide_ports: options.view.release.since(6, 6),
    };
    let parsed = match plumb_filter::parse(&pieces, &context, machine) {
        Ok(parsed) => parsed,
        Err(error) if options.explain_filter => return Err(point(&error, &pieces)),
        Err(error) => return Err(refuse(&error, &pieces, context, machine)),
    };
    if let Some(family) = parsed.family {
        selection.families = Families::only(selected(family));
    }
    let program = parsed.expr.as_ref().and_then(plumb_filter::bytecode);
    Ok(Filter {
        parsed,
        program,
        undecided: 0,
    })
}

/// Refuses an expression: as the original does, unless it would refuse another one, because this one
/// was meant to use a test of plumb's own.
fn refuse(error: &Error, pieces: &[Piece], context: Context, machine: &mut Machine) -> Stop {
    let report = error.report();
    if context.extended {
        let original = Context {
            extended: false,
            ..context
        };
        let theirs = plumb_filter::parse(pieces, &original, machine);
        if theirs.err().map(|error| error.report()).as_ref() != Some(&report) {
            return point(error, pieces);
        }
    }
    if report.usage {
        Stop::Usage(report.stderr)
    } else {
        Stop::Complaint(report.stderr, report.status)
    }
}

/// Refuses an expression in our words, which show the place.
fn point(error: &Error, pieces: &[Piece]) -> Stop {
    let text = format!("ss: {}\n", error.pointing(pieces));
    Stop::Complaint(text.into_bytes(), NOT_UNDERSTOOD)
}

impl Filter {
    /// Says whether there is an expression at all.
    pub fn is_some(&self) -> bool {
        self.parsed.expr.is_some()
    }

    /// Says whether a row is wanted.
    pub fn matches(&mut self, row: &dyn Row) -> bool {
        let Some(expr) = &self.parsed.expr else {
            return true;
        };
        match expr.evaluate(row) {
            Verdict::Match => true,
            Verdict::Miss => false,
            Verdict::Unknown => {
                self.undecided += u64::from(self.could_be_known(row));
                false
            }
        }
    }

    /// Says whether what was asked exists for such a row: a listener has no round trip time, and
    /// nobody misses it.
    fn could_be_known(&self, row: &dyn Row) -> bool {
        let needs = self.needs();
        let only_of_connections = (needs.info || needs.age) && !needs.owners;
        let has_none = matches!(row.state(), Known::Known(state) if NO_CONNECTION.contains(&state));
        !(only_of_connections && has_none)
    }

    /// Gives the program for the kernel, where the expression has one.
    pub fn program(&self) -> Option<&[u8]> {
        self.program.as_deref()
    }

    /// Gives the facts that have to be collected for the expression.
    pub fn needs(&self) -> Needs {
        self.parsed.needs
    }

    /// Says how the expression was understood.
    pub fn explain(&self) -> String {
        plumb_filter::explain(&self.parsed)
    }
}

/// The family's name in the filter language.
fn named(family: Family) -> plumb_filter::Family {
    use plumb_filter::Family as Named;
    match family {
        Family::Inet => Named::Inet,
        Family::Inet6 => Named::Inet6,
        Family::Unix => Named::Unix,
        Family::Link => Named::Link,
        Family::Netlink => Named::Netlink,
        Family::Vsock => Named::Vsock,
        Family::Tipc => Named::Tipc,
        Family::Xdp => Named::Xdp,
    }
}

fn selected(family: plumb_filter::Family) -> Family {
    use plumb_filter::Family as Named;
    match family {
        Named::Inet => Family::Inet,
        Named::Inet6 => Family::Inet6,
        Named::Unix => Family::Unix,
        Named::Link => Family::Link,
        Named::Netlink => Family::Netlink,
        Named::Vsock => Family::Vsock,
        Named::Tipc => Family::Tipc,
        Named::Xdp => Family::Xdp,
    }
}
