//! SCTP endpoints and associations.
