//! An undo that survives us: a detached process on the node that waits and then undoes.

use std::time::Duration;

use model::Node;

use crate::fault::FaultError;
use crate::node::{must, must_as_the_node, script};

// `brownout-undo` and the key behind it are what the sweep knows a timer by. The session of its own keeps it from every
// signal that is meant for us. Its number comes from itself, so it is there, under its own name, when we go on; and it
// keeps nothing of ours open, or we would wait for it.
const ARM: &str = r#"
timer=$(setsid /bin/sh -c 'echo $$; exec >/dev/null; sleep "$2"; shift 2; exec "$@"' \
    brownout-undo "$@" </dev/null 2>/dev/null &)
look "$timer" && echo "$timer $born"
"#;

const CANCEL: &str = r#"
look "$1" && [ "$born" = "$2" ] || exit 0
kill -s KILL -- "-$1" 2>/dev/null
exit 0
"#;

/// A detached process on a node that runs a command when its time is over, unless it is cancelled before.
#[derive(Debug)]
pub(crate) struct Timer<'a> {
    node: &'a Node,
    pid: String,
    born: String,
}

impl<'a> Timer<'a> {
    /// Starts it: `argv` runs on the node at least `after` from now. `key` says what it is for (a pid file), so that
    /// a later sweep can tell whose it is.
    pub(crate) fn arm(
        node: &'a Node,
        key: &str,
        after: Duration,
        argv: Vec<String>,
        deadline: Duration,
    ) -> Result<Self, FaultError> {
        // Not every sleep takes fractions.
        let seconds = after.as_secs() + u64::from(after.subsec_nanos() > 0);
        let mut args = vec![key.to_owned(), seconds.to_string()];
        args.extend(argv);
        let started = must_as_the_node(node, &script(ARM, args), deadline, "arming the undo")?;
        match started.split_whitespace().collect::<Vec<_>>().as_slice() {
            [pid, born] => Ok(Timer { node, pid: (*pid).to_owned(), born: (*born).to_owned() }),
            _ => Err(FaultError::Unsupported {
                node: node.name.clone(),
                what: "the undo's timer did not start".into(),
                remedy: "the node needs setsid and sleep (util-linux and coreutils, or busybox)".into(),
            }),
        }
    }

    /// Ends it, whether it has done its work or not.
    pub(crate) fn cancel(&self, deadline: Duration) -> Result<(), FaultError> {
        must(self.node, &script(CANCEL, [&self.pid, &self.born]), deadline, "cancelling the undo's timer")
            .map(|_| ())
    }
}
