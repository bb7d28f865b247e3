//! Who is meant: the `select` key of an injection.

use model::{Pick, Role, Selector};

use crate::keys::{Keys, ScheduleError};

/// What may stand at `select`.
pub(crate) const EXPECTED: &str = "\"primary\", \"random\", or a table of node, role, part, pick, primary, whole_node, \
                                   like { role = \"web\", pick = \"last\" }";

const PICKS: [(&str, Pick); 4] =
    [("all", Pick::All), ("random", Pick::Random), ("first", Pick::First), ("last", Pick::Last)];

/// Any database that says it is the primary.
pub(crate) fn primary() -> Selector {
    Selector { role: Some(Role::Database), primary: true, ..Selector::default() }
}

/// Reads `select`; `primary_only` for a fault that never hits anything but a primary.
pub(crate) fn read(keys: &mut Keys<'_>, primary_only: bool) -> Result<Option<Selector>, ScheduleError> {
    let Some(value) = keys.take("select") else { return Ok(None) };
    match value.as_str() {
        Some("primary") => return Ok(Some(primary())),
        Some("random") if !primary_only => {
            return Ok(Some(Selector { pick: Pick::Random, ..Selector::default() }));
        }
        Some(_) => return Err(value.expected(EXPECTED)),
        None => {}
    }
    let mut keys = value.into_keys(EXPECTED)?;
    if keys.is_empty() {
        return Err(keys.error("", format!("selects everything: expected {EXPECTED}")));
    }
    let node = keys.text("node")?;
    let roles = Role::ALL.map(|role| (role.as_str(), role));
    let mut role = keys.one_of("role", &roles)?;
    let part = keys.text("part")?;
    let pick = keys.one_of("pick", &PICKS)?;
    let primary = keys.flag("primary")? || primary_only;
    let whole_node = keys.flag("whole_node")?;
    if primary {
        if pick.is_some() {
            return Err(keys.error("pick", "cannot stand beside primary: there is only one to pick from"));
        }
        if *role.get_or_insert(Role::Database) != Role::Database {
            return Err(
                keys.error("role", "only a database can be primary: expected \"database\" or no role")
            );
        }
    }
    keys.finish()?;
    Ok(Some(Selector { node, role, part, primary, whole_node, pick: pick.unwrap_or_default() }))
}
