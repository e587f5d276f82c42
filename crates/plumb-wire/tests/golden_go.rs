//! Tables of real Go programs (`golden/README.md` says which): what is asked of them is found, and bytes that are
//! missing or wrong are never more than an answer that is missing.

use std::collections::HashMap;

use plumb_wire::go::{Form, Frame, INLINED_CALL_BYTES, Table};

/// A table without the bytes that no question of these tests needs, and the records of inlined calls.
struct Golden {
    table: Vec<u8>,
    inlined: HashMap<u64, [u8; INLINED_CALL_BYTES]>,
}

impl Golden {
    fn read(text: &str) -> Self {
        let hex = |digits: &str| u64::from_str_radix(digits, 16).expect("a number");
        let bytes = |digits: &str| -> Vec<u8> {
            let pairs = digits.as_bytes().chunks(2).map(str::from_utf8);
            pairs
                .map(|pair| u8::from_str_radix(pair.expect("digits"), 16).expect("a byte"))
                .collect()
        };
        let (mut table, mut inlined) = (Vec::new(), HashMap::new());
        for line in text.lines() {
            match line.split(' ').collect::<Vec<_>>()[..] {
                ["size", size] => table.resize(usize::try_from(hex(size)).expect("small"), 0),
                ["inlined", at, record] => {
                    let record = bytes(record).try_into().expect("a whole record");
                    inlined.insert(hex(at), record);
                }
                [at, part] => {
                    let (at, part) = (usize::try_from(hex(at)).expect("small"), bytes(part));
                    table[at..at + part.len()].copy_from_slice(&part);
                }
                _ => panic!("{line:?}"),
            }
        }
        Self { table, inlined }
    }

    fn go1_17() -> Self {
        Self::read(include_str!("golden/pclntab-go1.17"))
    }

    fn go1_19() -> Self {
        Self::read(include_str!("golden/pclntab-go1.19"))
    }

    fn go1_26() -> Self {
        Self::read(include_str!("golden/pclntab-go1.26"))
    }

    fn frames<'a>(&self, table: Table<'a>, address: u64) -> Vec<Frame<'a>> {
        table.frames(address, |at| self.inlined.get(&at).copied())
    }

    /// The functions of an address, as text.
    fn told(&self, table: Table<'_>, address: u64) -> Vec<String> {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let frames = self.frames(table, address).into_iter();
        frames
            .map(|frame| {
                let place = frame.place.map(|(file, line)| (text(file), line));
                let place = place.map_or("?".into(), |(file, line)| format!("{file}:{line}"));
                format!("{} {place}", text(frame.name))
            })
            .collect()
    }
}

#[test]
fn a_table_of_go_1_18_names_what_was_inlined() {
    let golden = Golden::go1_19();
    let table = Table::decode(&golden.table).expect("it is a table");
    assert_eq!(
        (table.form(), table.text_start()),
        (Form::Go1_18, 0x40_1000)
    );
    assert_eq!(
        golden.told(table, 0x4c_5980),
        ["main.leakHere ./leak.go:16"]
    );
    assert_eq!(
        golden.told(table, 0x4c_5e56),
        ["fmt.Println fmt/print.go:294", "main.main ./leak.go:58"]
    );
    // Whose line it is cannot be said without the record of the call.
    let frames = table.frames(0x4c_5e56, |_| None);
    assert_eq!(frames.len(), 1);
    assert_eq!((frames[0].name, frames[0].place), (&b"main.main"[..], None));
}

#[test]
fn a_table_of_go_1_20_and_newer_may_not_say_where_the_code_begins() {
    let golden = Golden::go1_26();
    let table = Table::decode(&golden.table).expect("it is a table");
    assert_eq!((table.form(), table.text_start()), (Form::Go1_20, 0));
    let table = table.at(0x40_1000);
    assert_eq!(
        golden.told(table, 0x48_e841),
        ["_rt0_amd64_linux runtime/rt0_linux_amd64.s:8"]
    );
    let resolver = "github.com/evanw/esbuild/internal/resolver";
    assert_eq!(
        golden.told(table, 0x80_0005),
        [
            format!("{resolver}.(*debugLogs).addNote {resolver}/resolver.go:801"),
            format!(
                "{resolver}.resolverQuery.esmPackageTargetResolve {resolver}/package_json.go:1168"
            ),
        ]
    );
}

#[test]
fn a_table_of_go_1_16_has_whole_addresses() {
    let golden = Golden::go1_17();
    let table = Table::decode(&golden.table).expect("it is a table");
    assert_eq!(table.form(), Form::Go1_16);
    assert_eq!(
        golden.told(table, 0x50_0005),
        ["math/big.nat.divRecursiveStep math/big/natdiv.go:807"]
    );
    // Something was put into it here, and the table does not lead to what.
    assert_eq!(
        golden.told(table, 0x70_0013),
        ["github.com/evanw/esbuild/internal/js_printer.(*printer).printExpr ?"]
    );
}

#[test]
fn an_address_outside_of_the_code_has_no_function() {
    let golden = Golden::go1_19();
    let table = Table::decode(&golden.table).expect("it is a table");
    for address in [0, 0x40_0fff, 0x4c_6000, u64::MAX] {
        assert_eq!(golden.frames(table, address), [], "{address:#x}");
    }
    assert!(Table::decode(&golden.table[..0x1000]).is_none());
    assert!(Table::decode(b"").is_none());
}

/// Each byte that leads somewhere leads elsewhere once.
#[test]
fn damage_does_no_harm() {
    for mut golden in [Golden::go1_17(), Golden::go1_19(), Golden::go1_26()] {
        let filled = (0..golden.table.len()).filter(|at| golden.table[*at] != 0);
        for at in filled.collect::<Vec<_>>() {
            for mask in [1, 0x80, 0xff] {
                golden.table[at] ^= mask;
                if let Some(table) = Table::decode(&golden.table) {
                    for address in [0x48_e841, 0x4c_5e56, 0x50_0005, 0x70_0013, 0x80_0005] {
                        assert!(golden.frames(table.at(0x40_1000), address).len() <= 65);
                    }
                }
                golden.table[at] ^= mask;
            }
        }
    }
}
