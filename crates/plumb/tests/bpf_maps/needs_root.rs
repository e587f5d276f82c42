//! Storage on a living socket, in a namespace of its own.

use std::net::{TcpListener, TcpStream};
use std::os::fd::AsFd as _;
use std::process::{Command, Output};

use plumb_collect::sys::bpf;
use plumb_testkit::sandbox;
use plumb_testkit::sockets::storage::StorageMap;
use serde_json::{Value, json};

use super::{complaint, ss};

/// Hand-made: `int`, `enum mode { IDLE, BUSY }`, `char[4]`, and
/// `struct mark { int hits; enum mode mode; char name[4]; }` as type 5.
fn types() -> Vec<u8> {
    const STRINGS: &[u8] = b"\0int\0mode\0IDLE\0BUSY\0char\0mark\0hits\0name\0";
    let words: [&[u32]; 5] = [
        &[1, 1 << 24, 4, 1 << 24 | 32],
        &[5, 6 << 24 | 2, 4, 10, 0, 15, 1],
        &[20, 1 << 24, 1, 1 << 24 | 8],
        &[0, 3 << 24, 0, 3, 1, 4],
        &[25, 4 << 24 | 3, 12, 30, 1, 0, 5, 2, 32, 35, 4, 64],
    ];
    let types: Vec<u8> = words
        .concat()
        .iter()
        .flat_map(|word| word.to_ne_bytes())
        .collect();
    let len = |bytes: &[u8]| {
        u32::try_from(bytes.len())
            .expect("it is short")
            .to_ne_bytes()
    };
    let mut bytes = Vec::new();
    bytes.extend(0xeb9f_u16.to_ne_bytes());
    bytes.extend([1, 0]);
    bytes.extend(24_u32.to_ne_bytes());
    bytes.extend([0; 4]);
    bytes.extend(len(&types));
    bytes.extend(len(&types));
    bytes.extend(len(STRINGS));
    [bytes, types, STRINGS.to_vec()].concat()
}

fn printed(words: &[&str]) -> String {
    let output = ss(words);
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() && errors.is_empty(), "{errors}");
    String::from_utf8(output.stdout).expect("it is text")
}

/// A listener with 7, 1, "lo" in one map and nothing in another, and one without.
struct Stage {
    mark: StorageMap,
    other: StorageMap,
    sockets: Vec<TcpListener>,
}

impl Stage {
    fn new() -> Self {
        let map = || StorageMap::create(&types(), 1, 5, 12).expect("the kernel has sk_storage");
        let listen = |to: &str| TcpListener::bind(to).expect("loopback is up");
        let stage = Self {
            mark: map(),
            other: map(),
            sockets: vec![listen("127.0.0.1:7001"), listen("127.0.0.1:7002")],
        };
        let value = [&7_u32.to_ne_bytes()[..], &1_u32.to_ne_bytes(), b"lo\0\0"].concat();
        let attached = stage.mark.attach(&stage.sockets[0], &value);
        attached.expect("root may attach");
        stage
    }

    fn id(map: &StorageMap) -> u32 {
        bpf::map_info(map.as_fd()).expect("the map is open").id
    }
}

#[test]
fn a_value_is_shown_beside_its_socket() {
    sandbox::run(|| {
        let stage = Stage::new();
        let id = Stage::id(&stage.mark);
        let frame = format!(
            "\n\tmap_id:{id} [\n\t\t(struct mark){{\n\t\t\t.hits = (int)7,\n\t\t\t.mode = (enum mode)BUSY,\
             \n\t\t\t.name = (char[4])[\n\t\t\t\t'l',\n\t\t\t\t'o',\n\t\t\t\t\t\t\t],\n\t\t}}\n\t]"
        );
        let all = printed(&["-Htln", "--bpf-maps"]);
        assert_eq!(all.matches(&frame).count(), 1, "{all}");
        assert_eq!(all.matches("map_id:").count(), 1, "{all}");
        assert_eq!(all.matches("LISTEN").count(), 2, "{all}");
        let one = printed(&["-Htln", &format!("--bpf-map-id={id}"), "sport = 7001"]);
        assert!(one.contains(&frame), "{one}");
        let other = format!("--bpf-map-id={}", Stage::id(&stage.other));
        assert!(!printed(&["-Htln", &other]).contains("map_id"));
        let line = printed(&["-HtlnO", "--bpf-maps", "sport = 7001"]);
        let compact = format!(
            " map_id:{id}(struct mark){{.hits = (int)7,.mode = (enum mode)BUSY,.name = (char[4])['l','o',],}}\n"
        );
        assert!(line.ends_with(&compact), "{line}");
        assert!(!printed(&["-Htlne"]).contains("map_id"));
    });
}

