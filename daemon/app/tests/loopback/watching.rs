//! What `blinkd watch` asks a daemon, and what it makes of a daemon that goes and comes back.

use std::path::PathBuf;
use std::time::Duration;

use blinkd::commands::watch::fetch::{self, Wish};
use blinkd::commands::watch::json;
use blinkd::commands::watch::link::{Link, Place, Trouble};
use blinkd::commands::watch::view::Seen;
use smlm::series::Grid;
use tokio::sync::watch;

use crate::rig::{LIMIT, Rig, Sender, id};

const INTERVAL: Duration = Duration::from_millis(20);
const DOTS: Option<(u32, u32)> = Some((40, 40));

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

fn place(rig: &Rig, token_file: Option<PathBuf>) -> Place {
    Place { address: rig.address().to_string(), token_file, ca: None }
}

fn link(place: &Place) -> Link {
    match Link::new(place) {
        Ok(link) => link,
        Err(_) => panic!("{place:?} is refused"),
    }
}

/// A rig with so many frames in tiles of 40, and its publisher.
fn with_frames(frames: u64) -> (Rig, Sender) {
    let rig = Rig::start(|_| ());
    let mut sender = rig.publisher(1);
    sender.frames_per_tile = 40;
    sender.start(|info| info.grid = Some(Grid { rows: 2, columns: 4, overlap: None, snake: false }));
    sender.send(frames);
    rig.settled(1, frames);
    (rig, sender)
}

/// Asks until `holds`.
async fn watched(link: &Link, wish: Wish, what: &str, holds: impl FnMut(&Seen) -> bool) -> Seen {
    let (_wish, wished) = watch::channel(wish);
    let (answers, seen) = watch::channel(Seen::default());
    let asking = std::pin::pin!(fetch::run(link, wished, answers, INTERVAL));
    beside(asking, see(seen, what, holds)).await
}

/// What `look` finds while the daemon is asked.
async fn beside<T>(asking: impl Future<Output = ()>, look: impl Future<Output = T>) -> T {
    tokio::select! {
        () = asking => unreachable!("the wish is still there"),
        found = look => found,
    }
}

async fn see(mut seen: watch::Receiver<Seen>, what: &str, holds: impl FnMut(&Seen) -> bool) -> Seen {
    let found = tokio::time::timeout(LIMIT, seen.wait_for(holds)).await.map(|found| found.unwrap().clone());
    found.unwrap_or_else(|_| panic!("not within {LIMIT:?}: {what}; seen {:?}", seen.borrow().series))
}

#[test]
fn one_look_says_what_the_account_says() {
    let (rig, _sender) = with_frames(100);
    let seen = runtime().block_on(async { fetch::once(&link(&place(&rig, None)), None).await }).unwrap();
    let said = json::object("here", &seen);
    let account = rig.account(1);
    let series = &said["series"];
    assert_eq!(series["account"]["received"], account.received());
    assert_eq!(series["account"]["processed"], account.processed());
    assert_eq!((&series["id"], &series["localizations"]), (&id(1).to_string().into(), &100.into()));
    assert_eq!(said["scan"]["tiles"]["planned"], 5);
    assert_eq!((&said["scan"]["rows"], &said["scan"]["columns"]), (&2.into(), &4.into()));
    assert!(said["scan"]["seconds_left"].as_f64().is_some_and(|s| s > 0.0), "three tiles have begun");
    assert_eq!(said["statistics"]["localizations"], 100);
    assert_eq!(said["verdict"]["light"], "good");
    rig.stop();
}

#[test]
fn a_daemon_without_a_series_is_seen_and_another_series_than_it_has_is_refused() {
    let rig = Rig::start(|_| ());
    runtime().block_on(async {
        let link = link(&place(&rig, None));
        let seen = fetch::once(&link, None).await.unwrap();
        assert!(seen.series.is_none() && seen.status.is_some());
        match fetch::once(&link, Some(&[9; 16])).await {
            Err(Trouble::Refused(code, _)) => assert_eq!(code, tonic::Code::NotFound),
            other => panic!("{other:?}"),
        }
    });
    rig.stop();
}

#[test]
fn whoever_watches_sees_numbers_tiles_statistics_and_the_picture_of_the_newest_series() {
    let (rig, mut sender) = with_frames(60);
    let all = |seen: &Seen, frames: u64| {
        let pictured = matches!(&seen.picture, Some(Ok(picture)) if picture.localizations == frames);
        let counted = seen.statistics().is_some_and(|counted| counted.localizations == frames);
        pictured && counted && seen.scan().is_some_and(|scan| scan.tiles.len() == 8) && seen.known.len() == 1
    };
    let wish = || Wish { dots: DOTS, ..Wish::default() };
    runtime().block_on(async {
        let link = link(&place(&rig, None));
        let seen = watched(&link, wish(), "60 frames", |seen| all(seen, 60)).await;
        let picture = seen.picture.unwrap().unwrap();
        assert!(
            picture.width.max(picture.height) >= 40
                && picture.rgb.len() == 3 * picture.width * picture.height
        );
        let lit = picture.rgb.chunks(3).filter(|pixel| pixel.iter().any(|part| *part > 0)).count();
        assert!((1..=60).contains(&lit), "{lit} pixels hold 60 localizations");
        sender.send(40);
        watched(&link, wish(), "100 frames", |seen| all(seen, 100)).await;
    });
    rig.stop();
}

