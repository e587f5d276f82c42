//! Which output was asked for: the options every verb takes.

use clap::{Args, ValueEnum};

/// The form of the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Form {
    /// A table fitted to the terminal.
    #[default]
    Table,
    /// The table with every column, as wide as it gets.
    Wide,
    /// One JSON document.
    Json,
    /// A JSON object for each row, and the envelope as the last line.
    Ndjson,
    /// Comma separated values with a head (RFC 4180).
    Csv,
}

/// When to colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Color {
    /// On a terminal that can, unless `NO_COLOR` is set.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// The options about output that every verb takes.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Output")]
pub struct FormArguments {
    /// How to show the answer.
    #[arg(
        short = 'o',
        long = "output",
        value_enum,
        default_value_t,
        value_name = "FORM"
    )]
    form: Form,
    /// The same as -o json.
    #[arg(long)]
    json: bool,
    /// When to use colours.
    #[arg(long, value_enum, default_value_t, value_name = "WHEN")]
    pub color: Color,
    /// No head above the table and the values.
    #[arg(short = 'H', long)]
    pub no_header: bool,
}

impl FormArguments {
    /// Gives the form asked for.
    pub fn form(&self) -> Form {
        if self.json { Form::Json } else { self.form }
    }
}
