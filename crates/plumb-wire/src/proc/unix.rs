//! Decodes its file.
