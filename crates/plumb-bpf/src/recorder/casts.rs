//! The one function of the kernel that programs of the recorder call, `bpf_rdonly_cast`: the verifier takes an
//! address for a pointer of a type from there on, and a load is an instruction.
//!
//! aya puts no functions of the kernel into programs. So `probes/bpf.h` calls a helper that does not exist, and
//! here each such call becomes one of the function, before aya sees the object. Where the kernel has no such
//! function nothing is changed: it refuses the programs that call it, and the next rung of the plan is tried.
//! Minimum kernel version: 6.2 (fd264ca02094).

use std::borrow::Cow;

/// Its name.
pub(super) const FUNCTION: &[u8] = b"bpf_rdonly_cast";

/// The number of `cast_by_number`.
const NO_HELPER: u32 = 0x7473_6163;
/// `BPF_JMP | BPF_CALL`.
const CALL: u8 = 0x85;
/// `BPF_PSEUDO_KFUNC_CALL`, where an instruction has its source.
const OF_FUNCTION: u8 = 2 << 4;
/// Bytes of an instruction, which are aligned as well.
const INSTRUCTION: usize = 8;

/// Puts the function with this number among the kernel's types into an object.
pub(super) fn put_in(object: &[u8], function: Option<u32>) -> Cow<'_, [u8]> {
    let Some(function) = function else {
        return Cow::Borrowed(object);
    };
    let wanted = call(0, NO_HELPER);
    let given = call(OF_FUNCTION, function);
    let mut object = object.to_vec();
    for instruction in object.chunks_exact_mut(INSTRUCTION) {
        if instruction == wanted {
            instruction.copy_from_slice(&given);
        }
    }
    Cow::Owned(object)
}

/// An instruction that calls, in the byte order of this machine.
fn call(source: u8, number: u32) -> [u8; INSTRUCTION] {
    let [a, b, c, d] = number.to_ne_bytes();
    [CALL, source, 0, 0, a, b, c, d]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_of_no_helper_become_calls_of_the_function() {
        let other = call(0, 14);
        let object = [call(0, NO_HELPER), other, call(0, NO_HELPER)].concat();
        let given = [call(OF_FUNCTION, 7), other, call(OF_FUNCTION, 7)].concat();
        assert_eq!(*put_in(&object, Some(7)), given);
        assert_eq!(*put_in(&object, None), object);
    }
}
