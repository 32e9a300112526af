//! Lines as a service logs them: traces of 5 to 13 records, several at a time, one of fifty an error.

/// Numbers that look random and are always the same.
#[derive(Debug)]
pub struct Numbers(pub u64);

impl Numbers {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ mixed >> 31
    }

    pub fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }
}

const STEPS: [(&str, &str, &str); 8] = [
    ("shop.api", "handle", "request received"),
    ("shop.orders", "load", "order loaded from store"),
    ("shop.stock", "reserve", "stock reserved"),
    ("shop.payment", "charge", "card charged"),
    ("shop.mail", "send", "API 请求处理"),
    ("shop.cache", "get", "cache miss for \\\"basket\\\""),
    ("shop.db", "query", "query done"),
    ("shop.api", "respond", "request done"),
];
const ENDPOINTS: [&str; 5] = ["/api/ai/chat", "/api/orders", "/api/stock", "/api/basket", "/health"];

/// The first time of all lines: 2026-02-19T10:30:00Z.
pub const START: i64 = 1_771_497_000_000_000_000;
/// Between two lines, in nanoseconds.
pub const STEP: i64 = 1_000_000;

struct Trace {
    id: u128,
    left: u64,
    user: u64,
    endpoint: usize,
}

/// Lines of at least `length` bytes in all, and the ids of their traces.
pub fn lines(length: usize, seed: u64) -> (Vec<u8>, Vec<String>) {
    use std::io::Write;
    let mut numbers = Numbers(seed);
    let mut out = Vec::with_capacity(length + 1_024);
    let mut ids = Vec::new();
    let mut running: Vec<Trace> = Vec::new();
    let mut time = START;
    while out.len() < length {
        while running.len() < 6 {
            let id = u128::from(numbers.next()) << 64 | u128::from(numbers.next());
            ids.push(format!("{id:032x}"));
            let (left, user, endpoint) = (5 + numbers.below(9), numbers.below(500), numbers.below(5) as usize);
            running.push(Trace { id, left, user, endpoint });
        }
        let at = numbers.below(6) as usize;
        let trace = &mut running[at];
        let step = numbers.below(8) as usize;
        let (logger, function, message) = STEPS[step];
        let level = ["DEBUG", "INFO", "INFO", "INFO", "WARNING", "ERROR"][match numbers.below(100) {
            0..20 => 0,
            20..90 => 1,
            90..97 => 4,
            _ => 5,
        }];
        time += STEP;
        let (seconds, micros) = (time / 1_000_000_000, time / 1_000 % 1_000_000);
        let of_day = seconds % 86_400;
        let (hour, minute, second) = (of_day / 3_600, of_day / 60 % 60, of_day % 60);
        let day = 19 + (seconds - START / 1_000_000_000 + 37_800) / 86_400;
        let _ = writeln!(
            out,
            "{{\"timestamp\":\"2026-02-{day:02}T{hour:02}:{minute:02}:{second:02}.{micros:06}+00:00\",\"level\":\"{level}\",\
             \"logger\":\"{logger}\",\"message\":\"{message}\",\"module\":\"{module}\",\"function\":\"{function}\",\"line\":{line},\
             \"thread\":\"MainThread\",\"process\":12345,\"trace_id\":\"{id:032x}\",\"span_id\":\"{span:016x}\",\
             \"endpoint\":\"{endpoint}\",\"method\":\"POST\",\"user_id\":\"user_{user:03}\",\"latency_ms\":{latency},\"order_id\":{order},\"status_code\":200}}",
            module = &logger[5..],
            line = 40 + step * 17,
            id = trace.id,
            span = numbers.next(),
            endpoint = ENDPOINTS[trace.endpoint],
            user = trace.user,
            latency = numbers.below(400),
            order = 1_000_000 + numbers.below(100_000),
        );
        trace.left -= 1;
        if trace.left == 0 {
            running.swap_remove(at);
        }
    }
    (out, ids)
}
