//! The rows of the tables for a replayed log: a log has more distinct requests than a table has room for.

use std::cmp::Reverse;
use std::ops::Range;

use model::{Method, Replay, Request, Scenario, Template};

/// Longest path in the name of a row.
const NAME_LIMIT: usize = 60;

/// Requests that differ in their query only.
struct Group {
    count: u64,
    /// The most frequent of its distinct requests stands for it.
    foremost: u32,
    /// Its distinct requests among those sorted by path.
    targets: Range<usize>,
}

/// Sorts the distinct requests of `replay` into the `most` most frequent paths, queries set aside, and `others`. The
/// weight of a row is its number of requests.
pub(super) fn scenario(replay: &mut Replay, most: usize) -> Scenario {
    let mut counts = vec![0u32; replay.targets()];
    (0..replay.len()).for_each(|number| counts[replay.target_of(number) as usize] += 1);
    let mut by_path: Vec<u32> = (0..u32::try_from(counts.len()).unwrap_or(u32::MAX)).collect();
    by_path.sort_unstable_by(|a, b| key(replay, *a).cmp(&key(replay, *b)).then(a.cmp(b)));
    // Frequent ones first; of equals the one that comes first in the log. Only the best are ever kept.
    let mut best: Vec<Group> = Vec::new();
    let mut others: [Option<Group>; 2] = [None, None];
    let mut begin = 0;
    for run in by_path.chunk_by(|a, b| key(replay, *a) == key(replay, *b)) {
        let targets = begin..begin + run.len();
        begin = targets.end;
        let Some(group) = group(run, targets, &counts) else { continue };
        let place = best.partition_point(|other| rank(other) <= rank(&group));
        best.insert(place, group);
        if best.len() > most
            && let Some(last) = best.pop()
        {
            let others = &mut others[usize::from(replay.describe(last.foremost).head)];
            *others = Some(match others.take() {
                Some(so_far) => merged(so_far, &last),
                None => last,
            });
        }
    }
    let mut requests: Vec<Request> = Vec::new();
    for group in &best {
        requests.push(request(replay, group, name(replay, group.foremost, &requests)));
    }
    // A row has one method.
    let mut rows_of_others = [0; 2];
    for (head, group) in others.into_iter().enumerate() {
        rows_of_others[head] = row(requests.len());
        let name = if head == 1 { "others (HEAD)" } else { "others" };
        requests.extend(group.map(|group| request(replay, &group, name.to_owned())));
    }
    for target in &by_path {
        let head = usize::from(replay.describe(*target).head);
        replay.assign(*target, rows_of_others[head]);
    }
    for (index, group) in best.iter().enumerate() {
        by_path[group.targets.clone()].iter().for_each(|target| replay.assign(*target, row(index)));
    }
    Scenario { requests, ..Scenario::default() }
}

fn row(index: usize) -> u16 {
    u16::try_from(index).unwrap_or(u16::MAX)
}

fn group(run: &[u32], targets: Range<usize>, counts: &[u32]) -> Option<Group> {
    let count_of = |target: &u32| counts[*target as usize];
    let foremost = *run.iter().max_by_key(|target| (count_of(target), Reverse(**target)))?;
    Some(Group { count: run.iter().map(|target| u64::from(count_of(target))).sum(), foremost, targets })
}

fn rank(group: &Group) -> (Reverse<u64>, u32) {
    (Reverse(group.count), group.foremost)
}

/// The one that comes first among `others` stands for all of them.
fn merged(others: Group, more: &Group) -> Group {
    Group { count: others.count + more.count, foremost: others.foremost.min(more.foremost), ..others }
}

/// Method and path without its query.
fn key(replay: &Replay, target: u32) -> (bool, &str) {
    let target = replay.describe(target);
    (target.head, target.path.split('?').next().unwrap_or_default())
}

/// `GET /cart`, and a number where names would be the same once they are file names or tags.
fn name(replay: &Replay, target: u32, others: &[Request]) -> String {
    let (head, path) = key(replay, target);
    let path = if path.len() > NAME_LIMIT { &path[..NAME_LIMIT] } else { path };
    let name = format!("{} {path}", if head { "HEAD" } else { "GET" });
    let plain = |name: &str| name.replace(|c: char| !c.is_ascii_alphanumeric(), "_");
    let same = others.iter().filter(|other| plain(&other.name).starts_with(&plain(&name))).count();
    if same == 0 { name } else { format!("{name} ({})", same + 1) }
}

fn request(replay: &Replay, group: &Group, name: String) -> Request {
    let target = replay.describe(group.foremost);
    Request {
        name,
        weight: exact(group.count),
        method: if target.head { Method::Head } else { Method::Get },
        path: Template::fixed(target.path),
        ..Request::default()
    }
}

#[expect(clippy::cast_precision_loss, reason = "a number of requests of a log, below 2^32")]
fn exact(count: u64) -> f64 {
    count as f64
}
