//! Nothing is lost silently: each loss has its reason, and the policy decides which frames go.

use crate::rig::{Rig, balanced, lost, missing, until};

/// 1,000 frames at once for an engine that needs 2 ms each, with room for 128.
fn overload(policy: blinkd::config::Policy) -> (Rig, u64) {
    let rig = Rig::start(|config| {
        config.ring.mib = 1;
        config.ring.policy = policy;
        config.model.fake_delay_ms = 2.0;
    });
    let mut sender = rig.publisher(1);
    sender.frames_per_tile = 70;
    let series = std::thread::scope(|scope| {
        let sending = scope.spawn(|| {
            sender.send(1000);
            sender.end();
        });
        let series = rig.series(1);
        while !sending.is_finished() {
            balanced(&series);
            std::thread::yield_now();
        }
        series
    });
    until("everything that was kept is processed", || {
        let account = series.door().account;
        account.received() == 1000 && account.waiting() == 0
    });
    (rig, 1000)
}

#[test]
fn a_full_lossless_ring_refuses_the_newest_frames_and_counts_each() {
    let (rig, sent) = overload(blinkd::config::Policy::Lossless);
    let account = rig.settled(1, sent);
    let [("ring_full", refused)] = lost(&account)[..] else { panic!("{:?}", lost(&account)) };
    assert!(refused > 100, "{refused}");
    assert_eq!(account.processed() + refused, sent);
    assert_eq!(missing(&account), (0, 0), "what came and had no place did come");
    rig.done(1);
    let found = rig.journaled(1);
    assert_eq!(found.len() as u64, account.processed());
    assert!(found[..128].iter().map(|l| l.frame).eq(0..128), "the oldest are kept");
    rig.stop();
}

#[test]
fn a_full_live_ring_skips_the_oldest_frames_counts_each_and_stays_near_the_present() {
    let (rig, sent) = overload(blinkd::config::Policy::Live);
    let account = rig.settled(1, sent);
    let [("skipped_oldest", skipped)] = lost(&account)[..] else { panic!("{:?}", lost(&account)) };
    assert!(skipped > 100, "{skipped}");
    assert_eq!(account.processed() + skipped, sent);
    rig.done(1);
    let found = rig.journaled(1);
    assert_eq!(found.len() as u64, account.processed());
    assert_eq!(found.last().map(|l| l.frame), Some(999), "the newest is never skipped");
    rig.stop();
}

#[test]
fn one_series_too_many_is_refused_by_name_and_gets_its_turn_when_another_ends() {
    let rig = Rig::start(|config| config.frames.max_series = 1);
    let (mut first, mut second) = (rig.publisher(1), rig.publisher(2));
    first.send(10);
    rig.settled(1, 10);
    second.send(10);
    let account = rig.settled(2, 10);
    assert_eq!(lost(&account), [("too_many_series", 10)]);
    first.end();
    rig.done(1);
    second.send(10);
    let account = rig.settled(2, 20);
    assert_eq!((account.processed(), lost(&account)), (10, vec![("too_many_series", 10)]));
    rig.stop();
}

#[test]
fn frames_after_the_end_are_refused_by_name_and_change_no_file() {
    let rig = Rig::start(|_| ());
    let mut sender = rig.publisher(1);
    sender.send(10);
    sender.end();
    rig.done(1);
    sender.send(5);
    let account = rig.settled(1, 15);
    assert_eq!((account.processed(), lost(&account)), (10, vec![("series_closed", 5)]));
    assert_eq!(rig.journaled(1).len(), 10);
    assert_eq!(rig.live.all().len(), 1);
    // Also by a daemon that was started since and knows the series only from its journal.
    let rig = rig.stop().start_again();
    assert_eq!(rig.series(1).door().account.received(), 10);
    let mut sender = rig.publisher(1);
    sender.next = 15;
    sender.send(5);
    let account = rig.settled(1, 15);
    assert_eq!(lost(&account), [("series_closed", 5)]);
    assert_eq!(rig.journaled(1).len(), 10);
    rig.stop();
}

#[test]
fn a_stream_of_ever_new_series_stays_within_its_limits() {
    let rig = Rig::start(|config| config.frames.max_series = 1);
    let mut first = rig.publisher(255);
    first.send(3);
    rig.settled(255, 3);
    for number in 0..200 {
        rig.publisher(number).send(1);
    }
    rig.settled(199, 1);
    let receiving =
        |series: &std::sync::Arc<blinkd::live::Series>| series.door().state == blinkd::live::State::Receiving;
    let open = rig.live.all().iter().filter(|series| receiving(series)).count();
    assert!(open <= 65, "{open} series are kept in mind");
    first.send(3);
    assert_eq!(rig.settled(255, 6).processed(), 6, "the one that is recorded is not disturbed");
    rig.stop();
}

#[test]
fn rings_that_cannot_be_made_cost_counted_frames_and_an_alarm() {
    let rig = Rig::start(|config| config.ring.mib = 1);
    let mut sender = rig.publisher(1);
    // Frames of 2 MiB do not fit a ring of 1 MiB.
    let shape = smlm::frame::Shape { width: 1024, height: 1024 };
    sender.send_changed(3, |info| smlm::frame::FrameInfo { shape, ..info });
    let account = rig.settled(1, 3);
    assert_eq!(lost(&account), [("no_ring", 3)]);
    assert!(rig.live.alarms().iter().any(|alarm| alarm.contains("ring.mib")), "{:?}", rig.live.alarms());
    rig.stop();
}
