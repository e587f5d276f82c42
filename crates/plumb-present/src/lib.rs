//! Pure writers: model values in, bytes out.
//!
//! `netstat` and `ss` imitate the originals to the byte, `json` has its own schema types; they do not see
//! each other. Nothing here opens a file, asks a terminal or reads a clock.

#![forbid(unsafe_code)]

pub mod ip_text;
pub mod json;
pub mod netstat;
pub mod nstat;
pub mod report;
pub mod sanitize;
pub mod ss;
pub mod text;
