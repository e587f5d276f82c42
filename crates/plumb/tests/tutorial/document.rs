//! docs/tutorial.md names its tests, and the tests are there.

/// The tests of this binary, as text: what is named in the page must be defined here.
const TESTS: &str = include_str!("needs_root.rs");

#[test]
fn every_row_of_the_page_has_its_test_or_says_what_it_waits_for() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/tutorial.md");
    let page = std::fs::read_to_string(path).expect("the page is in the repository");
    let mut named = Vec::new();
    for row in page
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
