//! Renders the parts' templates with what is known of the node, the design and the lab.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Serde, Value};
use minijinja::{Environment, UndefinedBehavior, context};
use model::Role;
use thiserror::Error;

use crate::certificates::{CertificateFiles, authority_file};
use crate::design::Design;
use crate::part::DatabaseRole;
use crate::seal::RUN_DIR;
use crate::topology::{NodePlan, PartPlan};

/// A template that could not be rendered.
#[derive(Debug, Error)]
#[error("cannot render {template} for {node}: {reason}")]
pub struct ConfigError {
    template: String,
    node: String,
    reason: String,
}

/// Renders templates for one process of one node.
pub(crate) struct Renderer<'a> {
    environment: Environment<'a>,
    context: Value,
    node: &'a str,
}

/// The folder of a process's own files: configuration, sockets, data.
pub(crate) fn process_dir(node: &str, process: &str) -> PathBuf {
    Path::new(RUN_DIR).join("nodes").join(node).join(process)
}

/// What a lab adds to a design before templates are rendered.
#[derive(Debug, Clone, Default)]
pub(crate) struct LabFacts {
    /// Where the application's files are.
    pub(crate) app_dir: PathBuf,
    /// Configuration files that came with the packages.
    pub(crate) parts_etc: PathBuf,
    /// Where logs go: `<logs>/<node>/<process>.log`.
    pub(crate) logs: PathBuf,
    /// The application's modules for Node.js; empty where no part needs them.
    pub(crate) node_modules: PathBuf,
    /// For the accounts inside the lab, new for every lab.
    pub(crate) password: String,
}

impl<'a> Renderer<'a> {
    pub(crate) fn new(design: &'a Design, node: &'a NodePlan, plan: &PartPlan, facts: &LabFacts) -> Self {
        let mut environment = Environment::new();
        // A template that names what does not exist is wrong, not empty.
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        // BIND, for one, complains of a zone whose last line does not end.
        if let Ok(syntax) = SyntaxConfig::builder().keep_trailing_newline(true).build() {
            environment.set_syntax(syntax);
        }
        let by_role = nodes_by_role(design);
        environment
            .add_function("with_role", move |role: String| by_role.get(&role).cloned().unwrap_or_default());
        let by_part = nodes_by_part(design);
        environment
            .add_function("with_part", move |part: String| by_part.get(&part).cloned().unwrap_or_default());
        let by_process = first_links(design);
        environment.add_function("link_to", move |process: String| by_process.get(&process).cloned());
        let part = &design.parts[&plan.part];
        let topology = &design.topology;
        let mut settings = part.settings.clone();
        settings.extend(topology.settings.clone());
        settings.extend(plan.settings.clone());
        settings.insert("password".to_owned(), toml::Value::String(facts.password.clone()));
        let databases = |role| databases(design, role);
        let context = context! {
            dir => process_dir(&node.name, &part.process).display().to_string(),
            // For programs that a part starts and whose words it does not keep.
            log => facts.logs.join(&node.name).join(format!("{}.log", part.process)).display().to_string(),
            node => node_value(design, node),
            nodes => topology.nodes.iter().map(|node| node_value(design, node)).collect::<Vec<_>>(),
            design => context! {
                name => topology.name.clone(),
                public_name => topology.public_name.clone(),
                public_addresses => topology.public_addresses.iter().map(ToString::to_string).collect::<Vec<_>>(),
                public_port => topology.public_port,
                public_tls => topology.public_tls,
                client => topology.client.clone(),
            },
            settings => Value::from(Serde(&settings)),
            database => plan.database.map(|role| if role == DatabaseRole::Primary { "primary" } else { "replica" }),
            primary => databases(DatabaseRole::Primary).first().cloned(),
            // Where writes go: the address that follows the primary, where one does.
            primary_address => primary_address(design),
            replicas => databases(DatabaseRole::Replica),
            virtual_addresses => virtual_addresses(design, node),
            certificate => node.certificate.as_ref().map(|_| certificate(&node.name)),
            authority => authority_file().display().to_string(),
            app_dir => facts.app_dir.display().to_string(),
            parts_etc => facts.parts_etc.display().to_string(),
            node_modules => facts.node_modules.display().to_string(),
        };
        Self { environment, context, node: &node.name }
    }

