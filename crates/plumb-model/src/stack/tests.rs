use super::*;

fn frame(kind: Kind, module: &str, function: Option<&str>) -> Frame {
    Frame {
        kind,
        function: function.map_or(Known::Unknown(Reason::NoSymbols), |name| {
            Known::Known(name.to_owned())
        }),
        source: Known::Unknown(Reason::NoSymbols),
        module: if module.is_empty() {
            Known::Unknown(Reason::NotInSource)
        } else {
            Known::Known(module.as_bytes().into())
        },
        module_offset: 0x1000,
        inlined: false,
    }
}

fn native(module: &str, function: &str) -> Frame {
    frame(Kind::Native, module, Some(function))
}

fn stack(frames: Vec<Frame>) -> Stack {
    Stack {
        frames,
        how: How::Tables,
        cut: None,
        hint: None,
    }
}

fn interest(frames: Vec<Frame>) -> Option<String> {
    let stack = stack(frames);
    stack.caller_of_interest()?.function.clone().ok()
}

#[test]
fn the_wrapper_of_the_system_call_is_not_the_caller() {
    let frames = vec![
        native("/lib/x86_64-linux-gnu/libc.so.6", "__connect"),
        native("/srv/app", "leak_here"),
        native("/srv/app", "main"),
    ];
    assert_eq!(interest(frames).as_deref(), Some("leak_here"));
    let static_program = vec![
        native("/srv/app", "connect"),
        native("/srv/app", "leak_here"),
    ];
    assert_eq!(interest(static_program).as_deref(), Some("leak_here"));
}

#[test]
fn the_standard_library_of_rust_and_go_is_not_the_caller() {
    let rust = vec![
        native("/lib/libc.so.6", "connect"),
        native("/srv/app", "<std::net::tcp::TcpStream as Trait>::connect"),
        native("/srv/app", "std::net::tcp::TcpStream::connect::<&str>"),
        native("/srv/app", "app::pool::open"),
    ];
    assert_eq!(interest(rust).as_deref(), Some("app::pool::open"));
    let go = vec![
        native("/srv/go", "internal/runtime/syscall.Syscall6"),
        native("/srv/go", "syscall.connect"),
        native("/srv/go", "net.(*netFD).connect"),
        native("/srv/go", "main.leakHere"),
    ];
    assert_eq!(interest(go).as_deref(), Some("main.leakHere"));
}

#[test]
fn what_a_template_returns_is_no_part_of_its_name() {
    let frames = vec![
        native(
            "/srv/app",
            "void std::__invoke_impl<void, void (*)()>(std::__invoke_other)",
        ),
        native("/srv/app", "int pool::open_as<long>(long)"),
    ];
    let found = interest(frames);
    assert_eq!(found.as_deref(), Some("int pool::open_as<long>(long)"));
}

#[test]
fn what_a_crate_s_source_says_is_a_library_is_not_the_caller() {
    let inside = |name: &str, file: &str| {
        let mut frame = native("/srv/app", name);
        frame.source = Known::Known(Source {
            file: file.to_owned(),
            line: 1,
        });
        frame
    };
    let registry = "/home/me/.cargo/registry/src/index-1";
    let frames = vec![
        native("/lib/libc.so.6", "connect"),
        inside("call<u8>", &format!("{registry}/rustix-1.1.6/src/net.rs")),
        inside("call_once<f>", "/rustc/abc/library/core/src/ops.rs"),
        inside("open", &format!("{registry}/nix-pool-0.1.0/src/lib.rs")),
    ];
    assert_eq!(interest(frames).as_deref(), Some("open"));
}

#[test]
fn a_script_is_the_caller_and_not_its_interpreter() {
    let python = vec![
        native("/lib/libc.so.6", "__connect"),
        native("/usr/bin/python3.11", "sock_connect"),
        frame(
            Kind::Interpreted,
            "/usr/lib/python3.11/socket.py",
            Some("create_connection"),
        ),
        frame(Kind::Interpreted, "/srv/app.py", Some("leak_here")),
        native("/usr/bin/python3.11", "_PyEval_EvalFrameDefault"),
    ];
    assert_eq!(interest(python).as_deref(), Some("leak_here"));
}

#[test]
fn without_frames_of_the_script_the_interpreter_is_named() {
    let python = vec![
        native("/lib/libc.so.6", "__connect"),
        native("/usr/bin/python3.11", "sock_connect"),
    ];
    assert_eq!(interest(python).as_deref(), Some("sock_connect"));
}

#[test]
fn a_program_whose_name_begins_like_a_runtime_is_no_runtime() {
    let frames = vec![
        native("/opt/nodewatch", "open_pool"),
        frame(Kind::Jit, "", Some("script")),
    ];
    assert_eq!(interest(frames).as_deref(), Some("open_pool"));
}

#[test]
fn where_all_is_glue_the_first_is_better_than_none() {
    assert_eq!(
        interest(vec![native("/lib/libc.so.6", "connect")]).as_deref(),
        Some("connect")
    );
    assert_eq!(interest(Vec::new()), None);
}

#[test]
fn keys_depend_on_names_and_not_on_where_code_lies() {
    let here = stack(vec![native("/usr/bin/a", "f"), native("/usr/bin/a", "g")]);
    let mut there = here.clone();
    there.frames[0].module_offset = 0x2000;
    there.frames[1].module = Known::Known(b"/opt/a"[..].into());
    assert_eq!(here.key(), there.key());
    there.frames.pop();
    assert_ne!(here.key(), there.key());
}

#[test]
fn keys_of_stripped_code_depend_on_the_place_in_its_module() {
    let here = stack(vec![frame(Kind::Native, "/usr/bin/a", None)]);
    let mut there = here.clone();
    assert_eq!(here.key(), there.key());
    there.frames[0].module_offset = 0x2000;
    assert_ne!(here.key(), there.key());
}

#[test]
fn names_run_together_are_other_names() {
    let two = stack(vec![native("/a", "f"), native("/a", "g")]);
    let one = stack(vec![native("/a", "fg")]);
    assert_ne!(two.key(), one.key());
}

#[test]
fn the_key_is_a_promise() {
    let stack = stack(vec![native("/usr/bin/a", "f")]);
    assert_eq!(stack.key().to_string(), "ab3272820d33977b");
}
