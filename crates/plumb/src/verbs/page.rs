//! The manual page of a verb, made from the definition of its command line.

/// Makes the page `plumb-VERB(1)`.
pub fn of(verb: &clap::Command) -> Vec<u8> {
    let name = format!("plumb-{}", verb.get_name());
    let verb = verb
        .clone()
        .name(name.clone())
        .bin_name(name.replacen('-', " ", 1))
        .version("");
    let mut page = Vec::new();
    let man = clap_mangen::Man::new(verb)
        .title(name.to_uppercase())
        .source("plumb")
        .manual("plumb manual");
    man.render(&mut page).expect("a vector takes everything");
    page
}
