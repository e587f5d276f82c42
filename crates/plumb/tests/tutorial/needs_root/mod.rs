//! The situations. Each test but those of `readme` is a row of docs/tutorial.md.

mod netstat;
mod nstat;
mod readme;
mod ss;
