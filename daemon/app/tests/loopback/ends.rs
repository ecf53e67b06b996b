//! Series end, the daemon stops and starts again: nothing is lost, nothing comes twice, nothing is left behind.

use blinkd::live::State;

use crate::rig::{Rig, assert_emitters, lost, missing, until};

#[test]
fn a_series_that_ends_leaves_its_files_and_no_ring() {
    let files = ["parquet", "csv", "picasso", "png", "summary"].map(String::from);
    let rig = Rig::start(|config| config.store.files = files.to_vec());
    let mut sender = rig.publisher(1);
    sender.start(|info| info.name = "cell 1".into());
    sender.send(50);
    until("there is a ring", || rig.rings().len() == 1);
    sender.end();
    assert_eq!(rig.done(1), "completed");
    for name in
        ["localizations.parquet", "localizations.csv", "localizations.hdf5", "render.png", "summary.json"]
    {
        let length = std::fs::metadata(rig.folder(1).join(name)).map_or(0, |file| file.len());
        assert!(length > 100, "{name}: {length} bytes");
    }
    let summary = std::fs::read_to_string(rig.folder(1).join("summary.json")).unwrap();
    let summary: serde_json::Value = serde_json::from_str(&summary).unwrap();
    assert_eq!(summary["account"]["processed"], 50);
    assert_eq!(summary["localizations"], 50);
    assert_eq!(summary["name"], "cell 1");
    assert_eq!(summary["files"].as_array().unwrap().len(), 4, "{summary}");
    until("the ring is removed", || rig.rings().is_empty());
    let stopped = rig.stop();
    assert!(stopped.ring_files().is_empty(), "{:?}", stopped.ring_files());
}

#[test]
fn a_series_without_frames_for_the_idle_time_is_closed() {
    let rig = Rig::start(|config| config.frames.idle_close_s = 1);
    let mut sender = rig.publisher(1);
    sender.send(10);
    assert!(rig.done(1).contains("idle"), "{}", rig.done(1));
    assert_eq!(rig.account(1).processed(), 10);
    rig.stop();
}

#[test]
fn start_stop_and_start_again_on_the_same_folders() {
    let mut rig = Rig::start(|_| ());
    for number in 1..=3 {
        let mut sender = rig.publisher(number);
        sender.send(20);
        sender.end();
        assert_eq!(rig.done(number), "completed");
        let stopped = rig.stop();
        assert_emitters(&stopped.journaled(number), 0..20);
        assert!(stopped.ring_files().is_empty());
        rig = stopped.start_again();
        let unfinished =
            rig.live.all().into_iter().filter(|series| !matches!(series.door().state, State::Done(_)));
        assert_eq!(unfinished.count(), 0);
    }
    rig.stop();
}

#[test]
fn a_stop_in_the_middle_of_a_series_loses_no_frame_and_doubles_none() {
    let mut rig = Rig::start(|config| config.model.fake_delay_ms = 0.2);
    let mut next = 0;
    for part in 1..=4u64 {
        let mut sender = rig.publisher(1);
        sender.next = next;
        sender.frames_per_tile = 45;
        sender.send(60);
        next = sender.next;
        let series = rig.series(1);
        until("the frames have come", || series.door().account.received() == 60 * part);
        let stopped = rig.stop(); // drains: what was received is processed
        let account = stopped.live.all()[0].door().account;
        assert_eq!((account.received(), account.waiting()), (60 * part, 0));
        assert_eq!(account.processed(), 60 * part);
        rig = stopped.start_again();
        let account = rig.account(1);
        assert_eq!((account.received(), account.processed()), (60 * part, 60 * part), "as it stood");
        assert_eq!((lost(&account), missing(&account)), (vec![], (0, 0)));
        assert_eq!(rig.series(1).door().next_seq, next, "where a publisher that can rewind resumes");
    }
    let mut sender = rig.publisher(1);
    sender.next = next;
    sender.end();
    rig.done(1);
    assert_emitters(&rig.journaled(1), 0..next);
    assert_eq!(rig.series(1).exit().localizations, next);
    rig.stop();
}

#[test]
fn a_series_that_is_open_at_the_stop_has_its_files_as_far_as_it_went() {
    let rig = Rig::start(|_| ());
    let mut sender = rig.publisher(1);
    sender.send(30);
    rig.settled(1, 30);
    let folder = rig.folder(1);
    let stopped = rig.stop();
    assert!(folder.join("localizations.parquet").is_file());
    assert_eq!(stopped.ring_files().len(), 1, "the ring stays for the next start");
    assert_eq!(stopped.live.all()[0].door().state, State::Receiving);
}

#[test]
fn the_first_frame_of_a_series_finds_a_ring_that_was_made_before() {
    let rig = Rig::start(|_| ());
    let spare = rig.config.ring.dir.join("next.ring-spare");
    assert!(spare.is_file(), "made at the start");
    let inode = |path: &std::path::Path| std::os::unix::fs::MetadataExt::ino(&path.metadata().unwrap());
    let made = inode(&spare);
    let mut sender = rig.publisher(1);
    sender.send(1);
    rig.settled(1, 1);
    assert_eq!(inode(&rig.rings()[0]), made, "the ring is that file");
    until("the next one is made", || spare.is_file());
    let stopped = rig.stop();
    assert_eq!(stopped.ring_files().len(), 1, "the spare goes with the daemon: {:?}", stopped.ring_files());
}

#[test]
fn a_spare_ring_that_a_killed_daemon_left_is_used_by_the_next() {
    let rig = Rig::start(|_| ());
    let spare = rig.config.ring.dir.join("next.ring-spare");
    let length = spare.metadata().unwrap().len();
    let stopped = rig.stop();
    assert!(!spare.exists());
    std::fs::write(&spare, vec![0; length as usize]).unwrap();
    let rig = stopped.start_again();
    let mut sender = rig.publisher(1);
    sender.send(20);
    sender.end();
    rig.done(1);
    assert_emitters(&rig.journaled(1), 0..20);
    rig.stop();
}
