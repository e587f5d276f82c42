//! docs/tutorial.md and README.md name commands, and the tests run them.

use crate::shell::Shell;

/// The tests that are rows, as text: what is named in the page must be defined here, and what is typed
/// there must stand here.
const TESTS: &str = concat!(
    include_str!("needs_root/netstat.rs"),
    include_str!("needs_root/ss.rs"),
    include_str!("needs_root/nstat.rs"),
);

/// The tests of other commands.
const README_TESTS: &str = include_str!("needs_root/readme.rs");

/// The programs whose commands are looked for.
const PROGRAMS: [&str; 4] = ["netstat", "ss", "nstat", "plumb"];

fn page(name: &str) -> String {
    let path = format!("{}/../../{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(path).expect("the page is in the repository")
}

fn program(command: &str) -> Option<&str> {
    let word = command.split_whitespace().next()?;
    PROGRAMS.into_iter().find(|program| *program == word)
}

#[test]
fn every_row_of_the_page_has_its_test_or_says_what_it_waits_for() {
    let mut named = Vec::new();
    for row in page("docs/tutorial.md")
        .lines()
        .filter(|line| line.starts_with("| `") || line.starts_with("| kernel"))
    {
        let cells: Vec<&str> = row.split(" | ").collect();
        let last = cells.last().copied().unwrap_or_default();
        let test = last.trim_matches(|c| c == '|' || c == ' ' || c == '`');
        if test.is_empty() {
            assert!(
                row.contains("needs "),
                "a row without a test says what it needs: {row}"
            );
        } else {
            assert!(
                TESTS.contains(&format!("fn {test}()")),
                "no test named {test}"
            );
            assert_typed_in_tests(cells[0]);
            named.push(test.to_owned());
        }
    }
    let defined = TESTS.matches("#[test]").count();
    assert_eq!(
        defined,
        named.len(),
        "the page names each test once: {named:?}"
    );
}

/// Commands of ss and nstat stand in the page as the tests run them; those of netstat may have names
/// in capitals for what differs from run to run.
fn assert_typed_in_tests(cell: &str) {
    for command in cell.split('`').skip(1).step_by(2) {
        let command = command.replace("\\|", "|");
        if program(&command).is_some_and(|program| program != "netstat") {
            assert!(TESTS.contains(&command), "no test runs `{command}`");
        }
    }
}

#[test]
fn commands_of_the_readme_are_run() {
    let page = page("README.md");
    let commands = page.lines().filter_map(|line| line.strip_prefix("$ "));
    let mut count = 0;
    for command in commands.filter(|command| program(command).is_some()) {
        assert!(
            TESTS.contains(command) || README_TESTS.contains(command),
            "no test runs `{command}`"
        );
        count += 1;
    }
    assert!(count > 0, "the page has commands");
}

/// Sessions of both pages that are the same on every machine: those in which a filter is explained.
#[test]
fn sessions_of_the_pages_are_what_is_printed() {
    let pages = page("docs/tutorial.md") + &page("README.md");
    let shell = Shell::new();
    let mut count = 0;
    for session in pages.split("```console\n").skip(1) {
        let (session, _) = session.split_once("```").expect("a session ends");
        for part in session.split("$ ").skip(1) {
            let (command, shown) = part.split_once('\n').expect("a command is a line");
            if command.contains("--explain-filter") {
                let printed = shell.run(&format!("{command} 2>&1")).0;
                assert_eq!(printed, shown, "{command}");
                count += 1;
            }
        }
    }
    assert!(count > 2, "the pages have sessions");
}
