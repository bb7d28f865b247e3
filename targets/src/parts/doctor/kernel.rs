//! What the kernel allows, found by doing it in namespaces that end with the command.

use std::fs;
use std::time::Duration;

use model::Reach;

use super::{PartsRoot, Row, State, find_program};
use crate::seal::PATH;

/// A check that hangs is a check that failed.
const DEADLINE: Duration = Duration::from_secs(20);

/// Something that a lab does, as a script for a shell that is root in namespaces of its own.
struct Check {
    what: &'static str,
    script: &'static str,
    needed_for: &'static str,
    state: State,
    remedy: &'static str,
}

const CHECKS: [Check; 5] = [
    Check {
        what: "overlay file system",
        // What is laid over what does not matter, only that it is allowed.
        script: "mount -t overlay -o ro,lowerdir=/etc:/usr/share overlay /tmp",
        needed_for: "every lab: the parts are laid over /usr",
        state: State::Missing,
        remedy: "use Linux 5.11 or later with the overlay module loaded (modprobe overlay), or run as root",
    },
    Check {
        what: "bridge and veth",
        script: "ip link add br0 type bridge && ip link add v0 type veth peer name v1 && ip link set v0 master br0",
        needed_for: "every lab: the network between its nodes",
        state: State::Missing,
        remedy: "load the modules (modprobe bridge veth), or use a distribution's standard kernel",
    },
    Check {
        what: "nftables rules",
        script: "nft 'add table ip t; add set ip t s { type ipv4_addr; timeout 9s; }'",
        needed_for: "faults that drop packets",
        state: State::Limited,
        remedy: "load the module (modprobe nf_tables), or use a distribution's standard kernel",
    },
    Check {
        what: "netem",
        script: "ip link set lo up && tc qdisc add dev lo root netem delay 1ms",
        needed_for: "faults that delay packets",
        state: State::Limited,
        remedy: "load the module (modprobe sch_netem; Debian has it in the kernel's own package, Fedora in kernel-modules-extra)",
    },
    Check {
        what: "token bucket filter",
        script: "ip link set lo up && tc qdisc add dev lo root tbf rate 1mbit burst 10kb latency 10ms",
        needed_for: "faults that narrow a link",
        state: State::Limited,
        remedy: "load the module (modprobe sch_tbf), or use a distribution's standard kernel",
    },
];

pub(super) fn examine(parts: Option<&PartsRoot>) -> Vec<Row> {
    const NAMESPACES: &str = "user namespaces";
    const NEEDED: &str = "every lab: its processes, network and mounts are sealed off";
    let (way, first) = match enter() {
        Ok((way, found)) => (Some(way), Row::present(NAMESPACES, found, NEEDED)),
        Err(why) => (None, Row::present(NAMESPACES, why, NEEDED).absent(State::Missing, namespaces_remedy())),
    };
    let checked = CHECKS.iter().map(|check| {
        let result = match way {
            Some(way) => run(way, parts, check.script),
            None => Err("cannot be tried without namespaces".to_owned()),
        };
        row(check, result, parts.is_some())
    });
    std::iter::once(first).chain(checked).collect()
}

fn row(check: &Check, result: Result<(), String>, have_parts: bool) -> Row {
    match result {
        Ok(()) => Row::present(check.what, "works", check.needed_for),
        // 127: the shell has not found `ip`, `tc` or `nft`, which says nothing of the kernel.
        Err(why) if why.contains("not found") && !have_parts => {
            Row::present(check.what, why, check.needed_for)
                .absent(check.state, "run `brownout setup`, then look again")
        }
        Err(why) => Row::present(check.what, why, check.needed_for).absent(check.state, check.remedy),
    }
}

/// The arguments of `unshare` that make namespaces here.
type Way = &'static [&'static str];

const AS_ROOT: Way = &["--mount", "--net", "--pid", "--fork"];
const AS_ANYONE: Way = &["--user", "--map-root-user", "--mount", "--net", "--pid", "--fork"];

/// As the sandbox does: root needs no user namespace, unless it is a container's root.
fn enter() -> Result<(Way, &'static str), String> {
    if find_program("unshare").is_none() {
        return Err("the program `unshare` of util-linux is not there to try".to_owned());
    }
    if nix::unistd::getuid().is_root() && run(AS_ROOT, None, "true").is_ok() {
        return Ok((AS_ROOT, "not needed: this is root"));
    }
    run(AS_ANYONE, None, "true").map(|()| (AS_ANYONE, "allowed"))
}

fn run(way: Way, parts: Option<&PartsRoot>, script: &str) -> Result<(), String> {
    const LAY_PARTS: &str = r#"PATH=$1; if [ -d "$2" ]; then mount -t overlay -o ro,lowerdir="$2":/usr overlay /usr || exit; fi; "#;
    let usr = parts.map(|parts| parts.root.join("usr").display().to_string());
    let mut argv = vec!["unshare".to_owned()];
    argv.extend(way.iter().map(|argument| (*argument).to_owned()));
    argv.extend([
        "sh".to_owned(),
        "-c".to_owned(),
        format!("{LAY_PARTS}{script}"),
        "sh".to_owned(),
        PATH.to_owned(),
    ]);
    argv.extend(usr);
    let output = reach::run(&Reach::Local, &argv, DEADLINE).map_err(|error| error.to_string())?;
    if output.success() { Ok(()) } else { Err(output.complaint()) }
}

fn namespaces_remedy() -> String {
    let set_to = |path: &str, value: &str| fs::read_to_string(path).is_ok_and(|text| text.trim() == value);
    if set_to("/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1") {
        return "this system's AppArmor forbids them: sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0, \
                or run as root"
            .to_owned();
    }
    if set_to("/proc/sys/kernel/unprivileged_userns_clone", "0") {
        return "sudo sysctl kernel.unprivileged_userns_clone=1, or run as root".to_owned();
    }
    if set_to("/proc/sys/user/max_user_namespaces", "0") {
        return "sudo sysctl user.max_user_namespaces=10000, or run as root".to_owned();
    }
    "in a container, start it with --privileged or with a seccomp profile that allows unshare; else run as root".to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHECK: Check =
        Check { what: "netem", script: "", needed_for: "delays", state: State::Limited, remedy: "modprobe" };

    #[test]
    fn a_kernel_that_refuses_is_told_apart_from_a_tool_that_is_not_there() {
        let refused = row(&CHECK, Err("exit status 2: Error: qdisc kind is unknown".into()), true);
        assert_eq!(refused.remedy.as_deref(), Some("modprobe"));
        let no_tool = row(&CHECK, Err("exit status 127: sh: 1: tc: not found".into()), false);
        assert!(no_tool.remedy.unwrap().contains("brownout setup"));
        assert_eq!(row(&CHECK, Ok(()), true).state, State::Present);
    }

    #[test]
    fn a_script_that_fails_is_told_with_its_last_words() {
        let Ok((way, _)) = enter() else {
            // The row of a machine without namespaces is the first of `examine`.
            return;
        };
        assert_eq!(run(way, None, "test $$ -lt 9"), Ok(()), "the shell is not in a pid namespace of its own");
        let error = run(way, None, "echo so it is >&2; exit 4").unwrap_err();
        assert_eq!(error, "exit status 4: so it is");
    }
}