    /// Renders `template`; `name` is for the error.
    pub(crate) fn render(&self, name: &str, template: &str) -> Result<String, ConfigError> {
        self.environment.render_named_str(name, template, &self.context).map_err(|error| ConfigError {
            template: name.to_owned(),
            node: self.node.to_owned(),
            // Not its long form, which shows every value that the template could use: the password too.
            reason: error.to_string(),
        })
    }

    /// Renders each word of a command line; a word that renders to nothing is left out.
    pub(crate) fn render_words(&self, name: &str, words: &[String]) -> Result<Vec<String>, ConfigError> {
        let words = words.iter().map(|word| self.render(name, word)).collect::<Result<Vec<_>, _>>()?;
        Ok(words.into_iter().filter(|word| !word.is_empty()).collect())
    }
}

fn node_value(design: &Design, node: &NodePlan) -> Value {
    let addresses: Vec<String> = node.addresses.iter().map(ToString::to_string).collect();
    let roles: Vec<&str> = node.parts.iter().map(|plan| design.parts[&plan.part].role.as_str()).collect();
    let parts: Vec<String> = node.parts.iter().map(|plan| plan.part.clone()).collect();
    let position = design.topology.nodes.iter().position(|other| other.name == node.name);
    context! {
        name => node.name.clone(),
        address => addresses.first().cloned(),
        addresses => addresses,
        roles => roles,
        parts => parts,
        firewall => node.firewall,
        number => position.map(|position| position + 1),
    }
}

/// The nodes that run a part, by the part's name.
fn nodes_by_part(design: &Design) -> BTreeMap<String, Vec<Value>> {
    let mut by_part: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for node in &design.topology.nodes {
        for plan in &node.parts {
            by_part.entry(plan.part.clone()).or_default().push(node_value(design, node));
        }
    }
    by_part
}

/// How a process is reached, by its name: port and protocol of the first link that leads to one.
fn first_links(design: &Design) -> BTreeMap<String, Value> {
    let mut by_process = BTreeMap::new();
    for link in &design.topology.links {
        if let Some(process) = &link.to.process {
            by_process
                .entry(process.clone())
                .or_insert_with(|| context! { port => link.port, protocol => link.protocol.clone() });
        }
    }
    by_process
}

/// The addresses that may move to `node`. A node's place in the list is its rank: the first is where an address begins.
fn virtual_addresses(design: &Design, node: &NodePlan) -> Vec<Value> {
    let all = design.topology.virtual_addresses.iter().enumerate();
    all.filter_map(|(index, moving)| {
        let rank = moving.nodes.iter().position(|name| *name == node.name)?;
        let peers = design.topology.nodes.iter();
        let peers = peers.filter(|peer| peer.name != node.name && moving.nodes.contains(&peer.name));
        Some(context! {
            name => moving.name.clone(),
            address => moving.address.to_string(),
            // The virtual router's id (RFC 9568): 1 to 255, one for each address of a network.
            router => index + 51,
            rank => rank,
            peers => peers.map(|peer| node_value(design, peer)).collect::<Vec<_>>(),
        })
    })
    .collect()
}

fn primary_address(design: &Design) -> Option<String> {
    let moving = design.topology.virtual_addresses.iter().find(|moving| moving.name == "database");
    let primary = || {
        let first =
            |node: &NodePlan| node.parts.iter().any(|plan| plan.database == Some(DatabaseRole::Primary));
        design.topology.nodes.iter().find(|node| first(node))?.addresses.first()
    };
    moving.map(|moving| &moving.address).or_else(primary).map(ToString::to_string)
}

fn certificate(node: &str) -> Value {
    let files = CertificateFiles::of(node);
    context! {
        chain => files.chain.display().to_string(),
        key => files.key.display().to_string(),
        both => files.both.display().to_string(),
        authority => authority_file().display().to_string(),
    }
}

fn nodes_by_role(design: &Design) -> BTreeMap<String, Vec<Value>> {
    let nodes = &design.topology.nodes;
    let with = |role: Role| {
        let has = |node: &&NodePlan| node.parts.iter().any(|plan| design.parts[&plan.part].role == role);
        nodes.iter().filter(has).map(|node| node_value(design, node)).collect()
    };
    Role::ALL.into_iter().map(|role| (role.as_str().to_owned(), with(role))).collect()
}

