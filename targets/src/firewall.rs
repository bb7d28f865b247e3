//! The packet filter of a node: everything is dropped but the flows that its links bring, rendered for nftables.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::time::Duration;

use minijinja::context;
use minijinja::value::Value;
use model::{Accept, Firewall, Reach};

use crate::design::Design;
use crate::lab::UpError;
use crate::network::namespace_path;
use crate::seal::RUN_DIR;

/// The template, among those of the parts, so that a design may bring its own.
const TEMPLATE: &str = "firewall/rules.nft";
/// `nft` answers in milliseconds; only a machine in deep trouble takes this long.
const NFT_DEADLINE: Duration = Duration::from_secs(10);

/// Puts the filters of `design` in force.
pub(crate) fn raise(design: &Design) -> Result<(), UpError> {
    for firewall in design.topology.firewalls() {
        let failed = |complaint: String| UpError::Firewall { node: firewall.node.clone(), complaint };
        let template = design.templates.get(TEMPLATE).map(String::as_str).unwrap_or_default();
        let rules = render(design, &firewall, template).map_err(|error| failed(error.to_string()))?;
        let file = Path::new(RUN_DIR).join("nodes").join(&firewall.node).join("firewall.nft");
        crate::lab::write(&file, &rules)?;
        let argv = ["nft", "-f", &file.display().to_string()].map(str::to_owned);
        let output = reach::run(&reach_of(&firewall.node), &argv, NFT_DEADLINE)
            .map_err(|error| failed(error.to_string()))?;
        if !output.success() {
            return Err(failed(output.complaint()));
        }
    }
    Ok(())
}

/// Writes what each filter has counted and dropped to `<logs>/<node>/firewall.log`, for whoever looks afterwards.
pub(crate) fn keep_counters(firewalls: &[Firewall], logs: &Path) {
    for firewall in firewalls {
        let argv = ["nft", "list", "table", "inet", "firewall"].map(str::to_owned);
        // The lab goes down whether or not its counters could be read.
        if let Ok(output) = reach::run(&reach_of(&firewall.node), &argv, NFT_DEADLINE) {
            let _ = fs::write(logs.join(&firewall.node).join("firewall.log"), output.stdout);
        }
    }
}

fn reach_of(node: &str) -> Reach {
    Reach::Namespace { net: namespace_path(node), cgroup_procs: Vec::new() }
}

fn render(design: &Design, firewall: &Firewall, template: &str) -> Result<String, minijinja::Error> {
    let settings = &design.topology.settings;
    let limit =
        |name: &str, default: i64| settings.get(name).and_then(toml::Value::as_integer).unwrap_or(default);
    let accepts: Vec<Value> = firewall.accepts.iter().map(|accept| accept_value(design, accept)).collect();
    let mut environment = minijinja::Environment::new();
    environment.set_undefined_behavior(minijinja::UndefinedBehavior::Strict);
    environment.render_named_str(
        TEMPLATE,
        template,
        context! {
            accepts => accepts,
            connections_per_source => limit("connections_per_source", 1000),
            new_connections_per_s => limit("new_connections_per_s", 1000),
        },
    )
}

fn accept_value(design: &Design, accept: &Accept) -> Value {
    let topology = &design.topology;
    let nodes = topology.nodes.iter().filter(|node| accept.from.contains(&node.name));
    // What a node sends may carry an address that has moved to it.
    let moving = topology.virtual_addresses.iter();
    let moving = moving.filter(|address| address.nodes.iter().any(|node| accept.from.contains(node)));
    let sources: BTreeSet<_> =
        nodes.flat_map(|node| node.addresses.clone()).chain(moving.map(|address| address.address)).collect();
    context! {
        anybody => accept.from.is_empty(),
        sources => sources.iter().map(ToString::to_string).collect::<Vec<_>>(),
        port => accept.port,
        protocol => accept.protocol.clone(),
    }
}
