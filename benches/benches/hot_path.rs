//! What happens for every request, piece by piece.

#![allow(missing_docs, reason = "criterion's macros make functions without any")]
#![allow(clippy::unwrap_used, reason = "a bench that cannot be set up cannot go on")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use benches::{get, plan};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use load::{Arrival, ArrivalStream, Pacer, Renderer, ResponseParser};
use model::{Arrivals, Interval, Outcome, Sample, Seed, Stage, new_histogram};

const HOUR: Duration = Duration::from_secs(3_600);

fn pacer(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("pacer");
    group.throughput(Throughput::Elements(1));
    let rate = 1e6;
    for (name, arrivals) in [
        ("constant", Arrivals::Constant { rate }),
        ("poisson", Arrivals::Poisson { rate }),
        ("ramp", Arrivals::Ramp { from: rate, to: 2.0 * rate }),
        ("step", Arrivals::Step { from: rate, to: 2.0 * rate, steps: 10 }),
        ("spike", Arrivals::Spike { base: rate, peak: 2.0 * rate, at: HOUR / 4, hold: HOUR / 4 }),
        ("sine", Arrivals::Sine { mean: rate, amplitude: rate / 2.0, period: HOUR / 60 }),
    ] {
        let mut pacer = Pacer::new(&[Stage { duration: HOUR, arrivals }], Seed(1));
        group.bench_function(name, |bencher| bencher.iter(|| black_box(pacer.next())));
    }
    let plan = plan(Arrivals::Poisson { rate }, HOUR, 1, get("/"));
    let mut stream = ArrivalStream::new(&plan.stages, &plan.scenario, plan.seed);
    group.bench_function("arrival", |bencher| bencher.iter(|| black_box(stream.next())));
    group.finish();
}

fn codec(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("codec");
    let mut length = b"HTTP/1.1 200 OK\r\nServer: nginx\r\nDate: Mon, 23 Nov 2026 16:00:00 GMT\r\nContent-Type: text/plain\r\n\
        Content-Length: 5\r\nConnection: keep-alive\r\nX-Served-By: lb1, server2\r\n\r\nhello"
        .to_vec();
    let chunked = b"HTTP/1.1 200 OK\r\nServer: nginx\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n";
    for (name, bytes) in [("content-length", &length.clone()[..]), ("chunked", &chunked[..])] {
        let mut parser = ResponseParser::default();
        group.throughput(Throughput::Bytes(bytes.len() as u64));
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                parser.begin(false);
                parser.read(black_box(bytes)).unwrap()
            });
        });
    }
    length.truncate(length.len() - 3);
    let mut parser = ResponseParser::default();
    group.bench_function("split in two", |bencher| {
        let (head, rest) = length.split_at(60);
        bencher.iter(|| {
            parser.begin(false);
            parser.read(black_box(head)).unwrap();
            parser.read(black_box(rest)).unwrap()
        });
    });
    group.finish();
}

fn record(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("record");
    group.throughput(Throughput::Elements(1));
    let mut histogram = new_histogram();
    let mut value = 1u64;
    group.bench_function("histogram", |bencher| {
        bencher.iter(|| {
            value = (value * 25_214_903_917 + 11) % 1_000_003;
            histogram.saturating_record(black_box(value + 1));
        });
    });
    let mut interval = Interval::new(Instant::now(), Duration::ZERO, Duration::from_secs(1), 1, 10);
    group.bench_function("interval", |bencher| {
        bencher.iter(|| {
            value = (value * 25_214_903_917 + 11) % 1_000_003;
            let due = Duration::from_micros(value % 1_000_000);
            let outcome = Outcome::Answered { status: 200 };
            let sample = Sample {
                request: 0,
                due,
                sent: Some(due),
                done: due + Duration::from_micros(value),
                outcome,
                parts: model::Parts::default(),
            };
            interval.add(black_box(&sample));
        });
    });
    group.finish();
}

fn render(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("render");
    group.throughput(Throughput::Elements(1));
    for (name, path) in [
        ("fixed", "/"),
        ("sequence", "/orders/{{sequence}}"),
        ("uuid", "/orders/{{uuid}}?n={{random 1 1000}}"),
    ] {
        let renderer =
            Renderer::new(&plan(Arrivals::Constant { rate: 1.0 }, HOUR, 1, get(path)), "www.foobar.com");
        let (mut out, mut body) = (Vec::new(), Vec::new());
        let mut arrival =
            Arrival { number: 0, due: Duration::ZERO, request: 0, sequence: 0, origin: load::Origin::Mix };
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                (arrival.number, arrival.sequence) = (arrival.number + 1, arrival.sequence + 1);
                renderer.render(black_box(&arrival), &mut out, &mut body);
            });
        });
    }
    group.finish();
}

criterion_group!(hot_path, pacer, codec, record, render);
criterion_main!(hot_path);
