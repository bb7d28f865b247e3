use std::collections::BTreeSet;
use std::time::Duration;

use model::Reach;
use proptest::prelude::*;

use super::*;
use crate::parse_schedule;

fn words(line: &str) -> Vec<String> {
    line.split_whitespace().map(str::to_owned).collect()
}

fn process(name: &str, part: &str, role: Role) -> Process {
    Process {
        name: name.into(),
        part: part.into(),
        role,
        pid_file: format!("/run/{name}.pid").into(),
        start: words("start it"),
        stop: words("stop it"),
        ready: words("ask it"),
        is_primary: Vec::new(),
        supervised: false,
    }
}

fn node(name: &str, processes: Vec<Process>) -> Node {
    Node { name: name.into(), addresses: Vec::new(), reach: Reach::Local, processes }
}

fn server(name: &str) -> Node {
    let mut database = process("mariadbd", "mariadb", Role::Database);
    database.is_primary = words("primary?");
    let web = process("nginx", "nginx", Role::Web);
    node(name, vec![web, process("gunicorn", "gunicorn", Role::Application), database])
}

fn inventory(servers: Vec<Node>) -> Inventory {
    let mut nodes = vec![node("client", Vec::new()), node("dns", vec![process("named", "named", Role::Dns)])];
    nodes.extend(servers);
    Inventory {
        design: "test".into(),
        summary: String::new(),
        nodes,
        links: Vec::new(),
        public_name: "www.foobar.com".into(),
        public_port: 80,
        client: Some("client".into()),
        ..Inventory::default()
    }
}

fn distributed() -> Inventory {
    let balancer = node("lb1", vec![process("haproxy", "haproxy", Role::LoadBalancer)]);
    inventory(vec![balancer, server("server1"), server("server2")])
}

/// A design of one server, whose lone database cannot be asked whether it is the primary.
fn simple() -> Inventory {
    let mut server = server("server1");
    server.processes[2].is_primary.clear();
    inventory(vec![server])
}

fn schedule(injections: &[(&str, &str)]) -> Schedule {
    let mut text = "name = \"s\"\n".to_owned();
    for (name, lines) in injections {
        text += &format!("[[injection]]\nname = \"{name}\"\nat = \"1s\"\nfor = \"1s\"\n{lines}\n");
    }
    parse_schedule(&text, "plan.toml").unwrap()
}

fn hits(inventory: &Inventory, lines: &str) -> Vec<String> {
    let resolved = resolve(&schedule(&[("it", lines)]), inventory, Seed(1)).unwrap();
    resolved[0].targets.iter().map(ToString::to_string).collect()
}

fn refusal(inventory: &Inventory, lines: &str) -> String {
    resolve(&schedule(&[("it", lines)]), inventory, Seed(1)).unwrap_err().to_string()
}

#[test]
fn a_selector_takes_the_processes_that_fit_every_field() {
    let all = distributed();
    assert_eq!(
        hits(&all, "fault = \"kill\"\nselect = { role = \"web\" }"),
        ["server1/nginx", "server2/nginx"]
    );
    assert_eq!(hits(&all, "fault = \"kill\"\nselect = { part = \"named\" }"), ["dns/named"]);
    assert_eq!(
        hits(&all, "fault = \"kill\"\nselect = { node = \"server2\", role = \"database\" }"),
        ["server2/mariadbd"]
    );
}

#[test]
fn first_and_last_count_nodes_in_the_order_of_the_topology() {
    let all = distributed();
    assert_eq!(
        hits(&all, "fault = \"kill\"\nselect = { role = \"web\", pick = \"first\" }"),
        ["server1/nginx"]
    );
    assert_eq!(
        hits(&all, "fault = \"kill\"\nselect = { role = \"web\", pick = \"last\" }"),
        ["server2/nginx"]
    );
}

