//! Calls of 32-bit programs have other numbers: they are never taken for those that have these numbers elsewhere.

#![cfg(target_arch = "x86_64")]

use plumb_testkit::sandbox;
use plumb_testkit::temp::TempDir;

use super::functions::build;
use super::json;

/// Makes calls as a 32-bit program does: number 20, which is `getpid` there and `writev` for who takes it for a call of
/// this machine's own programs, whose arguments are such that it could be one; and 359, `socket`.
const PROGRAM: &str = r#"
#include <sys/socket.h>
static long call32(long number, long b, long c, long d, long of_ours)
{
    long result;
    __asm__ volatile("int $0x80" : "=a"(result)
        : "a"(number), "b"(b), "c"(c), "d"(d), "D"(of_ours), "S"(0L)
        : "memory", "r8", "r9", "r10", "r11");
    return result;
}
int main(void)
{
    int ours = socket(AF_INET, SOCK_DGRAM, 0);
    call32(20, 0, 0, 0, ours);
    return call32(359, AF_INET, SOCK_DGRAM, 0, 0) < 0;
}
"#;

#[test]
fn calls_of_32_bit_programs_are_counted_and_not_taken_for_others_needs_root() {
    sandbox::run(|| {
        let folder = TempDir::new("foreign").expect("a folder");
        let program = build(&folder, PROGRAM);
        let (output, trace) = json(&["trace", "--json", "--", &program]);
        assert_eq!(output.status.code(), Some(0), "{trace}");
        let events = trace["events"].as_array().cloned().unwrap_or_default();
        let calls = events.iter().filter(|event| event["event"] == "call");
        let calls: Vec<&str> = calls.filter_map(|call| call["call"].as_str()).collect();
        assert_eq!(calls, ["socket"], "{events:?}");
        // The kernel tells of the other socket, as of any.
        let made = events.iter().filter(|event| event["event"] == "socket");
        assert_eq!(made.count(), 2, "{events:?}");
        let reasons = trace["reasons"].to_string();
        assert!(reasons.contains("1 calls of 32-bit programs"), "{reasons}");
        assert_eq!(trace["complete"], false);
    });
}
