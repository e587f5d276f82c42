//! What one run of `plumb ls` wants: decided once from the command line, before anything is read.

use std::os::unix::ffi::OsStrExt as _;

use plumb_collect::port_range::PortRange;
use plumb_collect::processes::details::Wanted;
use plumb_collect::snapshot::Request;
use plumb_filter::{Context, Error, Expr, Parsed, Piece};
use plumb_present::ss::view::Release;

use super::Arguments;
use super::asks::Asks;
use super::columns::{self, Id, Spec};
use super::sort::{self, Key};
use crate::ss::machine::Machine;
use crate::verbs::form::Form;
use crate::verbs::status;

/// What is wanted.
pub struct Plan {
    /// The filter.
    pub filter: Parsed,
    /// What is asked of the kernel.
    pub request: Request,
    /// What is collected beside the rows.
    pub asks: Asks,
    /// The keys the rows are sorted by.
    pub keys: Vec<Key>,
    /// The columns that are shown, before those that are empty leave; of JSON, those whose members are.
    pub shown: Vec<Id>,
    /// The ports the kernel chooses from.
    pub ports: std::ops::RangeInclusive<i64>,
}

impl Plan {
    /// Decides; `Err` is the exit status after a complaint.
    pub fn new(arguments: &Arguments) -> Result<Self, u8> {
        let filter = filter(arguments)?;
        let specs = columns::all();
        let shown = shown(arguments, &specs)?;
        let keys = sort::keys(&arguments.sort, &specs).map_err(|word| no_column(word, &specs))?;
        let mut asks = Asks::of_filter(filter.needs);
        match arguments.group_by {
            Some(by) => asks |= by.asks(),
            None => {
                for spec in specs.iter().filter(|spec| shown.contains(&spec.id)) {
                    asks |= spec.asks;
                }
            }
        }
        for spec in keys.iter().filter_map(|key| key.spec(&specs)) {
            asks |= spec.asks;
        }
        if is_json(arguments) && asks.has(Asks::OWNERS) {
            asks |= Asks::OWNER_UID;
        }
        let range = PortRange::read();
        Ok(Self {
            request: request(arguments, &filter, asks),
            filter,
            asks,
            keys,
            shown,
            ports: i64::from(range.lowest)..=i64::from(range.highest),
        })
    }

    /// Gives the expression, where there is one.
    pub fn expr(&self) -> Option<&Expr> {
        self.filter.expr.as_ref()
    }
}

fn is_json(arguments: &Arguments) -> bool {
    matches!(arguments.form.form(), Form::Json | Form::Ndjson)
}

fn filter(arguments: &Arguments) -> Result<Parsed, u8> {
    let pieces = Piece::arguments(arguments.filter.iter().map(|word| word.as_bytes()));
    parse(&pieces).map_err(|error| status::complain("ls", &error.pointing(&pieces), status::USAGE))
}

/// Reads a filter in plumb's own language.
pub fn parse(pieces: &[Piece]) -> Result<Parsed, Error> {
    let context = Context {
        preferred: None,
        tcp: true,
        udp: true,
        extended: true,
        strict: true,
        wide_ports: true,
    };
    plumb_filter::parse(pieces, &context, &mut Machine::new(Release::NEWEST))
}

/// The columns asked for, or those that are usual for the form.
fn shown(arguments: &Arguments, specs: &[Spec<'_>]) -> Result<Vec<Id>, u8> {
    let all = || specs.iter().map(|spec| spec.id).collect();
    if !arguments.columns.is_empty() {
        if arguments.columns.iter().any(|word| word == "help") {
            return Ok(all());
        }
        let find = |word: &String| {
            let found = specs.iter().find(|spec| spec.column.key == word);
            found
                .map(|spec| spec.id)
                .ok_or_else(|| no_column(word, specs))
        };
        return arguments.columns.iter().map(find).collect();
    }
    if arguments.form.form() != Form::Table {
        // What somebody else has to be asked for is there when it is wanted.
        let wanted = |spec: &&Spec<'_>| spec.id != Id::MadeBy || arguments.adds(spec.id);
        return Ok(specs.iter().filter(wanted).map(|spec| spec.id).collect());
    }
    let wanted = |spec: &&Spec<'_>| !spec.column.wide_only || arguments.adds(spec.id);
    Ok(specs.iter().filter(wanted).map(|spec| spec.id).collect())
}

fn no_column(word: &str, specs: &[Spec<'_>]) -> u8 {
    let known: Vec<&str> = specs.iter().map(|spec| spec.column.key).collect();
    let text = format!("no column {word}; there are {}", known.join(", "));
    status::complain("ls", &text, status::USAGE)
}

fn request(arguments: &Arguments, filter: &Parsed, asks: Asks) -> Request {
    let expr = filter.expr.as_ref();
    let peers = asks.has(Asks::PEERS);
    Request {
        scope: arguments.selection.scope(),
        kinds: arguments.selection.kinds(expr, filter.family),
        // What the kernel keeps back cannot be the other end of what it gives.
        states: if peers {
            u32::MAX
        } else {
            arguments.selection.states(expr)
        },
        program: expr.filter(|_| !peers).and_then(plumb_filter::bytecode),
        peers,
        info: asks.has(Asks::INFO),
        memory: asks.has(Asks::MEMORY),
        owners: asks.has(Asks::OWNERS),
        details: Wanted {
            cmdline: asks.has(Asks::CMDLINE),
            exe: asks.has(Asks::EXE),
            uid: asks.has(Asks::OWNER_UID),
            cgroup: asks.has(Asks::CGROUP),
        },
    }
}