fn databases(design: &Design, role: DatabaseRole) -> Vec<Value> {
    let nodes = &design.topology.nodes;
    let has = |node: &&NodePlan| node.parts.iter().any(|plan| plan.database == Some(role));
    nodes.iter().filter(has).map(|node| node_value(design, node)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts() -> LabFacts {
        LabFacts {
            app_dir: "/app".into(),
            parts_etc: "/etc".into(),
            logs: "/logs".into(),
            node_modules: "/modules".into(),
            password: "secret".to_owned(),
        }
    }

    /// What `part` of `0-simple`'s server becomes, on a node with or without a certificate.
    fn rendered(part: &str, certificate: Option<Vec<String>>) -> String {
        let mut design = Design::find("0-simple").unwrap();
        let node = design.topology.nodes.iter_mut().find(|node| node.name == "server1").unwrap();
        let plan = node.parts.iter_mut().find(|plan| plan.part == "gunicorn").unwrap();
        plan.part = part.to_owned();
        plan.settings.insert("application_listen".to_owned(), "0.0.0.0".into());
        let (plan, node) = (plan.clone(), NodePlan { certificate, ..node.clone() });
        let facts = facts();
        let renderer = Renderer::new(&design, &node, &plan, &facts);
        let part = &design.parts[part];
        let files = part
            .file
            .iter()
            .map(|file| design.templates[&format!("{}/{}", part.name, file.template)].clone());
        let crate::part::Ready::Http { http, authority } = part.ready.clone() else {
            panic!("{:?}", part.ready)
        };
        let all: Vec<String> =
            part.environment.iter().cloned().chain(files).chain([http, authority]).collect();
        all.iter().map(|text| renderer.render("test", text).unwrap() + "\n").collect()
    }

    #[test]
    fn the_application_speaks_tls_where_its_node_has_a_certificate_and_in_clear_elsewhere() {
        for (part, address) in [("gunicorn", "bind = \"0.0.0.0:8000\""), ("node", "LISTEN_ADDRESS=0.0.0.0")] {
            let clear = rendered(part, None);
            for expected in [address, "DB_CA=\n", "http://203.0.113.8:8000/health\n\n"] {
                assert!(clear.contains(expected), "`{expected}` is not in {clear}");
            }
            assert!(!clear.contains("keyfile") && !clear.contains(".pem"), "{clear}");
            let secure = rendered(part, Some(Vec::new()));
            for expected in [
                address,
                "/run/brownout/tls/server1/chain.pem",
                "/run/brownout/tls/server1/key.pem",
                "DB_CA=/run/brownout/tls/authority.pem\n",
                "https://203.0.113.8:8000/health\n/run/brownout/tls/authority.pem",
            ] {
                assert!(secure.contains(expected), "`{expected}` is not in {secure}");
            }
        }
    }

    /// nginx's configuration on the design's first node that has one.
    fn web_server(design: &str) -> String {
        let design = Design::find(design).unwrap();
        let parts =
            design.topology.nodes.iter().flat_map(|node| node.parts.iter().map(move |plan| (node, plan)));
        let (node, plan) = parts.into_iter().find(|(_, plan)| plan.part == "nginx").unwrap();
        let facts = facts();
        Renderer::new(&design, node, plan, &facts)
            .render("test", &design.templates["nginx/nginx.conf"])
            .unwrap()
    }

    #[test]
    fn of_several_application_servers_one_is_asked_even_where_all_have_failed() {
        let two = web_server("4-resilient");
        for address in ["192.0.2.41", "192.0.2.42"] {
            for expected in ["max_fails=1 fail_timeout=1s;", "max_fails=0 backup;"] {
                assert!(two.contains(&format!("server {address}:8000 {expected}")), "{two}");
            }
        }
        assert!(two.contains("proxy_next_upstream_tries 3;"), "{two}");
    }

    #[test]
    fn an_application_server_without_another_is_always_asked_and_not_twice() {
        for (design, address, tries) in [
            ("0-simple", "127.0.0.1", "proxy_next_upstream off;"),
            ("2-secured", "127.0.0.1", "proxy_next_upstream off;"),
            ("3-scaled-up", "192.0.2.41", "proxy_next_upstream_tries 1;"),
        ] {
            let one = web_server(design);
            assert!(one.contains(&format!("server {address}:8000 max_fails=0;")), "{one}");
            assert!(one.contains(tries), "{one}");
            assert!(!one.contains(" backup;") && !one.contains("max_fails=1"), "{one}");
        }
    }
}
