//! Every connection of a generator that keeps a ledger is told of by `trace`, `connects` and `top`: who opened it,
//! what came of it, every byte. `cargo xtask truth` asks for many more.

use std::path::Path;

use plumb_testkit::ledger::account::{self, Account};
use plumb_testkit::ledger::make::Plan;
use plumb_testkit::sandbox;
use plumb_testkit::temp::TempDir;

/// Connections for each verb.
const CONNECTIONS: u64 = 1200;

#[test]
fn every_connection_is_accounted_for_needs_root() {
    sandbox::run(|| {
        let folder = TempDir::new("truth").expect("a folder");
        let plan = Plan {
            connections: CONNECTIONS,
            seed: 1,
            folder: folder.path().to_owned(),
            hold: false,
        };
        let plumb = Path::new(env!("CARGO_BIN_EXE_plumb"));
        let accounts = account::all(plumb, &plan).expect("plumb and the generator run");
        let table = account::table(&accounts);
        println!("{table}");
        assert!(accounts.iter().all(Account::is_whole), "{table}");
        assert!(
            accounts
                .iter()
                .all(|account| account.expected >= CONNECTIONS)
        );
        // Where the machine has much to do some are lost, and said to be, but never most.
        assert!(
            accounts
                .iter()
                .all(|account| account.seen * 2 > account.expected),
            "{table}"
        );
    });
}