#[test]
fn a_document_has_typed_values() {
    sandbox::run(|| {
        let stage = Stage::new();
        let text = printed(&["-tln", "--json", "--bpf-maps", "sport = 7001"]);
        let document: Value = serde_json::from_str(&text).expect("it is JSON");
        let expected = json!([{
            "map_id": Stage::id(&stage.mark),
            "value": {"hits": 7, "mode": "BUSY", "name": [108, 111, 0, 0]},
        }]);
        assert_eq!(document["sockets"][0]["bpf_storage"], expected);
    });
}

#[test]
fn a_connection_has_the_storage_of_its_own_end() {
    sandbox::run(|| {
        let stage = Stage::new();
        let client = TcpStream::connect("127.0.0.1:7001").expect("it listens");
        stage
            .other
            .attach(&client, &[0; 12])
            .expect("root may attach");
        let rows = printed(&["-Htn", "--bpf-maps", "dport = 7001"]);
        assert!(
            rows.contains(".hits = (int)0,\n\t\t\t.mode = (enum mode)IDLE"),
            "{rows}"
        );
        let server = printed(&["-Htn", "--bpf-maps", "sport = 7001"]);
        assert!(!server.contains("map_id"), "{server}");
    });
}

#[test]
fn a_map_that_cannot_be_opened_ends_the_run() {
    sandbox::run(|| {
        let unknown = ss(&["-t", "--bpf-map-id=4294967295"]);
        let text = "ss: cannot get fd for BPF map ID 4294967295\n";
        assert_eq!(complaint(&unknown), (Some(1), text.to_owned()));
        let stage = Stage::new();
        let id = Stage::id(&stage.mark);
        let output = ss_as_nobody(&["--compat", "6.9", "-t", &format!("--bpf-map-id={id}")]);
        let text = format!(
            "ss: cannot get fd for BPF map ID {id}: missing root permissions, CAP_BPF, or CAP_SYS_ADMIN\n"
        );
        assert_eq!(complaint(&output), (Some(1), text));
    });
}

fn ss_as_nobody(words: &[&str]) -> Output {
    let mut nobody = Command::new("setpriv");
    nobody.args(["--reuid", "65534", "--regid", "65534", "--clear-groups"]);
    nobody.args(["--bounding-set", "-all", env!("CARGO_BIN_EXE_plumb"), "ss"]);
    nobody.args(words).output().expect("setpriv runs")
}

/// The kernel refuses the whole dump; the request of older kernels, which cannot ask for storage,
/// brings the rows.
#[test]
fn without_privilege_rows_have_no_storage() {
    sandbox::run(|| {
        let stage = Stage::new();
        let words = ["--compat", "6.9", "-Htln", "--bpf-maps"];
        let output = ss_as_nobody(&words);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert_eq!(
            text.matches("LISTEN").count(),
            stage.sockets.len(),
            "{text}"
        );
        assert!(!text.contains("map_id"), "{text}");
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(errors, "RTNETLINK answers: Operation not permitted\n");
        let output = ss_as_nobody(&["--compat", "7.1", "-tln", "--bpf-maps", "--json"]);
        assert_eq!(output.stderr, b"", "7.0 and newer say nothing");
        let document: Value = serde_json::from_slice(&output.stdout).expect("it is JSON");
        assert_eq!(document["complete"], false);
        let reasons = json!(["RTNETLINK answers: Operation not permitted"]);
        assert_eq!(document["reasons"], reasons);
    });
}
