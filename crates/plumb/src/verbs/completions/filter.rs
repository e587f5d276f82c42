//! What may stand at the end of a filter: tests, operators, `and` and `or`, and values of this moment.

use plumb_filter::{Entry, Reading, entries};

use super::words::beginning_with;
use super::{Candidate, values};

/// The original's tests.
const ORIGINAL: [(&str, &str); 8] = [
    ("src", "local address, prefix or name, and port"),
    ("dst", "the other end's"),
    ("sport", "local port"),
    ("dport", "the other end's port"),
    ("dev", "interface it is bound to"),
    ("fwmark", "mark"),
    ("cgroup", "cgroup the socket was made in"),
    ("autobound", "the kernel chose the local port"),
];
/// Operators, all and those of what cannot be ordered.
const OPERATORS: [&str; 6] = ["=", "!=", "<", ">", "<=", ">="];
const UNORDERED: usize = 2;

/// Gives what the last word may become, behind the words of a filter before it. The last one may hold
/// blanks when it stands between quotes.
pub fn complete(words: &[String], last: &str) -> Vec<Candidate> {
    let (before, begun) = last.split_at(last.rfind([' ', '\t']).map_or(0, |blank| blank + 1));
    let tokens: Vec<&str> = words
        .iter()
        .map(String::as_str)
        .chain(std::iter::once(before))
        .flat_map(str::split_whitespace)
        .collect();
    // `process=ng` is one word.
    if let Some(at) = begun.find(['=', '!', '<', '>'])
        && at > 0
    {
        let (name, rest) = begun.split_at(at);
        let value = rest.trim_start_matches(['=', '!', '<', '>']);
        let head = format!("{before}{}", begun.strip_suffix(value).unwrap_or(begun));
        return beginning_with(of_test(name, value), &head, value);
    }
    beginning_with(expected(&tokens, begun), before, begun)
}

/// What may follow these tokens.
fn expected(tokens: &[&str], begun: &str) -> Vec<Candidate> {
    match tokens {
        [.., name, operator] if OPERATORS.contains(operator) => of_test(name, begun),
        [.., name] if is_test(name) && !follows_operator(tokens) => {
            let operators = if is_ordered(name) {
                OPERATORS.len()
            } else {
                UNORDERED
            };
            let operators = OPERATORS.iter().take(operators);
            operators
                .map(|operator| Candidate::new(*operator, ""))
                .collect()
        }
        []
        | [
            ..,
            "and" | "or" | "not" | "(" | "!" | "&" | "|" | "&&" | "||",
        ] => tests(begun),
        _ => {
            let mut candidates = tests(begun);
            candidates.extend(["and", "or"].map(|word| Candidate::new(word, "")));
            candidates
        }
    }
}

/// Whether the last token is an operand and no name, although it may spell one.
fn follows_operator(tokens: &[&str]) -> bool {
    matches!(tokens, [.., operator, _] if OPERATORS.contains(operator))
}

fn find(name: &str) -> Option<&'static Entry> {
    entries().iter().find(|entry| entry.names.contains(&name))
}

fn is_test(name: &str) -> bool {
    let original = ORIGINAL.iter().any(|(known, _)| *known == name);
    (original && name != "autobound") || find(name).is_some()
}

fn is_ordered(name: &str) -> bool {
    matches!(name, "sport" | "dport") || find(name).is_some_and(Entry::is_ordered)
}

/// The tests, and ports where one was begun.
fn tests(begun: &str) -> Vec<Candidate> {
    if begun.starts_with(':') {
        return with_colon(values::ports());
    }
    let mut candidates: Vec<Candidate> = ORIGINAL
        .iter()
        .map(|(name, about)| Candidate::new(*name, *about))
        .collect();
    candidates.extend(
        entries()
            .iter()
            .map(|entry| Candidate::new(entry.name(), entry.meaning)),
    );
    candidates.push(Candidate::new("not", ""));
    candidates
}

fn with_colon(ports: Vec<Candidate>) -> Vec<Candidate> {
    ports
        .into_iter()
        .map(|port| Candidate::new(format!(":{}", port.word), port.about))
        .collect()
}

/// The values of a test.
fn of_test(name: &str, begun: &str) -> Vec<Candidate> {
    match name {
        "sport" => return with_colon(values::local_ports()),
        "dport" => return with_colon(values::peer_ports()),
        "src" => return values::local_addresses(),
        "dst" => return values::peer_addresses(),
        "dev" => return values::interfaces(),
        _ => {}
    }
    let Some(entry) = find(name) else {
        return Vec::new();
    };
    match entry.reading {
        Reading::EitherPort if begun.starts_with(':') => with_colon(values::ports()),
        Reading::EitherPort => values::ports(),
        Reading::Local => values::local_addresses(),
        Reading::Peer => values::peer_addresses(),
        Reading::Pid => values::pids(),
        Reading::User => values::users(),
        Reading::Netns => values::namespaces(),
        Reading::Kind => fixed(plumb_filter::KINDS),
        Reading::State => fixed(plumb_filter::state_words()),
        Reading::Owner => fixed(["known", "unknown"]),
        Reading::Text(attribute) => values::texts(attribute),
        // A number could be any.
        Reading::Number(..) | Reading::Fd => vec![Candidate::new(entry.example, "as an example")],
        _ => Vec::new(),
    }
}

fn fixed(words: impl IntoIterator<Item = &'static str>) -> Vec<Candidate> {
    words
        .into_iter()
        .map(|word| Candidate::new(word, ""))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn completed(words: &[&str], last: &str) -> Vec<String> {
        let words: Vec<String> = words.iter().map(|&word| word.to_owned()).collect();
        let candidates = complete(&words, last);
        candidates
            .into_iter()
            .map(|candidate| candidate.word)
            .collect()
    }

    #[test]
    fn a_test_is_followed_by_an_operator_and_that_by_a_value() {
        assert_eq!(completed(&[], "proc"), ["process"]);
        assert_eq!(completed(&["process"], ""), ["=", "!="]);
        assert_eq!(completed(&["rtt"], ""), ["=", "!=", "<", ">", "<=", ">="]);
        assert_eq!(completed(&["state", "="], "lis"), ["listen", "listening"]);
        assert_eq!(completed(&["state = listen"], "an"), ["and"]);
        assert_eq!(completed(&["state = listen and"], "an"), [""; 0]);
        assert_eq!(completed(&["owner", "="], ""), ["known", "unknown"]);
    }

    #[test]
    fn between_quotes_the_whole_text_stays() {
        assert_eq!(completed(&[], "pid = 1 and proc"), ["pid = 1 and process"]);
        assert_eq!(completed(&[], "state = close-w"), ["state = close-wait"]);
        assert_eq!(
            completed(&[], "( kind = u_"),
            ["( kind = u_str", "( kind = u_dgr", "( kind = u_seq"]
        );
    }

    #[test]
    fn a_glued_test_is_completed_behind_its_operator() {
        assert_eq!(
            completed(&[], "state=lis"),
            ["state=listen", "state=listening"]
        );
        assert_eq!(completed(&[], "owner!=k"), ["owner!=known"]);
        assert_eq!(completed(&[], "nonsense="), [""; 0]);
    }
}
