use super::*;
use crate::lab::intended;

fn known(name: &str) -> (Design, Inventory) {
    let design = Design::find(name).unwrap();
    let inventory = intended(&design).unwrap();
    (design, inventory)
}

/// A person who learns must not meet a box without a reason or an arrow without a word.
#[test]
fn every_node_part_firewall_address_and_step_of_a_builtin_design_is_explained() {
    for name in builtin_designs() {
        let (design, inventory) = known(&name);
        let told =
            explanation(&design, &inventory).unwrap().unwrap_or_else(|| panic!("{name} has no {FILE}"));
        for element in elements_of(&inventory) {
            assert!(told.elements.iter().any(|known| known.of.matches(&element)), "{name}: why {element}?");
        }
        for step in inventory.links.iter().filter_map(|link| link.step) {
            assert!(told.steps.iter().any(|known| known.step == step), "{name}: what is step {step}?");
        }
        assert!(!told.idea.is_empty() && !told.adds.is_empty() && !told.back.is_empty(), "{name}");
        assert!(!told.weaknesses.is_empty() && !told.tries.is_empty() && !told.terms.is_empty(), "{name}");
    }
}

/// A weakness that nothing measures would be words on a slide.
#[test]
fn every_weakness_names_a_claim_that_there_is() {
    for name in builtin_designs() {
        let (design, inventory) = known(&name);
        for weakness in explanation(&design, &inventory).unwrap().unwrap().weaknesses {
            let Measure::Claim { design, id } = weakness.measure else { continue };
            let claims = Design::find(&design).unwrap().claims().unwrap();
            assert!(claims.iter().any(|claim| claim.id == id), "{name}: {design} claims no {id}");
        }
    }
}

/// The designs are a path: each goes on from the one before.
#[test]
fn builtin_designs_go_on_from_each_other() {
    let names = builtin_designs();
    for (index, name) in names.iter().enumerate() {
        let (design, inventory) = known(name);
        let before = explanation(&design, &inventory).unwrap().unwrap().before;
        assert_eq!(before, index.checked_sub(1).map(|before| names[before].clone()), "{name}");
    }
}

#[test]
fn every_term_is_needed_by_some_design() {
    let terms_of = |name: &String| {
        let (design, inventory) = known(name);
        explanation(&design, &inventory).unwrap().unwrap().terms
    };
    let needed: Vec<String> = builtin_designs().iter().flat_map(terms_of).collect();
    for term in terms().unwrap() {
        assert!(needed.contains(&term.name), "no design needs the term `{}`", term.name);
    }
}

/// Settings given behind the name may take away what the words speak of: that is no mistake in them.
#[test]
fn a_design_with_other_settings_is_explained_as_far_as_it_goes() {
    for asked in [
        "1-distributed:balance=source",
        "3-scaled-up:balancers=active-active,web=3,app=node",
        "4-resilient:database=2",
    ] {
        let (design, inventory) = known(asked);
        let told = explanation(&design, &inventory).unwrap().unwrap();
        assert!(told.elements.iter().any(|element| element.of.matches("client")), "{asked}");
    }
}

#[test]
fn a_design_without_words_is_a_design_all_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let topology = DESIGNS.get_file("0-simple/topology.toml").unwrap().contents().to_owned();
    fs::write(folder.path().join("topology.toml"), topology).unwrap();
    let (design, inventory) = known(folder.path().to_str().unwrap());
    assert_eq!(explanation(&design, &inventory).unwrap(), None);
    fs::write(folder.path().join(FILE), "idea = \"Mine.\"\n").unwrap();
    assert_eq!(explanation(&design, &inventory).unwrap().unwrap().idea, "Mine.");
}

/// Each mistake a person can make is answered with the file, the line and the key.
#[test]
fn mistakes_are_named_with_their_line() {
    let (_, inventory) = known("0-simple");
    let cases = [
        ("idea = \"x\"\ncolour = 1\n", 2, "colour"),
        ("idea = \"x\"\nbefore = \"9-none\"\n", 2, "before = \"9-none\" is no design"),
        ("idea = \"x\"\nterms = [\"cheese\"]\n", 2, "term `cheese` is not explained"),
        ("idea = \"x\"\n[[step]]\nstep = 9\ntext = \"x\"\n", 3, "no link of the topology has it"),
        (
            "idea = \"x\"\n[[step]]\nstep = 2\ntext = \"x\"\n[[step]]\nstep = 1\ntext = \"x\"\n",
            6,
            "stands after a later one",
        ),
        (
            "idea = \"x\"\n[[element]]\nof = \"web9\"\ntitle = \"x\"\nwhy = \"x\"\n",
            3,
            "matches none of client, dns",
        ),
        ("idea = \"x\"\n[[weakness]]\ntitle = \"x\"\ntext = \"x\"\n", 3, "either `claim` or `command`"),
    ];
    for (text, line, expected) in cases {
        let error = parse(&Source { file: "my/explain.toml", text }, &inventory, &[]).unwrap_err();
        assert_eq!((error.file.as_str(), error.line), ("my/explain.toml", line), "{error}\n{text}");
        assert!(error.message.contains(expected), "{error}");
    }
    let twice = "[[term]]\nname = \"a\"\ntitle = \"A\"\ntext = \"x\"\n".repeat(2);
    let error = parse_terms(&Source { file: TERMS, text: &twice }).unwrap_err();
    assert_eq!((error.line, error.message.as_str()), (6, "term `a` is explained twice"));
}

#[test]
fn a_weakness_names_its_own_claim_or_that_of_another_design() {
    let (_, inventory) = known("0-simple");
    let text = "idea = \"x\"\n[[weakness]]\ntitle = \"a\"\ntext = \"x\"\nclaim = \"spof\"\n\
        [[weakness]]\ntitle = \"b\"\ntext = \"x\"\nclaim = \"2-secured/firewall\"\n";
    let told = parse(&Source { file: FILE, text }, &inventory, &[]).unwrap();
    let claim = |design: &str, id: &str| Measure::Claim { design: design.to_owned(), id: id.to_owned() };
    let measures: Vec<Measure> = told.weaknesses.into_iter().map(|weakness| weakness.measure).collect();
    assert_eq!(measures, [claim("0-simple", "spof"), claim("2-secured", "firewall")]);
}
