//! Questions of rtnetlink: interfaces, addresses, qdiscs, routes, rules, neighbours.
//!
//! One socket for each question, in the network namespace this thread is in; requests are made with
//! [`plumb_wire::netlink::request::Request`]. Minimum kernel version: 2.6.12.

use rustix::io::Errno;

use crate::sock_diag::{Dump, DumpError, Step, Summary};

/// Dumps a table: `each` gets the payload of every message of the types `rows` (`RTM_NEWLINK`, …), family's
/// struct first. What is older than an interruption may be missing or there twice, as the summary tells.
pub fn dump(
    request: &[u8],
    rows: &[u16],
    mut each: impl FnMut(&[u8]),
) -> Result<Summary, DumpError> {
    Dump::send_on(None, rows, request)
        .map_err(DumpError::Refused)?
        .read(|step| {
            if let Step::Message(payload) = step {
                each(payload);
            }
        })
}

/// Asks for one thing (`RTM_GETROUTE`, …): the payload of the answer, or why there is none.
pub fn ask(request: &[u8], row: &[u16]) -> Result<Vec<u8>, Errno> {
    Dump::send_on(None, row, request)?.read_one()
}

#[cfg(test)]
mod tests {
    use plumb_wire::netlink::request::Request;

    use super::*;

    const RTM_GETLINK: u16 = 18;
    const RTM_NEWLINK: &[u16] = &[16];

    #[test]
    fn loopback_is_in_the_table_and_can_be_asked_for() {
        let mut indices = Vec::new();
        let request = Request::dump(RTM_GETLINK, &[0; 16]).finish();
        let summary = dump(&request, RTM_NEWLINK, |row| {
            indices.extend(row.get(4..8).map(<[u8]>::to_vec));
        });
        assert!(summary.is_ok_and(|summary| !summary.interrupted));
        let mut head = [0; 16];
        head[4..8].copy_from_slice(&1_i32.to_ne_bytes());
        let answer = ask(&Request::single(RTM_GETLINK, &head).finish(), RTM_NEWLINK)
            .expect("the first interface of a namespace is its loopback");
        assert!(indices.iter().any(|index| index[..] == answer[4..8]));
    }

    #[test]
    fn what_is_not_there_is_an_error_of_the_kernel() {
        let mut head = [0; 16];
        head[4..8].copy_from_slice(&i32::MAX.to_ne_bytes());
        let answer = ask(&Request::single(RTM_GETLINK, &head).finish(), RTM_NEWLINK);
        assert_eq!(answer, Err(Errno::NODEV));
        let refused = dump(
            &Request::dump(0xffff, &[0; 16]).finish(),
            RTM_NEWLINK,
            |_| {},
        );
        assert!(matches!(refused, Err(DumpError::Refused(_))), "{refused:?}");
    }
}
