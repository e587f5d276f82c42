//! BPF: what the kernel allows, and whom.

use plumb_model::Known;
use plumb_model::ability::{Ability, Capabilities, Facts, Program, Verdict};

use super::{ability, remedy, with_allow, with_remedy};

const AREA: &str = "bpf";

pub(super) fn check(facts: &Facts, abilities: &mut Vec<Ability>) {
    abilities.push(load(facts));
    let programs = facts.programs.iter();
    abilities.extend(programs.map(|one| program(facts, one)));
    abilities.extend([types(facts), pins(facts), trace(facts), perf(facts)]);
}

/// A program that could be loaded, or the reason why not.
fn program(facts: &Facts, program: &Program) -> Ability {
    let key = format!("bpf-{}", program.name);
    let needs = program.minimum_kernel;
    let new = |verdict, why: &str| {
        let why = format!("{why} (needs Linux {needs})");
        ability(AREA, &key, program.purpose, verdict, why)
    };
    let refusal = match &program.answer {
        Ok(hooks) if hooks.is_empty() => return new(Verdict::Yes, "it loads"),
        Ok(hooks) => return new(Verdict::Yes, &format!("at {}", hooks_in_words(hooks))),
        Err(refusal) => refusal,
    };
    let needed = Capabilities::BPF.and(Capabilities::PERFMON);
    match remedy::capabilities(&facts.user, needed) {
        Some(remedy) => with_remedy(new(Verdict::No, &remedy.why), remedy),
        None => with_allow(new(Verdict::No, &refusal.why), refusal.allow.clone()),
    }
}

/// Names hooks in few words: the first of each kind, and how many there are more.
pub fn hooks_in_words(hooks: &[&str]) -> String {
    let mut kinds: Vec<(&str, Vec<&str>)> = Vec::new();
    for hook in hooks {
        let (kind, _) = hook.split_once('/').unwrap_or((hook, ""));
        match kinds.iter_mut().find(|(known, _)| *known == kind) {
            Some((_, same)) => same.push(hook),
            None => kinds.push((kind, vec![hook])),
        }
    }
    let words = kinds.iter().map(|(_, same)| match same.as_slice() {
        [one] => (*one).to_owned(),
        [first, more @ ..] => format!("{first} and {} more", more.len()),
        [] => String::new(),
    });
    let words: Vec<String> = words.collect();
    words.join(", ")
}

fn load(facts: &Facts) -> Ability {
    let what = "loading BPF programs that read the kernel";
    let new = |verdict, why: &str| ability(AREA, "bpf-load", what, verdict, why);
    if let Known::Known(lockdown) = &facts.settings.lockdown
        && lockdown == "confidentiality"
    {
        return new(
            Verdict::No,
            "the kernel is locked down (confidentiality): no BPF program reads its memory",
        );
    }
    let needed = Capabilities::BPF.and(Capabilities::PERFMON);
    // CAP_SYS_ADMIN has stood for both since before they were.
    let remedy = if facts.user.effective.has(Capabilities::SYS_ADMIN) {
        None
    } else {
        remedy::capabilities(&facts.user, needed)
    };
    match remedy {
        Some(remedy) => with_remedy(new(Verdict::No, &remedy.why), remedy),
        None if !facts.user.is_first_namespace => new(
            Verdict::No,
            "capabilities of a user namespace do not count for BPF; those of root of the host do",
        ),
        None => new(Verdict::Yes, "the capabilities for it are held"),
    }
}

fn types(facts: &Facts) -> Ability {
    let what = "the kernel describes its types (BTF), which programs need to fit it";
    if facts.places.kernel_types {
        let why = "/sys/kernel/btf/vmlinux is there";
        return ability(AREA, "btf", what, Verdict::Yes, why);
    }
    let why =
        "/sys/kernel/btf/vmlinux is not there: a kernel built with CONFIG_DEBUG_INFO_BTF has it";
    ability(AREA, "btf", what, Verdict::No, why)
}

fn pins(facts: &Facts) -> Ability {
    let what = "a BPF file system, for pinned iterators";
    match &facts.places.bpf {
        Some(point) => {
            let why = format!("mounted at {point}");
            ability(AREA, "bpffs", what, Verdict::Yes, why)
        }
        None => with_allow(
            ability(AREA, "bpffs", what, Verdict::No, "none is mounted"),
            Some("sudo mount -t bpf bpf /sys/fs/bpf".to_owned()),
        ),
    }
}

fn trace(facts: &Facts) -> Ability {
    let what = "tracefs, for tracepoints by name";
    let new = |verdict, why: &str| ability("tracing", "tracefs", what, verdict, why);
    match &facts.places.trace {
        Some((point, true)) => new(Verdict::Yes, &format!("{point} may be read")),
        Some((point, false)) => new(
            Verdict::No,
            &format!("{point} may not be read; programs attach to raw tracepoints instead"),
        ),
        None => with_allow(
            new(Verdict::No, "none is mounted"),
            Some("sudo mount -t tracefs tracefs /sys/kernel/tracing".to_owned()),
        ),
    }
}

/// Settings that limit those without capabilities.
fn perf(facts: &Facts) -> Ability {
    let what = "stacks and symbols of other users' programs";
    let settings = &facts.settings;
    let number = |value: &Known<i64>| match value {
        Known::Known(value) => value.to_string(),
        Known::Unknown(reason) => format!("({})", reason.word()),
    };
    let set = format!(
        "perf_event_paranoid {}, unprivileged_bpf_disabled {}, ptrace_scope {}, kptr_restrict {}",
        number(&settings.perf_event_paranoid),
        number(&settings.unprivileged_bpf_disabled),
        number(&settings.ptrace_scope),
        number(&settings.kptr_restrict)
    );
    let new = |verdict, why: String| ability("tracing", "symbols", what, verdict, why);
    let needed = Capabilities::PERFMON
        .and(Capabilities::SYS_PTRACE)
        .and(Capabilities::DAC_READ_SEARCH);
    match remedy::capabilities(&facts.user, needed) {
        None => new(Verdict::Yes, set),
        Some(remedy) => with_remedy(new(Verdict::No, format!("{} ({set})", remedy.why)), remedy),
    }
}
