use super::*;
use crate::record::Builder;
use crate::value::Value;

fn queue(size: u32, overflow: Overflow) -> (Queue, Arc<Stats>) {
    let stats = Arc::new(Stats::default());
    let settings = Settings { size, bytes: 1 << 20, overflow, overflow_timeout: Duration::ZERO };
    (Queue::new(settings, Arc::clone(&stats), false), stats)
}

fn record(level: i32, number: i64) -> Buffer {
    let mut buffer = Buffer::alloc();
    let builder = Builder { time: 0, level, logger: "l", function: "f", message: "m" };
    builder.put(&mut buffer, &[("n", Value::Integer(number))]);
    buffer
}

fn levels(queue: &Queue) -> Vec<i32> {
    let mut batch = Vec::new();
    queue.drain(&mut batch, 1_000);
    queue.depart(batch.len());
    batch.iter().map(|record| record::level_of(record.as_slice())).collect()
}

fn offer_all(queue: &Queue, level: i32, count: usize) -> [usize; 3] {
    let mut outcomes = [0; 3];
    for number in 0..count {
        outcomes[match queue.offer(record(level, number as i64)) {
            Offered::Taken => 0,
            Offered::Dropped => 1,
            Offered::Full(_) => 2,
        }] += 1;
    }
    outcomes
}

#[test]
fn errors_have_an_eighth_more() {
    let (queue, stats) = queue(16, Overflow::DropNew);
    assert_eq!(offer_all(&queue, level::INFO, 20), [16, 4, 0]);
    assert_eq!(offer_all(&queue, level::ERROR, 3), [2, 0, 1]);
    assert_eq!((stats.accepted(), stats.dropped_total(), stats.depth()), (22, 4, 18));
}

#[test]
fn block_hands_the_record_back_until_someone_gave_up() {
    let (queue, stats) = queue(16, Overflow::Block);
    assert_eq!(offer_all(&queue, level::INFO, 17), [16, 0, 1]);
    queue.give_up_waiting();
    assert_eq!(offer_all(&queue, level::INFO, 2), [0, 2, 0]);
    assert_eq!(levels(&queue).len(), 16);
    assert_eq!(offer_all(&queue, level::INFO, 16), [16, 0, 0]);
    assert_eq!(stats.dropped().find(|(reason, _)| *reason == "timeout").unwrap().1, [0, 2, 0, 0, 0]);
}

#[test]
fn drop_old_keeps_the_newest_and_every_error() {
    let (queue, _) = queue(16, Overflow::DropOld);
    offer_all(&queue, level::ERROR, 1);
    assert_eq!(offer_all(&queue, level::INFO, 30), [30, 0, 0]);
    let left = levels(&queue);
    assert_eq!(left.len(), 16);
    assert_eq!(left[0], level::ERROR);
}

#[test]
fn drop_low_refuses_lower_levels_first() {
    let (queue, _) = queue(16, Overflow::DropLow);
    assert_eq!(offer_all(&queue, level::DEBUG, 20)[0], 8);
    assert_eq!(offer_all(&queue, level::INFO, 20)[0], 4);
    assert_eq!(offer_all(&queue, level::WARNING, 20)[0], 4);
    assert_eq!(offer_all(&queue, level::ERROR, 20)[0], 2);
}

#[test]
fn waiting_ends_when_a_quarter_is_free() {
    let (queue, _) = queue(16, Overflow::Block);
    offer_all(&queue, level::INFO, 16);
    assert!(!queue.wait_for_room(Duration::ZERO));
    std::thread::scope(|scope| {
        let waiter = scope.spawn(|| queue.wait_for_room(Duration::from_secs(60)));
        assert_eq!(levels(&queue).len(), 16);
        assert!(waiter.join().unwrap());
    });
}
