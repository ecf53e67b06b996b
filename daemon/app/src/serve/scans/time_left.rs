//! How long a scan will take until every tile is taken, processed and finished.
//!
//! In: when tiles began, what is left, how fast frames are processed and tiles finished. Out: seconds, or nothing where the
//! pace is not known. Never: a clock.
//!
//! The pace is the mean over the latest tiles: tiles that ended early and tiles that were taken again are in it as often as
//! they come. A tenth at either end is left out: somebody's pause says nothing of the next tile.

/// Where a scan stands.
#[derive(Clone, Debug, Default)]
pub struct Standing {
    pub now_unix_ns: u64,
    /// When frames of the latest visits of tiles began to come, in order.
    pub begun_unix_ns: Vec<u64>,
    /// Frames may still come.
    pub receiving: bool,
    /// Tiles that are planned or wanted again, without the one in hand.
    pub tiles_left: u32,
    /// Received and not processed.
    pub frames_waiting: u64,
    /// Of a visit, on average.
    pub frames_per_tile: f64,
    /// 0: not known.
    pub processed_fps: f64,
    /// Tiles of which frames came and that have no report of their latest visit.
    pub unfinished: u32,
    /// What finishing a tile takes; 0: nothing is finished, or nobody knows yet.
    pub finish_s: f64,
}

/// `None`: not known, or nothing is left.
pub fn seconds(standing: &Standing) -> Option<f64> {
    let tiles_left = f64::from(standing.tiles_left);
    let (taking, share) = taking(standing)?;
    let frames = standing.frames_waiting as f64 + (tiles_left + share) * standing.frames_per_tile;
    let processing = if standing.processed_fps > 0.0 { frames / standing.processed_fps } else { 0.0 };
    // The last tile can be finished only when all else is done.
    let unfinished = f64::from(standing.unfinished) + tiles_left;
    let last = if unfinished > 0.0 { standing.finish_s } else { 0.0 };
    let left = (taking.max(processing) + last).max(unfinished * standing.finish_s);
    (left > 0.0).then_some(left)
}

/// Until the last frame has come, and the part of the tile in hand that is still to come.
fn taking(standing: &Standing) -> Option<(f64, f64)> {
    if !standing.receiving {
        return Some((0.0, 0.0));
    }
    let tile_s = pace(&standing.begun_unix_ns)?;
    let since_ns = standing.begun_unix_ns.last().map_or(0, |last| standing.now_unix_ns.saturating_sub(*last));
    let rest_s = (tile_s - since_ns as f64 / 1e9).max(0.0);
    Some((f64::from(standing.tiles_left) * tile_s + rest_s, rest_s / tile_s))
}

/// From the beginning of one tile to that of the next.
fn pace(begun_unix_ns: &[u64]) -> Option<f64> {
    let mut between: Vec<u64> =
        begun_unix_ns.windows(2).map(|pair| pair[1].saturating_sub(pair[0])).collect();
    between.sort_unstable();
    let outer = between.len().div_ceil(10);
    let usual = if between.len() > 2 { &between[outer..between.len() - outer] } else { &between };
    let sum: u64 = usual.iter().sum();
    (sum > 0).then(|| sum as f64 / 1e9 / usual.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: u64 = 1_000_000_000;

    /// Tiles of 4 s and 400 frames, one second into the third of ten.
    fn third() -> Standing {
        Standing {
            now_unix_ns: 109 * S,
            begun_unix_ns: vec![100 * S, 104 * S, 108 * S],
            receiving: true,
            tiles_left: 7,
            frames_per_tile: 400.0,
            processed_fps: 100.0,
            unfinished: 1,
            ..Standing::default()
        }
    }

    #[test]
    fn tiles_that_are_left_and_the_rest_of_the_one_in_hand_are_counted() {
        assert_eq!(seconds(&third()), Some(7.0 * 4.0 + 3.0));
        let late = Standing { now_unix_ns: 120 * S, ..third() };
        assert_eq!(seconds(&late), Some(28.0), "a tile that takes longer than usual is nearly over");
        let first = Standing { begun_unix_ns: vec![100 * S], ..third() };
        assert_eq!(seconds(&first), None);
    }

    #[test]
    fn tiles_that_end_early_make_the_time_shorter_by_as_much_as_they_did_so_far() {
        // Half of the tiles end after one second.
        let begun_unix_ns = (0..60).map(|i| S * (i / 2 * 5 + i % 2 * 4)).collect();
        let standing = Standing { begun_unix_ns, now_unix_ns: 149 * S, processed_fps: 0.0, ..third() };
        let left = seconds(&standing).expect("the pace is known");
        assert!((left - (7.0 * 2.5 + 2.5)).abs() < 0.3, "{left}");
    }

    #[test]
    fn a_pause_of_somebody_says_nothing_of_the_next_tile() {
        let mut begun_unix_ns: Vec<u64> = (0..20).map(|i| 4 * S * i).collect();
        begun_unix_ns[12..].iter_mut().for_each(|at| *at += 3600 * S);
        let now_unix_ns = begun_unix_ns[19] + S;
        let standing = Standing { begun_unix_ns, now_unix_ns, ..third() };
        assert_eq!(seconds(&standing), Some(31.0));
    }

    #[test]
    fn a_daemon_that_does_not_keep_up_decides_the_time() {
        let standing = Standing { frames_waiting: 1000, processed_fps: 50.0, ..third() };
        let frames = 1000.0 + (7.0 + 0.75) * 400.0;
        assert_eq!(seconds(&standing), Some(frames / 50.0));
        let ended = Standing { receiving: false, tiles_left: 0, frames_waiting: 500, ..standing };
        assert_eq!(seconds(&ended), Some(10.0));
    }

    #[test]
    fn finishing_comes_last_or_decides_where_it_is_slowest() {
        let standing = Standing { finish_s: 2.0, ..third() };
        assert_eq!(seconds(&standing), Some(31.0 + 2.0));
        let slow = Standing { finish_s: 20.0, ..third() };
        assert_eq!(seconds(&slow), Some(8.0 * 20.0));
        let ended = Standing { receiving: false, tiles_left: 0, finish_s: 2.0, ..third() };
        assert_eq!(seconds(&ended), Some(2.0));
        assert_eq!(seconds(&Standing { unfinished: 0, ..ended }), None, "nothing is left");
    }
}
