//! `plumb mem --by function`: which code wrote what waits to be sent, and which should have read what waits.
//!
//! Calls are watched for a while, then queues are looked at. A send queue of TCP is split by the sequence numbers
//! of the writes; of other sockets it belongs to the last writer. A receive queue belongs to the code that read
//! last, else to the code that made the socket. What is older than the watch is said to be so.

use std::collections::HashMap;
use std::time::Duration;

use plumb_analyze::functions::{Writer, proportional, split};
use plumb_analyze::lives::{Life, Lives, Origin};
use plumb_bpf::recorder::{Layer, Plan};
use plumb_collect::processes::details::Wanted as Details;
use plumb_model::id::Cookie;
use plumb_model::snapshot::{Kind, Snapshot, Socket};
use plumb_model::usage::Queue;
use plumb_present::json::stack::StackObject;
use plumb_present::report::{Cell, Column, Tone, stack, value};
use serde::Serialize;

use super::{Arguments, VERB, limits, read};
use crate::output::Output;
use crate::verbs::recording::Failure;
use crate::verbs::recording::code::Code;
use crate::verbs::recording::session::{Next, Session, gaps};
use crate::verbs::recording::whom::Whom;
use crate::verbs::report::Report;
use crate::verbs::status;
use crate::verbs::wanted::{Places, Wanted};

/// How long calls are watched when nobody says.
const USUAL_LENGTH: Duration = Duration::from_secs(5);
/// What is said of memory that no call was seen for, after the first that was.
const UNSEEN: &str = "(no call seen)";
/// What is said of what is older.
const BEFORE: &str = "(before plumb began, or in a call under way)";
/// What is said of calls whose stack could not be taken.
const NO_STACK: &str = "(no stack)";

/// One code path.
#[derive(Debug, Serialize)]
struct Row {
    name: String,
    total_bytes: u64,
    received_bytes: u64,
    send_bytes: u64,
    send_payload_bytes: u64,
    sockets: u64,
    code: Option<StackObject>,
}

const COLUMNS: [Column<Row>; 5] = [
    Column::new("total", "Total", |row: &Row| bytes(row.total_bytes)).right(),
    Column::new("received", "Received", |row: &Row| {
        bytes(row.received_bytes)
    })
    .right()
    .keep(90),
    Column::new("send", "To send", |row: &Row| bytes(row.send_bytes))
        .right()
        .keep(80),
    Column::new("sockets", "Sockets", |row: &Row| {
        Cell::new(row.sockets.to_string())
    })
    .right()
    .keep(40),
    Column::new("code", "Code", |row: &Row| {
        Cell::new(row.name.as_str()).with(Tone::Strong)
    })
    .shrink_to(24),
];

fn bytes(count: u64) -> Cell<'static> {
    Cell::new(value::bytes(count))
}

/// Watches and shows; gives the exit status.
pub fn run(arguments: &Arguments, wanted: &Wanted) -> u8 {
    match watch(arguments, wanted) {
        Ok(status) => status,
        Err(failure) => status::complain(VERB, &failure.text, failure.status),
    }
}

fn watch(arguments: &Arguments, wanted: &Wanted) -> Result<u8, Failure> {
    let whom = Whom {
        whose: arguments.whose.clone(),
        command: Vec::new(),
    };
    let plan = Plan {
        scope: whom.scope()?,
        layers: vec![Layer::Opening, Layer::Functions],
        ..Plan::default()
    };
    let length = arguments.length.unwrap_or(USUAL_LENGTH);
    let mut session = Session::begin(&whom.unfiltered(), &plan, Some(length))?;
    let mut lives = Lives::default();
    session.run(|event, _| drop(lives.take(event)), |_| Next::GoOn);
    let snapshot = read(wanted, true, Details::default());
    let queues = session.queues();
    let followed = session.followed();
    let places = wanted.places(&snapshot, followed.as_deref());
    let mut reasons = session.reasons();
    reasons.extend(gaps(&snapshot));
    reasons.extend(places.reason());
    let sums = sums(&snapshot, &places, &queues, &lives, &mut session.code);
    let rows = rows(sums, &mut session.code);
    let (mut footer, members) = limits::read(&snapshot);
    footer.extend(session.code.hints());
    Ok(Report {
        verb: VERB,
        schema: "plumb.mem/1",
        array: "groups",
        columns: &COLUMNS,
        chosen: &[],
        rows: &rows,
        members,
        footer,
        reasons,
    }
    .write(&arguments.form, &mut Output::stdout()))
}

