//! What owners and holders are read from: links of /proc/PID/fd, names of folders, command lines,
//! process names, cgroups. What stacks are read with: memory maps, calls of sleeping threads, names of
//! compiled code, CPython's tables, Go's. And the files that names of numbers come from.
#![no_main]

use libfuzzer_sys::fuzz_target;
use plumb_wire::config::{decode_name_table, decode_port_range, decode_sources};
use plumb_wire::cpython::{layout::layout, lines::decode_line as decode_python_line, text};
use plumb_wire::go::{INLINED_CALL_BYTES, Table};
use plumb_wire::perf_map::{decode_line, decode_name};
use plumb_wire::proc::cgroup::decode_cgroup;
use plumb_wire::proc::io_uring::decode_user_files;
use plumb_wire::proc::maps::decode_maps;
use plumb_wire::proc::mounts::hides_processes;
use plumb_wire::proc::process::{
    decode_argv0, decode_boottime_offset, decode_comm, decode_epoll_targets, decode_int_name,
    decode_number_name, decode_socket_link, decode_socket_link_start,
};
use plumb_wire::proc::process_stat::{decode_effective_uid, decode_own_pid, decode_stat};
use plumb_wire::proc::syscall::decode_syscall;
use plumb_wire::workload::{decode_slice_user, decode_workload};

fuzz_target!(|bytes: &[u8]| {
    let _ = decode_socket_link(bytes);
    let _ = decode_number_name(bytes);
    assert!(decode_argv0(bytes).len() <= bytes.len());
    // What one reads as a socket, the other does, too, unless the number is too long for it.
    if let (Some(link), true) = (decode_socket_link(bytes), bytes.starts_with(b"socket:[")) {
        assert_eq!(
            decode_socket_link_start(bytes),
            Some((link.0 & 0xffff_ffff) as u32)
        );
    }
    let _ = decode_int_name(bytes);
    assert!(decode_comm(bytes).is_none_or(|name| !name.is_empty() && !name.contains(&b')')));
    assert!(decode_stat(bytes).is_none_or(|stat| stat.comm.len() < bytes.len()));
    let _ = decode_effective_uid(bytes);
    for path in [Some(bytes), decode_cgroup(bytes)].into_iter().flatten() {
        let _ = decode_slice_user(path);
        let workload = decode_workload(path);
        assert!(workload.pod.is_none_or(|pod| pod.uid.len() <= 36));
    }
    let table = decode_name_table(bytes);
    assert!(table.entries.iter().all(|(_, name)| !name.is_empty()));
    let _ = decode_port_range(bytes);
    let _ = decode_sources(bytes, b"services").map(Iterator::count);
    assert!(decode_maps(bytes).all(|mapping| mapping.range.start < mapping.range.end));
    let _ = decode_syscall(bytes);
    let _ = (decode_boottime_offset(bytes), hides_processes(bytes));
    assert!(decode_user_files(bytes).len() <= bytes.len());
    let _ = decode_own_pid(bytes);
    assert!(decode_epoll_targets(bytes).all(|fd| fd >= 0));
    if let (Some((first, table)), Some(layout)) = (bytes.split_first(), layout(0x030b_0000)) {
        let _ = decode_python_line(table, u32::from(*first), u64::from(*first));
        let _ = text::decode_head(layout, bytes);
        let _ = text::decode_characters(*first % 8, table);
    }
    // The first byte says where, so that a short input has an answer.
    if let Some((first, table)) = bytes.split_first()
        && let Some(table) = Table::decode(table)
    {
        let address = table.text_start().wrapping_add(u64::from(*first));
        let record = bytes.last_chunk::<INLINED_CALL_BYTES>().copied();
        let frames = table.frames(address, |_| record);
        assert!(frames.iter().all(|frame| !frame.name.is_empty()));
    }
    if let Some(compiled) = decode_line(bytes) {
        let named = decode_name(compiled.name);
        assert!(compiled.range.start < compiled.range.end && named.line != Some(0));
    }
});
