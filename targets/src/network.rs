//! The lab's wires: every node a network namespace, joined to one bridge by a veth pair.

use std::fs::{self, File};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use model::Reach;
use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use thiserror::Error;

use crate::seal::RUN_DIR;

const BRIDGE: &str = "lab";
/// `ip` answers in milliseconds; only a machine in deep trouble takes this long.
const IP_DEADLINE: Duration = Duration::from_secs(10);

/// Why the network could not be made.
#[derive(Debug, Error)]
pub enum NetworkError {
    /// No new network namespace, or it could not be kept.
    #[error("cannot make the network namespace of node `{node}`: {source}")]
    Namespace {
        /// The node.
        node: String,
        /// The kernel's answer.
        source: io::Error,
    },
    /// The lab's own list of DNS servers could not be put in place.
    #[error("cannot make the lab's programs ask its own DNS servers (/etc/resolv.conf): {source}")]
    Resolver {
        /// The system's answer.
        source: io::Error,
    },
    /// `ip` could not be run.
    #[error("cannot set up the network: {0}")]
    Reach(#[from] reach::ReachError),
    /// `ip` refused.
    #[error("cannot set up the network of {place}: `ip` says: {complaint}")]
    Refused {
        /// "the lab" or a node's name.
        place: String,
        /// Its last line and exit status.
        complaint: String,
    },
}

/// Where the network namespace of `node` is kept.
#[must_use]
pub fn namespace_path(node: &str) -> PathBuf {
    Path::new(RUN_DIR).join("net").join(node)
}

/// Makes the bridge and, for each node, its namespace, its wire and its addresses. Every node routes everything to the
/// bridge, so whatever address a design gives a node is reached there and nowhere else.
///
/// # Errors
///
/// When the kernel or `ip` refuses; what was made by then vanishes with the lab.
pub(crate) fn connect(nodes: &[(&str, &[IpAddr])]) -> Result<(), NetworkError> {
    let mut lab = vec![
        "link set lo up".to_owned(),
        format!("link add {BRIDGE} type bridge forward_delay 0"),
        format!("link set {BRIDGE} up"),
    ];
    for (index, (node, _)) in nodes.iter().enumerate() {
        make_namespace(node)
            .map_err(|source| NetworkError::Namespace { node: (*node).to_owned(), source })?;
        let path = namespace_path(node);
        // Interface names are at most 15 bytes long, so the lab's end of the wire goes by number.
        lab.push(format!("link add wire{index} type veth peer name eth0 netns {}", path.display()));
        lab.push(format!("link set wire{index} master {BRIDGE} up"));
    }
    batch("the lab", &Reach::Local, &lab)?;
    for (node, addresses) in nodes {
        let mut lines = vec!["link set lo up".to_owned()];
        lines.extend(addresses.iter().map(|address| format!("address add {address}/32 dev eth0")));
        lines.push("link set eth0 up".to_owned());
        lines.push("route add default dev eth0".to_owned());
        batch(node, &Reach::Namespace { net: namespace_path(node), cgroup_procs: Vec::new() }, &lines)?;
    }
    Ok(())
}

/// Makes programs inside the lab (curl in `brownout exec`, say) ask the design's DNS servers.
pub(crate) fn resolve_at(servers: &[SocketAddr]) -> Result<(), NetworkError> {
    let file = Path::new(RUN_DIR).join("resolv.conf");
    let failed = |source| NetworkError::Resolver { source };
    let mut text: String = servers.iter().map(|server| format!("nameserver {}\n", server.ip())).collect();
    // The next server is asked after a second without an answer.
    text += "options timeout:1 attempts:2\n";
    fs::write(&file, text).map_err(failed)?;
    let place = Path::new("/etc/resolv.conf");
    // Where it is a link into /run, what it led to is hidden in here.
    if let (Err(_), Ok(link)) = (fs::canonicalize(place), fs::read_link(place)) {
        let led_to = Path::new("/etc").join(link);
        if let Some(dir) = led_to.parent() {
            fs::create_dir_all(dir).map_err(failed)?;
        }
        fs::write(&led_to, "").map_err(failed)?;
    }
    // A machine without the file has programs that ask nobody; the load generator asks by itself.
    if !place.exists() {
        return Ok(());
    }
    let none = None::<&str>;
    mount(Some(&file), place, none, MsFlags::MS_BIND, none).map_err(|error| failed(error.into()))
}

/// A namespace lives as long as something refers to it: a thread makes it and mounts it onto a file.
fn make_namespace(node: &str) -> io::Result<()> {
    let path = namespace_path(node);
    File::create(&path)?;
    std::thread::scope(|scope| {
        let made = scope.spawn(|| -> io::Result<()> {
            unshare(CloneFlags::CLONE_NEWNET)?;
            let none = None::<&str>;
            mount(Some("/proc/thread-self/ns/net"), &path, none, MsFlags::MS_BIND, none)?;
            Ok(())
        });
        made.join().unwrap_or_else(|_| Err(io::Error::other("the thread that makes it panicked")))
    })
}

fn batch(place: &str, reach: &Reach, lines: &[String]) -> Result<(), NetworkError> {
    let file = Path::new(RUN_DIR).join("ip-batch");
    let refused = |complaint: String| NetworkError::Refused { place: place.to_owned(), complaint };
    fs::write(&file, lines.join("\n") + "\n").map_err(|error| refused(error.to_string()))?;
    let argv = ["ip".to_owned(), "-batch".to_owned(), file.display().to_string()];
    let output = reach::run(reach, &argv, IP_DEADLINE)?;
    if output.success() { Ok(()) } else { Err(refused(output.complaint())) }
}
