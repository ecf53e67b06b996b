//! Verdicts over daemons and series made up for the case.

use super::*;
use crate::commands::watch::samples;

#[test]
fn a_series_that_keeps_up_is_good_and_says_so_in_words() {
    let verdict = verdict(&samples::status(), Some(&samples::series()));
    assert_eq!((verdict.light, &*verdict.headline), (Light::Good, "Recording: every frame kept"));
    assert!(verdict.reasons.is_empty());
}

#[test]
fn without_a_series_it_says_where_frames_are_awaited() {
    let verdict = verdict(&samples::status(), None);
    assert_eq!(
        (verdict.light, &*verdict.headline),
        (Light::Idle, "Waiting for frames on tcp://127.0.0.1:5766")
    );
}

#[test]
fn lost_frames_are_trouble_by_reason_with_a_remedy_the_most_first() {
    let mut series = samples::series();
    let account = series.account.as_mut().unwrap();
    account.lost = [("ring_full".to_owned(), 7), ("engine_failed".to_owned(), 90)].into();
    account.missing = [("camera".to_owned(), 3)].into();
    series.dropped_by_publisher = 5;
    let verdict = verdict(&samples::status(), Some(&series));
    assert_eq!(
        (verdict.light, &*verdict.headline),
        (Light::Trouble, "90 frames lost: on which the network failed")
    );
    assert_eq!(verdict.reasons.len(), 4);
    assert!(verdict.reasons.iter().all(|reason| !reason.remedy.is_empty()), "{:?}", verdict.reasons);
    assert_eq!(gone(&series), 105);
}

#[test]
fn a_series_that_falls_behind_says_when_its_ring_is_full() {
    let mut series = samples::series();
    series.account.as_mut().unwrap().waiting = 1000;
    (series.received_fps, series.processed_fps) = (100.0, 50.0);
    let verdict = verdict(&samples::status(), Some(&series));
    // 16 384 frames of 128 × 128 × 2 bytes find room in 512 MiB.
    assert_eq!(
        verdict.headline,
        "Behind the camera: 1 000 frames wait, 20 s of work; ring full in about 5 min 8 s"
    );
    assert_eq!(verdict.light, Light::Attention);
    series.state = pb::SeriesState::Draining as i32;
    let after = super::verdict(&samples::status(), Some(&series));
    assert_eq!(after.headline, "Series ended; 1 000 frames still to process");
}

#[test]
fn a_full_disk_is_worse_than_a_warning() {
    let mut status = samples::status();
    status.disk_full = true;
    status.alarms = vec!["the disk is full: free space in /data".into()];
    let mut series = samples::series();
    series.warnings =
        vec![status.alarms[0].clone(), "The PSF is narrower than the model's; train one".into()];
    let verdict = verdict(&status, Some(&series));
    assert_eq!((verdict.light, &*verdict.headline), (Light::Trouble, "Disk full"));
    let whats: Vec<_> = verdict.reasons.iter().map(|reason| &*reason.what).collect();
    assert_eq!(whats, ["Disk full", "the disk is full", "The PSF is narrower than the model's"]);
}
