//! Where designs come from: the ones that are built in, and folders of the same shape that a person wrote.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use include_dir::{Dir, include_dir};
use thiserror::Error;

use crate::input::InputError;
use crate::part::Part;
use crate::topology::{Setting, Topology};

pub(crate) static DESIGNS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/designs");
static PARTS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/parts");
static APP: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/app");

/// Why there is no such design.
#[derive(Debug, Error)]
pub enum DesignError {
    /// Neither a built-in name nor a folder.
    #[error("no design `{name}`: use one of {known}, or a folder that holds a topology.toml")]
    Unknown {
        /// What was asked for.
        name: String,
        /// The built-in ones.
        known: String,
    },
    /// A path that is not a folder.
    #[error("design `{0}` is a file: a design is a folder that holds a topology.toml")]
    NotAFolder(String),
    /// A file of the design could not be read.
    #[error("cannot read {path}: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// What is written in it is wrong.
    #[error(transparent)]
    Input(#[from] InputError),
}

/// A design with everything it takes to bring it up.
#[derive(Debug, Clone)]
pub struct Design {
    /// Nodes and links.
    pub topology: Topology,
    /// Every known part by name.
    pub parts: HashMap<String, Part>,
    /// Templates by `part/template`, the design's own over the part's.
    pub templates: HashMap<String, String>,
    /// The folder it was read from; `None` for a built-in one.
    pub folder: Option<PathBuf>,
}

/// The names of the built-in designs, in order.
#[must_use]
pub fn builtin_designs() -> Vec<String> {
    let mut names: Vec<String> =
        DESIGNS.dirs().filter_map(|dir| dir.path().to_str()).map(str::to_owned).collect();
    names.sort();
    names
}

impl Design {
    /// Finds the built-in design called `asked`, or reads the folder of that path. Settings may follow:
    /// `1-distributed:balance=leastconn,pool_size=8`.
    ///
    /// # Errors
    ///
    /// When there is none or something in it is wrong: see [`DesignError`].
    pub fn find(asked: &str) -> Result<Self, DesignError> {
        let (name, given) = with_settings(asked);
        let mut design = Self::read(name, &given)?;
        if !given.is_empty() {
            // What differs from the design of that name is not to be taken for it.
            let list: Vec<String> = given.iter().map(|(name, value)| format!("{name}={value}")).collect();
            design.topology.name = format!("{}:{}", design.topology.name, list.join(","));
        }
        Ok(design)
    }

    fn read(name: &str, given: &[Setting]) -> Result<Self, DesignError> {
        let parts = builtin_parts()?;
        let mut templates = templates_of(&PARTS);
        if let Some(dir) = DESIGNS.get_dir(name) {
            templates.extend(templates_of(dir));
            let text = dir.get_file(format!("{name}/topology.toml")).and_then(|file| file.contents_utf8());
            let topology =
                Topology::parse(text.unwrap_or_default(), &format!("{name}/topology.toml"), &parts, given)?;
            return Ok(Self { topology, parts, templates, folder: None });
        }
        let folder = PathBuf::from(name);
        if folder.is_file() {
            return Err(DesignError::NotAFolder(name.to_owned()));
        }
        if !folder.is_dir() {
            let known = builtin_designs().join(", ");
            return Err(DesignError::Unknown { name: name.to_owned(), known });
        }
        let path = folder.join("topology.toml");
        let text = read_file(&path)?;
        let topology = Topology::parse(&text, &path.display().to_string(), &parts, given)?;
        templates.extend(folder_templates(&folder)?);
        let folder =
            Some(fs::canonicalize(&folder).map_err(|source| DesignError::Read { path: folder, source })?);
        Ok(Self { topology, parts, templates, folder })
    }

    /// Whether one of its nodes runs a part that needs the application's modules for Node.js.
    #[must_use]
    pub fn needs_node_modules(&self) -> bool {
        let mut plans = self.topology.nodes.iter().flat_map(|node| &node.parts);
        plans.any(|plan| self.parts[&plan.part].node_modules)
    }

