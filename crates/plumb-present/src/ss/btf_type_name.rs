//! Names of types, spelled as C declarators the way libbpf spells them in casts: typedefs by their
//! name, qualifiers left out.

use plumb_model::btf::{Btf, Kind, Parameter, VOID};

/// Types inside each other that are spelled out; behind them stands `...`.
const DEPTH: usize = 32;
/// A name longer than this is not made any longer.
const LONGEST: usize = 512;

/// Appends the name of the type `id`.
pub fn write_type_name(out: &mut Vec<u8>, btf: &Btf, id: u32) {
    out.extend_from_slice(&declaration(btf, id, Vec::new(), DEPTH));
}

/// What was put around the declarator last; it decides about the blank behind the type.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Around {
    Nothing,
    Pointer,
    Array,
    Function,
}

/// Declares `inner` to be of the type `id`.
fn declaration(btf: &Btf, mut id: u32, mut inner: Vec<u8>, depth: usize) -> Vec<u8> {
    let mut around = Around::Nothing;
    for _ in 0..depth {
        id = btf.unqualified(id);
        if inner.len() > LONGEST {
            break;
        }
        match btf.get(id).map(|found| &found.kind) {
            Some(Kind::Pointer { to }) => {
                inner = pointer(btf, *to, around, &inner);
                around = Around::Pointer;
                id = *to;
            }
            Some(Kind::Array { element, count }) => {
                inner.extend_from_slice(format!("[{count}]").as_bytes());
                around = Around::Array;
                id = *element;
            }
            Some(Kind::Function { result, parameters }) => {
                write_parameters(&mut inner, btf, parameters, depth / 2);
                around = Around::Function;
                id = *result;
            }
            _ => return joined(base(btf, id), around, &inner),
        }
    }
    joined(b"...".to_vec(), around, &inner)
}

/// Puts a star before `inner`, in parentheses where what it points to is written behind.
fn pointer(btf: &Btf, to: u32, around: Around, inner: &[u8]) -> Vec<u8> {
    let blank: &[u8] = match around {
        Around::Function => b" ",
        _ => b"",
    };
    let target = btf.get(btf.unqualified(to)).map(|found| &found.kind);
    if matches!(target, Some(Kind::Array { .. } | Kind::Function { .. })) {
        [b"(*", blank, inner, b")"].concat()
    } else {
        [b"*", blank, inner].concat()
    }
}

fn write_parameters(inner: &mut Vec<u8>, btf: &Btf, parameters: &[Parameter], depth: usize) {
    inner.push(b'(');
    for (index, parameter) in parameters.iter().enumerate() {
        if index > 0 {
            inner.extend_from_slice(b", ");
        }
        if inner.len() > LONGEST || (parameter.of == VOID && parameter.name == 0) {
            inner.extend_from_slice(b"...");
            break;
        }
        let name = btf.name(parameter.name).to_vec();
        inner.extend_from_slice(&declaration(btf, parameter.of, name, depth));
    }
    inner.push(b')');
}

/// The name of a type that is no declarator.
fn base(btf: &Btf, id: u32) -> Vec<u8> {
    let Some(found) = btf.get(id) else {
        return b"void".to_vec();
    };
    let name = btf.name(found.name);
    match (&found.kind, name) {
        (Kind::Composite { union: false, .. } | Kind::Forward { union: false }, b"") => {
            b"struct".to_vec()
        }
        (Kind::Composite { .. } | Kind::Forward { .. }, b"") => b"union".to_vec(),
        (Kind::Composite { union: false, .. } | Kind::Forward { union: false }, name) => {
            [b"struct ", name].concat()
        }
        (Kind::Composite { .. } | Kind::Forward { .. }, name) => [b"union ", name].concat(),
        // The blank is there without a name, too.
        (Kind::Enum { .. }, name) => [b"enum ", name].concat(),
        (_, name) => name.to_vec(),
    }
}

fn joined(mut base: Vec<u8>, around: Around, inner: &[u8]) -> Vec<u8> {
    if !inner.is_empty() && around != Around::Array {
        base.push(b' ');
    }
    base.extend_from_slice(inner);
    base
}

#[cfg(test)]
mod tests {
    use plumb_model::btf::{Kind, Type};

    use super::*;

    /// Types that go round in circles, and functions whose parameters would fill the memory.
    #[test]
    fn no_name_is_endless() {
        let kind = |kind| Type { name: 0, kind };
        let many = vec![Parameter { name: 0, of: 2 }; 60_000];
        let btf = Btf {
            types: vec![
                kind(Kind::Pointer { to: 1 }),
                kind(Kind::Pointer { to: 3 }),
                kind(Kind::Function {
                    result: 2,
                    parameters: many,
                }),
                kind(Kind::Qualifier { to: 4 }),
                kind(Kind::Array {
                    element: 5,
                    count: u32::MAX,
                }),
            ],
            strings: vec![0],
        };
        for id in 0..9 {
            let mut name = Vec::new();
            write_type_name(&mut name, &btf, id);
            assert!(name.len() < 64 * LONGEST, "type {id}: {} bytes", name.len());
        }
        let mut name = Vec::new();
        write_type_name(&mut name, &btf, 1);
        assert!(name.starts_with(b"... **"));
    }
}
