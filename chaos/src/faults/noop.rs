//! Nothing happens: the control. What it does to the figures is noise, and no fault's effect is smaller than that.

use model::FaultKind;

use crate::fault::{Aftermath, Context, Fault, FaultError, Harm, Scope};
use crate::keys::{Keys, ScheduleError};

pub(crate) struct Noop;

impl Fault for Noop {
    fn name(&self) -> &'static str {
        "noop"
    }

    fn colour(&self) -> &'static str {
        // The grey that the palette is usually extended with.
        "#999999"
    }

    fn scope(&self) -> Scope {
        Scope::Nothing
    }

    fn read(&self, _keys: &mut Keys<'_>) -> Result<FaultKind, ScheduleError> {
        Ok(FaultKind::Noop)
    }

    fn prepare<'a>(&self, _context: &Context<'a>) -> Result<Box<dyn Harm + 'a>, FaultError> {
        Ok(Box::new(Nothing))
    }
}

struct Nothing;

impl Harm for Nothing {
    fn arm(&mut self) -> Result<(), FaultError> {
        Ok(())
    }

    fn apply(&mut self) -> Result<(), FaultError> {
        Ok(())
    }

    fn verify(&mut self) -> Result<String, FaultError> {
        Ok("nothing was done".into())
    }

    fn undo(&mut self) -> Result<(), FaultError> {
        Ok(())
    }

    fn verify_undone(&mut self) -> Result<Aftermath, FaultError> {
        Ok(Aftermath::default())
    }

    fn remedy(&self) -> String {
        "nothing has to be undone".into()
    }
}