#[test]
fn a_whole_node_is_every_process_of_the_node_that_fits() {
    let select = "fault = \"kill\"\nselect = { role = \"web\", pick = \"last\", whole_node = true }";
    assert_eq!(hits(&distributed(), select), ["server2/nginx", "server2/gunicorn", "server2/mariadbd"]);
    assert_eq!(hits(&simple(), select), ["server1/nginx", "server1/gunicorn", "server1/mariadbd"]);
}

#[test]
fn network_faults_hit_nodes_also_those_that_run_nothing() {
    let all = distributed();
    assert_eq!(hits(&all, "fault = \"drop\"\nselect = { role = \"web\" }"), ["server1", "server2"]);
    assert_eq!(hits(&all, "fault = \"drop\"\nselect = { node = \"client\" }"), ["client"]);
    let refusal = refusal(&all, "fault = \"kill\"\nselect = { node = \"client\" }");
    assert!(refusal.starts_with("injection \"it\" selects nothing: no process on node client;"), "{refusal}");
}

#[test]
fn the_primary_is_any_of_several_that_can_be_asked_or_the_only_one() {
    let select = "fault = \"kill\"\nselect = \"primary\"";
    assert_eq!(hits(&distributed(), select), ["server1/mariadbd", "server2/mariadbd"]);
    assert_eq!(hits(&simple(), select), ["server1/mariadbd"]);
    assert_eq!(hits(&simple(), "fault = \"restart-primary\""), ["server1/mariadbd"]);
    let mut mute = distributed();
    for node in &mut mute.nodes {
        node.processes.iter_mut().for_each(|process| process.is_primary.clear());
    }
    let refusal = refusal(&mute, select);
    assert!(refusal.contains("none of server1/mariadbd, server2/mariadbd can be asked"), "{refusal}");
}

#[test]
fn a_selection_of_nothing_names_the_injection_and_all_that_there_is() {
    assert_eq!(
        refusal(&simple(), "fault = \"kill\"\nselect = { role = \"load-balancer\" }"),
        "injection \"it\" selects nothing: no process with role load-balancer; there is nodes client, dns, server1; \
         roles dns, web, application, database; parts named, nginx, gunicorn, mariadb"
    );
}

#[test]
fn what_is_meant_only_where_it_is_present_is_left_out_elsewhere() {
    let lines = "fault = \"kill\"\nif_present = true\nselect = { role = \"load-balancer\" }";
    assert_eq!(hits(&distributed(), lines), ["lb1/haproxy"]);
    assert_eq!(resolve(&schedule(&[("it", lines)]), &simple(), Seed(1)), Ok(Vec::new()));
    // A peer that does not exist is a mistake all the same.
    refusal(&simple(), "fault = \"drop\"\nif_present = true\npeer = \"z\"\nselect = { role = \"web\" }");
}

#[test]
fn a_peer_is_a_node_and_not_its_own_peer_among_several() {
    let all = distributed();
    let drop = |peer: &str| format!("fault = \"drop\"\npeer = \"{peer}\"\nselect = {{ role = \"web\" }}");
    assert_eq!(hits(&all, &drop("server1")), ["server2"]);
    assert_eq!(hits(&simple(), &drop("server1")), ["server1"]);
    let refusal = refusal(&all, &drop("server3"));
    assert!(refusal.contains("`peer` is no node: `server3`; there is nodes client,"), "{refusal}");
}

#[test]
fn what_could_not_be_undone_is_not_done() {
    let mut all = simple();
    all.nodes[2].processes[0].start.clear();
    let kill = "fault = \"kill\"\nselect = { role = \"web\" }";
    assert_eq!(
        refusal(&all, kill),
        "injection \"it\": server1/nginx lacks a start command, which kill needs"
    );
    all.nodes[2].processes[0].supervised = true;
    assert_eq!(hits(&all, kill), ["server1/nginx"]);
    all.nodes[2].processes[1].stop.clear();
    let restart = refusal(&all, "fault = \"restart\"\nselect = { role = \"application\" }");
    assert!(restart.contains("server1/gunicorn lacks a stop command, which restart needs"), "{restart}");
}

