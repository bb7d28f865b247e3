//! What a design's DNS server will answer, read from the very zone file that it will be given.

use model::ZoneRecord;

use crate::config::{ConfigError, LabFacts, Renderer};
use crate::design::Design;

const TEMPLATE: &str = "named/zone";

/// The records of the design's zone in the order of the file, with what each is for; empty without a DNS server.
///
/// # Errors
///
/// When the zone's template cannot be rendered.
pub fn zone(design: &Design) -> Result<Vec<ZoneRecord>, ConfigError> {
    let mut parts =
        design.topology.nodes.iter().flat_map(|node| node.parts.iter().map(move |plan| (node, plan)));
    let named = parts.find(|(_, plan)| plan.part == "named");
    let Some(((node, plan), template)) = named.zip(design.templates.get(TEMPLATE)) else {
        return Ok(Vec::new());
    };
    // A zone names addresses, never files or secrets.
    let facts = LabFacts::default();
    Ok(records(&Renderer::new(design, node, plan, &facts).render(TEMPLATE, template)?))
}

/// The records of a zone file (RFC 1035, section 5), as far as parts write them: one on a line or in parentheses, each
/// with its owner, with or without a time to live.
fn records(text: &str) -> Vec<ZoneRecord> {
    let (mut ttl_s, mut origin) = (0, String::new());
    let mut records = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let (mut words, mut why) = split(line);
        if words.iter().any(|word| word == "(") {
            for line in lines.by_ref() {
                let (more, meaning) = split(line);
                if !meaning.is_empty() {
                    why += &format!("; {}: {meaning}", more.join(" "));
                }
                words.extend(more);
                if words.last().is_some_and(|word| word == ")") {
                    break;
                }
            }
            words.retain(|word| word != "(" && word != ")");
        }
        match words.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
            ["$TTL", seconds] => ttl_s = seconds.parse().unwrap_or_default(),
            ["$ORIGIN", name] => origin = name.trim_end_matches('.').to_owned(),
            [owner, rest @ ..] => {
                let own = rest.first().and_then(|word| word.parse().ok());
                let rest = &rest[usize::from(own.is_some())..];
                let rest = if rest.first() == Some(&"IN") { &rest[1..] } else { rest };
                let Some((kind, value)) = rest.split_first() else { continue };
                records.push(ZoneRecord {
                    name: in_full(owner, &origin),
                    ttl_s: own.unwrap_or(ttl_s),
                    kind: (*kind).to_owned(),
                    value: value.join(" "),
                    why,
                });
            }
            [] => {}
        }
    }
    records
}

fn in_full(owner: &str, origin: &str) -> String {
    match owner.strip_suffix('.') {
        Some(full) => full.to_owned(),
        None if owner == "@" => origin.to_owned(),
        None => format!("{owner}.{origin}"),
    }
}

/// The words of a line, quoted ones whole, and what stands after its semicolon.
fn split(line: &str) -> (Vec<String>, String) {
    let (mut words, mut word, mut quoted) = (Vec::new(), String::new(), false);
    for (at, letter) in line.char_indices() {
        match letter {
            ';' if !quoted => {
                words.push(std::mem::take(&mut word));
                words.retain(|word| !word.is_empty());
                return (words, line[at + 1..].trim().to_owned());
            }
            ' ' | '\t' if !quoted => words.push(std::mem::take(&mut word)),
            _ => {
                quoted ^= letter == '"';
                word.push(letter);
            }
        }
    }
    words.push(word);
    words.retain(|word| !word.is_empty());
    (words, String::new())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::design::builtin_designs;

    #[test]
    fn every_record_of_every_builtin_zone_says_what_it_is_for() {
        for name in builtin_designs() {
            let records = zone(&Design::find(&name).unwrap()).unwrap();
            for record in &records {
                assert!(!record.why.is_empty() && record.ttl_s > 0 && !record.value.is_empty(), "{record:?}");
            }
            let of = |kind: &str, name: &str| {
                records.iter().any(|record| record.kind == kind && record.name == name)
            };
            for kind in ["SOA", "NS", "A", "MX", "TXT"] {
                assert!(of(kind, "foobar.com"), "{name}: the apex has no {kind}");
            }
            assert!(of("A", "www.foobar.com") && of("CNAME", "shop.foobar.com"), "{name}");
        }
    }

    /// BIND refuses a CNAME beside other records, and names that lead to nothing are no names of servers.
    #[test]
    fn names_that_records_lead_to_are_in_the_zone() {
        for name in builtin_designs() {
            let records = zone(&Design::find(&name).unwrap()).unwrap();
            for record in &records {
                let same = records.iter().filter(|other| other.name == record.name).count();
                assert!(record.kind != "CNAME" || same == 1, "{record:?} does not stand alone");
                if ["NS", "CNAME", "MX"].contains(&record.kind.as_str()) {
                    let target = record.value.split(' ').next_back().unwrap().trim_end_matches('.');
                    let found = records.iter().any(|other| other.kind == "A" && other.name == target);
                    assert!(found, "{name}: {target} has no address");
                }
            }
        }
    }

    #[test]
    fn a_zone_file_is_read_as_bind_reads_it() {
        let text = "; a remark\n$TTL 5\n$ORIGIN example.\n@ 60 IN SOA ns.example. h.example. ( ; whose\n  1 ; serial\n  2\n)\n\
            www IN A 192.0.2.1 ; the service\nother.example. A 192.0.2.2\n@ IN TXT \"a; b\" ; quoted\n";
        let told: Vec<_> = records(text)
            .into_iter()
            .map(|r| format!("{} {} {} {} | {}", r.name, r.ttl_s, r.kind, r.value, r.why))
            .collect();
        assert_eq!(
            told,
            [
                "example 60 SOA ns.example. h.example. 1 2 | whose; 1: serial",
                "www.example 5 A 192.0.2.1 | the service",
                "other.example 5 A 192.0.2.2 | ",
                "example 5 TXT \"a; b\" | quoted",
            ]
        );
    }
}