#[test]
fn a_picture_that_nobody_shows_is_not_asked_for() {
    let (rig, _sender) = with_frames(20);
    runtime().block_on(async {
        let link = link(&place(&rig, None));
        let rest = |seen: &Seen| seen.statistics().is_some() && seen.scan().is_some();
        let seen = watched(&link, Wish::default(), "all else", rest).await;
        assert_eq!(seen.picture, None);
    });
    rig.stop();
}

#[test]
fn another_series_is_shown_with_nothing_of_the_one_before() {
    let (rig, _first) = with_frames(60);
    let mut second = rig.publisher(2);
    second.send(5);
    rig.settled(2, 5);
    runtime().block_on(async {
        let link = link(&place(&rig, None));
        let (wish, wished) = watch::channel(Wish { dots: DOTS, ..Wish::default() });
        let (answers, seen) = watch::channel(Seen::default());
        let look = async {
            let whole = |seen: &Seen| matches!(&seen.picture, Some(Ok(_))) && seen.statistics().is_some();
            let newest = see(seen.clone(), "the newest", whole).await;
            assert_eq!(newest.series_id(), id(2).0);
            wish.send_modify(|wish| wish.series = Some(id(1).0.to_vec()));
            let first = see(seen, "the first", |seen| seen.series_id() == id(1).0 && whole(seen)).await;
            assert_eq!(first.picture.unwrap().unwrap().series_id, id(1).0);
            assert_eq!(first.statistics.unwrap().unwrap().localizations, 60);
            assert_eq!(first.known, [id(1).0.to_vec(), id(2).0.to_vec()]);
        };
        beside(fetch::run(&link, wished, answers, INTERVAL), look).await;
    });
    rig.stop();
}

#[test]
fn a_daemon_that_goes_is_missed_with_its_last_numbers_and_found_again_when_it_is_back() {
    let (mut rig, sender) = with_frames(60);
    drop(sender);
    rig.config.serve.listen = rig.address();
    let place = place(&rig, None);
    let (_wish, wished) = watch::channel(Wish { dots: DOTS, ..Wish::default() });
    let (answers, seen) = watch::channel(Seen::default());
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    // On a thread of its own: stopping a daemon in this process takes this one.
    let asking = std::thread::spawn(move || {
        runtime().block_on(async {
            let link = link(&place);
            tokio::select! {
                () = fetch::run(&link, wished, answers, INTERVAL) => {}
                _ = stopped => {}
            }
        });
    });
    let see = |what, holds: fn(&Seen) -> bool| runtime().block_on(see(seen.clone(), what, holds));
    see("the picture", |seen| matches!(&seen.picture, Some(Ok(_))) && seen.away.is_none());
    let stopped = rig.stop();
    let missed = see("it is missed", |seen| seen.away.is_some());
    match missed.away.unwrap().trouble {
        Trouble::Away(why) => assert!(why.contains("blinkd serve"), "{why}"),
        refused @ Trouble::Refused(..) => panic!("{refused:?}"),
    }
    assert_eq!(missed.series.unwrap().account.unwrap().received, 60, "the last numbers stay");
    assert!(matches!(missed.picture, Some(Ok(_))), "the last picture stays");
    let rig = stopped.start_again();
    let back = see("it is found again", |seen| seen.away.is_none());
    assert_eq!(back.series.unwrap().account.unwrap().received, 60);
    drop(stop);
    asking.join().unwrap();
    rig.stop();
}

#[test]
fn a_token_opens_the_door_and_without_one_the_option_is_named() {
    const TOKEN: &str = "a-long-random-token-0123456789";
    let secret = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(secret.path(), format!("{TOKEN}\n")).unwrap();
    let rig = Rig::start(|config| config.serve.token_file = secret.path().to_path_buf());
    runtime().block_on(async {
        match fetch::once(&link(&place(&rig, None)), None).await {
            Err(Trouble::Away(why)) => assert!(why.contains("--token-file"), "{why}"),
            other => panic!("{other:?}"),
        }
        let shown = link(&place(&rig, Some(secret.path().to_path_buf())));
        assert!(fetch::once(&shown, None).await.is_ok());
    });
    rig.stop();
}