#[test]
fn noop_hits_nothing_but_its_selector_is_checked() {
    assert_eq!(hits(&simple(), "fault = \"noop\""), Vec::<String>::new());
    assert_eq!(hits(&simple(), "fault = \"noop\"\nselect = { role = \"web\" }"), Vec::<String>::new());
    refusal(&simple(), "fault = \"noop\"\nselect = { role = \"load-balancer\" }");
}

#[test]
fn every_schedule_that_comes_with_the_program_fits_both_designs() {
    for (name, text) in crate::builtins() {
        for inventory in [simple(), distributed()] {
            let resolved = resolve(&parse_schedule(text, name).unwrap(), &inventory, Seed(1)).unwrap();
            assert!(name == "noop" || resolved.iter().all(|one| !one.targets.is_empty()), "{name}");
        }
    }
}

#[test]
fn a_dry_run_shows_when_what_and_whom() {
    let text = "name = \"s\"\n\
        [[injection]]\nname = \"base\"\nat = \"10s\"\nfor = \"15s\"\nfault = \"kill\"\nselect = \"primary\"\n\
        [[injection]]\nname = \"cut\"\nat = \"1m\"\nfor = \"1m 5s\"\nfault = \"drop\"\ndirection = \"out\"\n\
        peer = \"server1\"\nport = 3306\nselect = { node = \"server2\" }\n\
        [[injection]]\nname = \"rest\"\nat = \"3m\"\nfault = \"noop\"\n";
    let resolved = resolve(&parse_schedule(text, "plan.toml").unwrap(), &distributed(), Seed(1)).unwrap();
    let expected = concat!(
        " at  until  injection  fault                              hits\n",
        "10s    25s  base       kill                               the primary of server1/mariadbd, server2/mariadbd\n",
        " 1m  2m 5s  cut        drop out, with server1, port 3306  server2\n",
        " 3m     3m  rest       noop                               nothing\n",
        "all faults are undone by 3m\n"
    );
    assert_eq!(crate::dry_run(&resolved), expected);
}

fn random_injections() -> impl Strategy<Value = BTreeSet<String>> {
    prop::collection::btree_set("[a-z]{1,6}", 1..8)
}

fn draw(names: &BTreeSet<String>, seed: u64) -> Vec<ResolvedInjection> {
    let random: Vec<(&str, &str)> =
        names.iter().map(|name| (name.as_str(), "fault = \"kill\"\nselect = \"random\"")).collect();
    resolve(&schedule(&random), &distributed(), Seed(seed)).unwrap()
}

proptest! {
    #[test]
    fn the_same_seed_draws_the_same_and_one_more_injection_changes_no_other(
        names in random_injections(), more in "[a-z]{7}", seed: u64
    ) {
        let before = draw(&names, seed);
        prop_assert_eq!(&before, &draw(&names, seed));
        let mut with_more = names.clone();
        with_more.insert(more);
        let after = draw(&with_more, seed);
        for one in &before {
            prop_assert!(after.contains(one), "{:?}", one.injection.name);
        }
    }

    #[test]
    fn a_draw_is_one_node_and_never_a_bystander(names in random_injections(), seed: u64) {
        for one in draw(&names, seed) {
            let nodes: BTreeSet<&str> = one.targets.iter().map(|target| target.node.as_str()).collect();
            prop_assert_eq!(nodes.len(), 1);
            prop_assert!(nodes.is_disjoint(&BTreeSet::from(["client", "dns"])), "{:?}", nodes);
        }
    }
}

#[test]
fn draws_reach_every_server() {
    let names: BTreeSet<String> = (0..100).map(|n| format!("draw{n}")).collect();
    let drawn: BTreeSet<String> = draw(&names, 7).iter().map(|one| one.targets[0].node.clone()).collect();
    assert_eq!(drawn, BTreeSet::from(["lb1", "server1", "server2"].map(str::to_owned)));
    assert!(draw(&names, 7) != draw(&names, 8), "another seed draws otherwise");
    assert_eq!(draw(&names, 7)[0].injection.at, Duration::from_secs(1));
}
