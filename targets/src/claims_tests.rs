use super::*;
use crate::builtin_designs;

const HEAD: &str = "[[claim]]\nid = \"a\"\nclaim = \"c\"\nhow = \"h\"\n";

#[test]
fn every_builtin_design_has_claims_that_can_be_read() {
    for name in builtin_designs() {
        let claims = Design::find(&name).unwrap().claims().unwrap();
        assert!(!claims.is_empty(), "{name}");
    }
}

#[test]
fn a_claim_is_read_with_its_experiments() {
    let text = format!(
        "{HEAD}settings = {{ balance = \"source\" }}\n[[claim.experiment]]\n\
         capture.leg = [{{ from = \"client\", to = \"load-balancer\", secret = true }}]\n\
         [[claim.experiment]]\nhandshake.refuses = [\"1.0\"]\n"
    );
    let claims = parse(&text, "x/claims.toml").unwrap();
    let leg = Leg { from: Some(Role::Client), to: Some(Role::LoadBalancer), secret: true };
    let handshake = Handshake { refuses: vec![TlsVersion::V10] };
    assert_eq!(
        claims[0].experiments,
        [Experiment::Capture(Capture { leg: vec![leg] }), Experiment::Handshake(handshake)]
    );
    assert_eq!(claims[0].settings, [("balance".to_owned(), "source".to_owned())]);
}

#[test]
fn a_victim_is_harmed_in_one_of_four_ways() {
    for (word, fault, name) in [
        ("kill", Harm::Kill, "database"),
        ("pause", Harm::Pause, "database-paused"),
        ("drop", Harm::Drop, "database-cut-off"),
        ("restart", Harm::Restart, "database-restarted"),
    ] {
        let text = format!(
            "{HEAD}[[claim.experiment]]\n[claim.experiment.alerts]\ntold = true\n\
             [[claim.experiment.alerts.victim]]\nrole = \"database\"\nfault = \"{word}\"\n"
        );
        let claims = parse(&text, "x/claims.toml").unwrap();
        let [Experiment::Alerts(alerts)] = &claims[0].experiments[..] else { panic!("{claims:?}") };
        assert_eq!((alerts.victim[0].fault, alerts.victim[0].name().as_str()), (fault, name));
    }
}

#[test]
fn mistakes_are_named_with_their_line() {
    let one = format!("{HEAD}[[claim.experiment]]\n");
    let scan = "scan.open = [{ role = \"database\", port = 3306 }]\n";
    let cases = [
        (format!("{one}guess = {{}}\n"), 6, "unknown variant `guess`"),
        (format!("{one}[claim.experiment.scan]\nopen = []\ndeep = 1\n"), 8, "deep"),
        (format!("{one}scan.open = []\n"), 5, "`open` is empty"),
        (format!("{one}{scan}{one}{scan}"), 8, "two claims have the id `a`"),
        (format!("{one}{scan}[[claim.experiment]]\n{scan}"), 7, "two experiments of the kind scan"),
        (format!("{HEAD}colour = 1\n[[claim.experiment]]\n{scan}"), 5, "colour"),
        (format!("{one}scan.open = [{{ role = \"king\", port = 1 }}]\n"), 6, "king"),
        (one.replace("\"a\"", "\"A b\"") + scan, 2, "lower-case"),
        (HEAD.to_owned(), 1, "missing field `experiment`"),
    ];
    for (text, line, expected) in cases {
        let error = parse(&text, "x/claims.toml").unwrap_err();
        assert_eq!((error.file.as_str(), error.line), ("x/claims.toml", line), "{error}\n{text}");
        assert!(error.message.contains(expected), "{error}");
    }
}
