//! `rust_tracing FOLDER ROUNDS RECORDS SECONDS`: measures, and prints the results as one JSON array.
//!
//! Each result names its group, its best round in seconds (`min`) and how many lines it asked for (`logged`).

mod logging;

use std::error::Error;
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use logging::{Logging, calls, context, disabled};
use serde_json::{Value, json};

const LOOP: u64 = 5_000;
const PACE: Duration = Duration::from_micros(50);

/// The logger under measurement, and what it was asked to write so far.
struct Bench {
    logging: Logging,
    asked: u64,
}

impl Bench {
    /// Returns when everything asked for is in the file.
    fn finish(&self) {
        self.logging.wait(self.asked);
    }

    /// Rounds of calls, the queue empty before each; only the calls are timed.
    fn call(&mut self, rounds: u64) -> Value {
        let mut best = f64::INFINITY;
        // The first round warms up.
        for round in 0..=rounds {
            self.finish();
            let start = Instant::now();
            calls(LOOP);
            let taken = start.elapsed().as_secs_f64();
            self.asked += LOOP;
            if round > 0 {
                best = best.min(taken);
            }
        }
        self.finish();
        json!({"group": "call", "min": best, "loop": LOOP, "logged": LOOP * (rounds + 1)})
    }

    /// Rounds of calls below the level.
    fn disabled(&self, rounds: u64) -> Value {
        let taken = (0..rounds).map(|_| {
            let start = Instant::now();
            disabled(LOOP);
            start.elapsed().as_secs_f64()
        });
        json!({"group": "disabled", "min": taken.fold(f64::INFINITY, f64::min), "loop": LOOP, "logged": 0})
    }

    /// From the first call until the last byte is in the file, twice.
    fn throughput(&mut self, records: u64) -> Value {
        let mut best = f64::INFINITY;
        let before = cpu_seconds();
        for _ in 0..2 {
            let start = Instant::now();
            calls(records);
            self.asked += records;
            self.finish();
            best = best.min(start.elapsed().as_secs_f64());
        }
        let cpu = (cpu_seconds() - before) / (2 * records) as f64 * 1e6;
        json!({
            "group": "throughput", "min": best, "records": records, "cpu_s_per_million": cpu, "logged": 2 * records
        })
    }

    /// The same from four threads, once.
    fn four_threads(&mut self, records: u64) -> Value {
        let start = Instant::now();
        thread::scope(|scope| {
            for number in 0..4 {
                thread::Builder::new()
                    .name(format!("worker-{number}"))
                    .spawn_scoped(scope, || {
                        let _context = context();
                        calls(records / 4);
                    })
                    .expect("a thread can be started");
            }
        });
        let records = records / 4 * 4;
        self.asked += records;
        self.finish();
        let taken = start.elapsed().as_secs_f64();
        json!({"group": "throughput, 4 threads", "min": taken, "records": records, "logged": records})
    }

    /// 20,000 calls a second, each timed from outside.
    fn paced(&mut self, seconds: f64) -> Value {
        let count = (20_000.0 * seconds) as usize;
        let mut taken = Vec::with_capacity(count);
        let start = Instant::now();
        let mut due = start;
        for _ in 0..count {
            due += PACE;
            while Instant::now() < due {}
            let called = Instant::now();
            calls(1);
            taken.push(called.elapsed().as_nanos() as u64);
        }
        let all = start.elapsed().as_secs_f64();
        self.asked += count as u64;
        self.finish();
        taken.sort_unstable();
        let at = |share: f64| taken[((count as f64 * share) as usize).min(count - 1)];
        json!({
            "group": "paced", "min": all, "p50": at(0.5), "p99": at(0.99), "p99.9": at(0.999), "p99.99": at(0.9999),
            "logged": count
        })
    }
}

/// CPU seconds of this process, all threads.
fn cpu_seconds() -> f64 {
    // SAFETY: the structure is plain numbers, and the call fills it.
    let used = unsafe {
        let mut used: libc::rusage = std::mem::zeroed();
        libc::getrusage(libc::RUSAGE_SELF, &mut used);
        used
    };
    let seconds = |time: libc::timeval| time.tv_sec as f64 + time.tv_usec as f64 / 1e6;
    seconds(used.ru_utime) + seconds(used.ru_stime)
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [folder, rounds, records, seconds] = arguments.as_slice() else {
        return Err("usage: rust_tracing FOLDER ROUNDS RECORDS SECONDS".into());
    };
    let (rounds, records, seconds) = (rounds.parse()?, records.parse()?, seconds.parse()?);
    let mut bench = Bench { logging: Logging::start(&PathBuf::from(folder))?, asked: 0 };
    let _context = context();
    let results = [
        bench.call(rounds),
        bench.disabled(rounds),
        bench.throughput(records),
        bench.four_threads(records),
        bench.paced(seconds),
    ];
    println!("{}", Value::from(results.to_vec()));
    Ok(())
}