    /// The port that `setting` gives `part` on `node`: what is set for it there comes before the design's settings, and
    /// those before the part's own. `None` when it is no port.
    #[must_use]
    pub fn port(&self, node: &str, part: &str, setting: &str) -> Option<u16> {
        let node = self.topology.nodes.iter().find(|plan| plan.name == node);
        let plan = node.and_then(|plan| plan.parts.iter().find(|plan| plan.part == part));
        let value = plan
            .and_then(|plan| plan.settings.get(setting))
            .or_else(|| self.topology.settings.get(setting))
            .or_else(|| self.parts.get(part)?.settings.get(setting))?;
        u16::try_from(value.as_integer()?).ok()
    }
}

fn read_file(path: &Path) -> Result<String, DesignError> {
    fs::read_to_string(path).map_err(|source| DesignError::Read { path: path.to_owned(), source })
}

/// `NAME:KEY=VALUE,KEY=VALUE` taken apart. A colon without a `=` behind it belongs to the name.
fn with_settings(asked: &str) -> (&str, Vec<Setting>) {
    let Some((name, list)) = asked.rsplit_once(':') else { return (asked, Vec::new()) };
    let pair = |text: &str| text.split_once('=').map(|(key, value)| (key.to_owned(), value.to_owned()));
    match list.split(',').map(pair).collect() {
        Some(given) => (name, given),
        None => (asked, Vec::new()),
    }
}

fn builtin_parts() -> Result<HashMap<String, Part>, InputError> {
    PARTS
        .dirs()
        .filter_map(|dir| dir.get_file(dir.path().join("part.toml")))
        .map(|file| {
            let part =
                Part::parse(file.contents_utf8().unwrap_or_default(), &file.path().display().to_string())?;
            Ok((part.name.clone(), part))
        })
        .collect()
}

/// Every file two folders deep, `part/template`: the parts' own, or a design's.
fn templates_of(dir: &Dir<'_>) -> HashMap<String, String> {
    let files = dir.dirs().flat_map(Dir::files);
    files
        .filter_map(|file| {
            let name = file.path().strip_prefix(dir.path()).ok()?.to_str()?;
            Some((name.to_owned(), file.contents_utf8()?.to_owned()))
        })
        .collect()
}

/// The same for a folder on disk.
fn folder_templates(folder: &Path) -> Result<HashMap<String, String>, DesignError> {
    let list = |path: &Path| -> Result<Vec<PathBuf>, DesignError> {
        let error = |source| DesignError::Read { path: path.to_owned(), source };
        fs::read_dir(path)
            .map_err(error)?
            .map(|entry| entry.map(|entry| entry.path()).map_err(error))
            .collect()
    };
    let mut templates = HashMap::new();
    for part in list(folder)?.into_iter().filter(|path| path.is_dir() && !path.ends_with("app")) {
        for file in list(&part)?.into_iter().filter(|path| path.is_file()) {
            if let Some(name) = file.strip_prefix(folder).ok().and_then(Path::to_str) {
                templates.insert(name.to_owned(), read_file(&file)?);
            }
        }
    }
    Ok(templates)
}

/// Writes the built-in application below `to`.
///
/// # Errors
///
/// When a file cannot be written.
pub(crate) fn write_app(to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    APP.extract(to)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_builtin_design_is_read_and_every_template_exists() {
        let names = builtin_designs();
        assert!(
            names.contains(&"0-simple".to_owned()) && names.contains(&"1-distributed".to_owned()),
            "{names:?}"
        );
        for name in names {
            let design = Design::find(&name).unwrap();
            assert_eq!(design.topology.name, name);
            for part in design.parts.values() {
                for file in &part.file {
                    let template = format!("{}/{}", part.name, file.template);
                    assert!(design.templates.contains_key(&template), "{template}");
                }
            }
        }
    }

    #[test]
    fn a_port_is_the_parts_own_unless_it_is_set() {
        let port = |asked: &str, setting| {
            let design = Design::find(asked).unwrap();
            design.port("monitor", "prometheus", setting)
        };
        assert_eq!(port("2-secured", "prometheus_port"), Some(9090));
        assert_eq!(port("2-secured:prometheus_port=9191", "prometheus_port"), Some(9191));
        assert_eq!(port("2-secured", "no_such_port"), None);
        let mut design = Design::find("2-secured").unwrap();
        let node = design.topology.nodes.iter_mut().find(|node| node.name == "monitor").unwrap();
        node.parts[0].settings.insert("prometheus_port".to_owned(), 9292.into());
        assert_eq!(design.port("monitor", "prometheus", "prometheus_port"), Some(9292));
    }

    #[test]
    fn a_design_that_is_not_there_or_is_a_file_is_said_so() {
        let unknown = Design::find("9-none").unwrap_err().to_string();
        assert!(unknown.contains("9-none") && unknown.contains("0-simple"), "{unknown}");
        let file = tempfile::NamedTempFile::new().unwrap();
        let error = Design::find(file.path().to_str().unwrap()).unwrap_err();
        assert!(matches!(error, DesignError::NotAFolder(_)), "{error}");
    }

    #[test]
    fn settings_behind_the_name_change_the_design_and_are_checked() {
        let design = Design::find("3-scaled-up:web=2,balancers=active-active").unwrap();
        let names: Vec<&str> = design.topology.nodes.iter().map(|node| node.name.as_str()).collect();
        assert!(names.contains(&"web2") && !names.contains(&"app2"), "{names:?}");
        assert_eq!(design.topology.public_addresses.len(), 2);
        assert_eq!(design.topology.name, "3-scaled-up:web=2,balancers=active-active");
        for (asked, expected) in [
            ("3-scaled-up:colour=red", "no setting `colour`"),
            ("3-scaled-up:web=many", "expected a whole number"),
            ("3-scaled-up:web=99", "a count of 99"),
            ("1-distributed:balance=random", "use one of roundrobin, leastconn, source"),
        ] {
            let error = Design::find(asked).unwrap_err().to_string();
            assert!(error.contains(expected), "{asked}: {error}");
        }
        // A part's setting may be given even where the topology says nothing of it.
        assert!(Design::find("0-simple:pool_size=2").is_ok());
    }

    #[test]
    fn a_firewall_lets_in_what_the_links_bring_and_the_world_only_where_the_client_comes_from() {
        let design = Design::find("2-secured").unwrap();
        let firewalls = design.topology.firewalls();
        let of = |node: &str| {
            let firewall = firewalls.iter().find(|firewall| firewall.node == node).unwrap();
            let flow = |accept: &model::Accept| (accept.port.unwrap(), accept.from.join(" "));
            firewall.accepts.iter().map(flow).collect::<Vec<_>>()
        };
        let monitored = |port| (port, "monitor".to_owned());
        assert_eq!(of("lb1"), [(443, String::new()), (80, String::new()), monitored(8405), monitored(9100)]);
        assert_eq!(
            of("server1"),
            [
                (80, "lb1".to_owned()),
                (3306, "server2".to_owned()),
                (3307, "server2".to_owned()),
                monitored(9100),
                monitored(9113),
                monitored(9104)
            ]
        );
        assert_eq!(of("monitor"), [], "nobody has to ask the monitor");
        assert_eq!(firewalls.len(), 4);
    }

    /// Each mistake a person can make is answered with the file, the line and the key.
    #[test]
    fn mistakes_in_a_topology_are_named_with_their_line() {
        let head = "name = \"x\"\nsummary = \"s\"\npublic_name = \"w\"\npublic_address = \"203.0.113.8\"\n";
        let node = "[[node]]\nname = \"a\"\naddresses = [\"192.0.2.1\"]\n";
        let cases = [
            (format!("{head}colour = 1\n{node}"), 5, "colour"),
            (format!("{head}{node}[[node.part]]\npart = \"apache\"\n"), 9, "unknown part `apache`"),
            (
                format!("{head}{node}[[node]]\nname = \"b\"\naddresses = [\"192.0.2.1\"]\n"),
                10,
                "same address",
            ),
            (format!("{head}{node}[[node]]\nname = \"a\"\naddresses = [\"192.0.2.2\"]\n"), 9, "two nodes"),
            (
                format!("{head}{node}[[link]]\nfrom = \"a\"\nto = \"z\"\nprotocol = \"http\"\n"),
                10,
                "no node `z`",
            ),
            (format!("{head}client = \"z\"\n{node}"), 5, "is no node"),
            (format!("{head}[[node]]\nname = \"a\"\naddresses = [\"192.0.2\"]\n"), 7, "192.0.2"),
            (
                format!("{head}{node}{0}{0}", "[[node.part]]\npart = \"nginx\"\n"),
                11,
                "has the part `nginx` twice",
            ),
            (head.to_owned(), 1, "at least one [[node]]"),
            (format!("{head}networks = [\"198.51.100.0/24\"]\n{node}"), 8, "outside the design's networks"),
            (format!("{head}networks = [\"198.51.100.1/24\"]\n{node}"), 5, "not of the form"),
            (format!("{head}{node}count = 0\n"), 8, "a count of 0"),
            (format!("{head}{node}count = \"web\"\n"), 8, "no setting with a number"),
            (format!("{head}{node}when = {{ app = \"node\" }}\n"), 8, "no setting `app`"),
            (
                format!("{head}{node}[[virtual]]\nname = \"v\"\naddress = \"192.0.2.9\"\nnodes = [\"z\"]\n"),
                11,
                "is no node",
            ),
            (format!("{head}{node}[choices]\ncolour = [\"red\"]\n"), 1, "setting colour="),
            (
                format!("{head}{node}[[link]]\nfrom = \"a\"\nto = \"a\"\nprotocol = \"http\"\n"),
                9,
                "closes a circle",
            ),
        ];
        for (text, line, expected) in cases {
            let error =
                Topology::parse(&text, "my/topology.toml", &builtin_parts().unwrap(), &[]).unwrap_err();
            assert_eq!((error.file.as_str(), error.line), ("my/topology.toml", line), "{error}\n{text}");
            assert!(error.message.contains(expected), "{error}");
        }
    }
}
