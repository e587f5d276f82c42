//! What a filter asks, and whether events can answer.

use plumb_filter::{Attribute, Expr, Fact, Node, Predicate, Reading, Test, entries};

/// Refuses an expression with a test that no event answers, in words.
pub fn refuse(expr: &Expr) -> Result<(), String> {
    let Some((name, instead)) = tests(expr).find_map(silent) else {
        return Ok(());
    };
    Err(format!(
        "`{name}` cannot be asked of what is recorded: {instead}"
    ))
}

/// Says whether what is asked stays as it is once a connection has its ends and its holder.
pub fn is_lasting(expr: &Expr) -> bool {
    tests(expr).all(|test| match test {
        Test::Extended(Predicate::Number { fact, .. }) => {
            matches!(fact, Fact::Netns | Fact::Cookie | Fact::Uid)
        }
        Test::Extended(Predicate::States(_)) => false,
        _ => true,
    })
}

/// Says whether nothing but holders is asked about.
pub fn is_of_holders(expr: &Expr) -> bool {
    tests(expr).all(|test| match test {
        Test::Extended(Predicate::Pid(_)) => true,
        Test::Extended(Predicate::Number { fact, .. }) => *fact == Fact::Uid,
        Test::Extended(Predicate::Text { attribute, .. }) => {
            !matches!(attribute, Attribute::Kind | Attribute::Netns)
        }
        _ => false,
    })
}

/// Says whether a namespace is asked for by its name.
pub fn names_namespaces(expr: &Expr) -> bool {
    tests(expr).any(|test| {
        matches!(
            test,
            Test::Extended(Predicate::Text {
                attribute: Attribute::Netns,
                ..
            })
        )
    })
}

fn tests(expr: &Expr) -> impl Iterator<Item = &Test> {
    expr.nodes().iter().filter_map(|node| match node {
        Node::Test { test, .. } => Some(test),
        _ => None,
    })
}

/// Where the answer is, of what the kernel keeps at the socket.
const KEPT: &str = "the kernel keeps it at the socket (plumb ls FILTER asks there)";
/// The same, of what belongs to the time of a reading.
const READING: &str = "only a reading of all sockets tells (plumb ls FILTER)";

/// Gives the name of a test that no event answers, and what to do; `None` for one that has an answer.
fn silent(test: &Test) -> Option<(&'static str, &'static str)> {
    let predicate = match test {
        Test::Device(_) => return Some(("dev", KEPT)),
        Test::Mark { .. } => return Some(("fwmark", KEPT)),
        Test::Cgroup(_) => return Some(("cgroup", "say --cgroup PATH")),
        Test::Extended(predicate) => predicate,
        _ => return None,
    };
    let instead = match predicate {
        Predicate::Number { fact, .. } => match fact {
            Fact::Unread
            | Fact::AgeUs
            | Fact::Retrans
            | Fact::BytesSent
            | Fact::BytesReceived
            | Fact::Cookie
            | Fact::Uid
            | Fact::Netns => return None,
            _ => KEPT,
        },
        Predicate::Text { attribute, .. } => match attribute {
            Attribute::Kind
            | Attribute::Process
            | Attribute::Exe
            | Attribute::Cmdline
            | Attribute::Unit
            | Attribute::Container
            | Attribute::Pod
            | Attribute::Netns => return None,
            Attribute::Interface | Attribute::Timer => KEPT,
            _ => READING,
        },
        Predicate::Pid(_) | Predicate::States(_) => return None,
        _ => READING,
    };
    Some((test_name(predicate), instead))
}

/// Gives the name of one of plumb's own tests.
fn test_name(predicate: &Predicate) -> &'static str {
    let is_it = |reading: Reading| match (predicate, reading) {
        (Predicate::Number { fact, .. }, Reading::Number(of, _)) => *fact == of,
        (Predicate::Text { attribute, .. }, Reading::Text(of)) => *attribute == of,
        (Predicate::Fd(_), Reading::Fd) | (Predicate::Owner { .. }, Reading::Owner) => true,
        _ => false,
    };
    let entry = entries().iter().find(|entry| is_it(entry.reading));
    entry.map_or("this test", |entry| entry.name())
}
