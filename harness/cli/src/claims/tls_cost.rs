//! What TLS costs: CPU time of the load balancer for one request, beside a design of the same servers without TLS.

use std::fs;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow};
use model::{Process, Role};

use super::figures::Figures;
use super::judge::Judge;
use super::testbed::{Asked, Testbed, only};
use crate::failure::{Code, Failure};

/// A request on a connection of its own must cost this much more with TLS: a handshake is no small thing.
const MORE: f64 = 1.2;

pub(crate) fn measure(bed: &Testbed<'_>) -> Result<Figures, Failure> {
    let mut figures = Figures::default();
    let balancer = bed.inventory.processes().find(|(_, process)| process.role == Role::LoadBalancer);
    let Some((_, balancer)) = balancer else {
        return Err(Failure::new(Code::Input, anyhow!("the design has no load balancer")));
    };
    let length = bed.time(5.0, 20.0);
    for (name, new_connections, rate_hz) in [("kept", false, 60.0), ("new", true, 30.0)] {
        let spent: Mutex<Option<anyhow::Result<Duration>>> = Mutex::new(None);
        let beside = |measure_from: Instant| {
            let cost = (|| {
                let before = cpu(balancer)?;
                std::thread::sleep((measure_from + length).saturating_duration_since(Instant::now()));
                Ok(cpu(balancer)?.saturating_sub(before))
            })();
            *spent.lock().unwrap_or_else(PoisonError::into_inner) = Some(cost);
        };
        let asked = Asked {
            scenario: only("page"),
            rate_hz,
            new_connections,
            beside: Some(&beside),
            ..Asked::usual(name, length)
        };
        let seen = bed.load(&asked, &mut figures)?;
        match spent.into_inner().unwrap_or_else(PoisonError::into_inner) {
            Some(Ok(spent)) if seen.summary.requests.good > 0 => {
                #[expect(clippy::cast_precision_loss, reason = "counts of requests are far below 2^52")]
                let each = spent.as_secs_f64() / seen.summary.requests.good as f64;
                figures.set(&format!("{name}_cpu_us_per_request"), each * 1e6);
            }
            Some(Err(error)) => figures.doubt(format!("CPU time cannot be read: {error:#}")),
            _ => figures.doubt("no request was answered"),
        }
    }
    Ok(figures)
}

/// CPU time of a process of one thread since its start (proc(5), schedstat).
fn cpu(process: &Process) -> anyhow::Result<Duration> {
    let pid = fs::read_to_string(&process.pid_file).context("the load balancer is not running")?;
    let text = fs::read_to_string(format!("/proc/{}/schedstat", pid.trim()))?;
    let nanoseconds = text.split_whitespace().next().and_then(|word| word.parse().ok());
    Ok(Duration::from_nanos(nanoseconds.context("schedstat holds no number")?))
}

pub(crate) fn judge(figures: &Figures) -> Judge<'_> {
    let mut judge = Judge::of(figures);
    for (name, what) in [("kept", "on a kept connection"), ("new", "on a new connection")] {
        let of = |label: &str| format!("{label}_{name}_cpu_us_per_request");
        let (Some(with), Some(without)) = (judge.need(&of("with")), judge.need(&of("without"))) else {
            continue;
        };
        let ratio = with / without.max(1.0);
        judge.say(format!(
            "a request {what} costs the load balancer {with:.0} µs of CPU with TLS, {without:.0} µs without ({ratio:.1}x)"
        ));
        if name == "new" {
            judge.expect(ratio >= MORE, format!("TLS costs no more {what}"));
        }
    }
    judge
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figures(with: f64) -> Figures {
        let mut figures = Figures::default();
        for (name, value) in [("with_kept", 130.0), ("without_kept", 100.0), ("without_new", 150.0)] {
            figures.set(&format!("{name}_cpu_us_per_request"), value);
        }
        figures.set("with_new_cpu_us_per_request", with);
        figures
    }

    #[test]
    fn a_handshake_costs_more_than_none() {
        assert_eq!(judge(&figures(450.0)).verdict(), "holds");
        assert!(judge(&figures(450.0)).measured().contains("(3.0x)"));
        assert_eq!(judge(&figures(150.0)).verdict(), "does not hold");
        assert_eq!(judge(&Figures::default()).verdict(), "unknown");
    }
}
