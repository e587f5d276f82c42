//! JSON schema types.
