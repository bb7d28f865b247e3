//! The two ends of links, in words.

use record::LinkRecord;

use crate::words;

/// The node of a link's end.
pub(super) fn node_of(end: &str) -> &str {
    end.split('/').next().unwrap_or(end)
}

/// The process of a link's end.
pub(super) fn process_of(end: &str) -> Option<&str> {
    end.split_once('/').map(|(_, process)| process)
}

/// Whether what is passed cannot be read on the way.
pub(super) fn is_encrypted(protocol: &str) -> bool {
    protocol.split(['+', '-']).any(|word| matches!(word, "https" | "tls"))
}

/// "http, port 80"; "vrrp", which has no ports.
pub(super) fn spoken(link: &LinkRecord) -> String {
    match link.port {
        Some(port) => format!("{}, port {port}", link.protocol),
        None if node_of(&link.from) == node_of(&link.to) => format!("{}, unix socket", link.protocol),
        None => link.protocol.clone(),
    }
}

/// "nginx → gunicorn on server1 and server2", "lb1/haproxy → server1/nginx and server2/nginx".
pub(super) fn ends(links: &[&LinkRecord]) -> String {
    if let Some(within) = within_nodes(links) {
        return within;
    }
    let mut from: Vec<&str> = links.iter().map(|link| link.from.as_str()).collect();
    let mut to: Vec<&str> = links.iter().map(|link| link.to.as_str()).collect();
    from.sort_unstable();
    from.dedup();
    to.sort_unstable();
    to.dedup();
    if from.len() > 1 && from == to {
        return format!("{}, each to each", words::list(&from));
    }
    if links.len() == from.len() * to.len() {
        return format!("{} → {}", words::list(&from), words::list(&to));
    }
    let each: Vec<String> = links.iter().map(|link| format!("{} → {}", link.from, link.to)).collect();
    each.join("; ")
}

/// The same parts talking within several nodes.
fn within_nodes(links: &[&LinkRecord]) -> Option<String> {
    let split = |end: &'_ str| Some((node_of(end).to_owned(), process_of(end)?.to_owned()));
    let ends: Vec<_> =
        links.iter().map(|link| split(&link.from).zip(split(&link.to))).collect::<Option<_>>()?;
    let ((_, from), (_, to)) = ends.first()?;
    let same = ends.iter().all(|((a, f), (b, t))| a == b && f == from && t == to);
    let nodes: Vec<&str> = ends.iter().map(|((node, _), _)| node.as_str()).collect();
    (same && nodes.len() > 1).then(|| format!("{from} → {to} on {}", words::list(&nodes)))
}