/// Sums of one code path.
#[derive(Debug, Default, Clone, Copy)]
struct Sum {
    received: u64,
    send: u64,
    payload: u64,
    sockets: u64,
}

/// Adds up the memory of the sockets that are wanted by the code behind it.
fn sums(
    snapshot: &Snapshot,
    places: &Places,
    queues: &HashMap<Cookie, Queue>,
    lives: &Lives,
    code: &mut Code,
) -> HashMap<Writer, Sum> {
    let mut sums: HashMap<Writer, Sum> = HashMap::new();
    let none = Queue::default();
    for (place, socket) in snapshot.sockets.iter().enumerate() {
        let Some(memory) = socket.memory.as_ref().filter(|_| places.wants(place)) else {
            continue;
        };
        let [received, _, wmem, _, _, queued, ..] = memory.words.map(u64::from);
        let cookie = socket.cookie.ok();
        let queue = cookie
            .and_then(|cookie| queues.get(&cookie))
            .unwrap_or(&none);
        let life = cookie.and_then(|cookie| lives.get(cookie));
        let payload = to_send(socket, queue);
        let memory = proportional(&payload, queued.max(wmem));
        let mut here: HashMap<Writer, Sum> = HashMap::new();
        for (writer, bytes) in payload {
            here.entry(path(writer, code)).or_default().payload += bytes;
        }
        for (writer, bytes) in memory {
            here.entry(path(writer, code)).or_default().send += bytes;
        }
        let reader = path(reader(queue, life), code);
        here.entry(reader).or_default().received += received;
        for (writer, sum) in here {
            if sum.received + sum.send > 0 {
                let all = sums.entry(writer).or_default();
                all.received += sum.received;
                all.send += sum.send;
                all.payload += sum.payload;
                all.sockets += 1;
            }
        }
    }
    sums
}

/// Gives who wrote what waits to be sent or acknowledged, in bytes of payload where those are known.
fn to_send(socket: &Socket, queue: &Queue) -> Vec<(Writer, u64)> {
    let queued = socket.send_q.ok().unwrap_or(0);
    match socket.kind {
        Kind::Tcp if socket.is_listener() => Vec::new(),
        Kind::Tcp => {
            let acked = socket.tcp.as_deref().map(|info| info.bytes_acked);
            split(queue, queued, acked)
        }
        _ => match queue.last_writer {
            Some(code) => vec![(Writer::Code(code), queued.max(1))],
            None => Vec::new(),
        },
    }
}

/// Gives the code that reads a socket, or made it.
fn reader(queue: &Queue, life: Option<&Life>) -> Writer {
    let maker = life.filter(|life| life.origin != Origin::Older);
    let code = queue.last_reader.or_else(|| maker?.made_by);
    code.map_or(Writer::Before, Writer::Code)
}

/// Gives one name for all stacks of the same code.
fn path(writer: Writer, code: &mut Code) -> Writer {
    match writer {
        Writer::Code(id) => Writer::Code(code.path(id)),
        other => other,
    }
}

fn rows(sums: HashMap<Writer, Sum>, code: &mut Code) -> Vec<Row> {
    let mut sums: Vec<(Writer, Sum)> = sums.into_iter().collect();
    sums.sort_by(|(a, x), (b, y)| {
        (y.received + y.send)
            .cmp(&(x.received + x.send))
            .then(a.cmp(b))
    });
    let row = |(writer, sum): &(Writer, Sum)| {
        let stack = match writer {
            Writer::Code(id) => code.stack(*id),
            Writer::NoStack | Writer::Unseen | Writer::Before => None,
        };
        Row {
            name: match (&stack, writer) {
                (Some(stack), _) => stack::short(stack),
                (None, Writer::Unseen) => UNSEEN.to_owned(),
                (None, Writer::Before) => BEFORE.to_owned(),
                (None, _) => NO_STACK.to_owned(),
            },
            total_bytes: sum.received + sum.send,
            received_bytes: sum.received,
            send_bytes: sum.send,
            send_payload_bytes: sum.payload,
            sockets: sum.sockets,
            code: stack.as_deref().map(StackObject::from),
        }
    };
    sums.iter().map(row).collect()
}
