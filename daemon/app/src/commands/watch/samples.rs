//! Answers of a daemon that never ran, for tests of what is made of them.

use wire::pb;

use super::view::{Picture, Seen};

pub fn status() -> pb::DaemonStatus {
    pb::DaemonStatus {
        version: "0.1.0".into(),
        model: "decode-2d-lite".into(),
        provider: "CPUExecutionProvider".into(),
        frame_endpoint: "tcp://127.0.0.1:5766".into(),
        effective_config_toml: "[ring]\nmib = 512\n".into(),
        disk_free_bytes: 48 << 30,
        disk_bytes: 252 << 30,
        uptime_s: 11_520.0,
        store_dir: "blinkd-data".into(),
        instance: 1,
        ..pb::DaemonStatus::default()
    }
}

pub fn series() -> pb::Acquisition {
    pb::Acquisition {
        series_id: vec![7; 16],
        name: "filaments".into(),
        state: pb::SeriesState::Receiving as i32,
        account: Some(pb::FrameAccount {
            received: 12_345,
            processed: 12_342,
            waiting: 3,
            ..pb::FrameAccount::default()
        }),
        localizations: 246_801,
        received_fps: 50.0,
        processed_fps: 49.8,
        latency: Some(pb::Latency { p50_ms: 21.0, p99_ms: 36.0, max_ms: 80.0, frames: 12_342 }),
        statistics: Some(pb::LiveStatistics {
            localizations_per_frame: 20.4,
            density_per_um2: 1.02,
            photons_median: 1987.0,
            background_median: 20.1,
            sigma_lateral_median_nm: 12.3,
        }),
        width_px: 128,
        height_px: 128,
        pixel_size_x_nm: 100.0,
        pixel_size_y_nm: 100.0,
        exposure_ms: 20.0,
        ..pb::Acquisition::default()
    }
}

pub fn statistics() -> pb::SeriesStatistics {
    let wave: Vec<f32> = (0..64u8).map(|i| 1.0 + 0.5 * (f32::from(i) / 6.0).sin()).collect();
    let histogram = |quantity: &str, unit: &str, median| pb::Histogram {
        quantity: quantity.into(),
        unit: unit.into(),
        edges: (0..=8u8).map(|i| 100.0 * f64::from(i)).collect(),
        counts: vec![1, 4, 9, 16, 12, 6, 3, 1],
        median,
        ..pb::Histogram::default()
    };
    pb::SeriesStatistics {
        series_id: vec![7; 16],
        true_for_seq: 12_341,
        localizations: 246_801,
        histograms: vec![histogram("photons", "photons", 1987.0), histogram("sigma_lateral_nm", "nm", 12.3)],
        course: Some(pb::TimeCourse {
            frames_per_bin: 64,
            frames: vec![64; 64],
            density_per_um2: wave.clone(),
            localizations_per_frame: wave,
            ..pb::TimeCourse::default()
        }),
        recent: Some(pb::FrameCounts {
            last_seq: 12_341,
            localizations: (0..200).map(|i| 15 + i % 10).collect(),
        }),
        drift: Some(pb::Drift {
            seq: vec![500, 1500],
            x_nm: vec![0.0, 12.2],
            y_nm: vec![0.0, -3.4],
            sd_nm: vec![0.0, 2.1],
            ..pb::Drift::default()
        }),
        ..pb::SeriesStatistics::default()
    }
}

/// A scan in a snake, of which the first `done` tiles are done; of these one failed and one is wanted again.
pub fn scan(rows: u32, columns: u32, done: u32) -> pb::Scan {
    let state = |index| match index {
        index if index > done => pb::TileState::Planned,
        index if index == done => pb::TileState::Acquiring,
        1 => pb::TileState::Failed,
        2 => pb::TileState::Retake,
        index if index + 1 == done => pb::TileState::Processing,
        _ => pb::TileState::Done,
    };
    let tile = |index: u32| {
        let (row, along) = (index / columns, index % columns);
        let column = if row % 2 == 1 { columns - 1 - along } else { along };
        let tile = pb::TileAccount { tile_index: index, row, column, ..pb::TileAccount::default() };
        pb::ScanTile { state: state(index) as i32, tile: Some(tile), visits: 1, ..pb::ScanTile::default() }
    };
    pb::Scan {
        series_id: vec![7; 16],
        grid: Some(pb::Grid { rows, columns, snake: true, ..pb::Grid::default() }),
        expected_tiles: rows * columns,
        tiles_by_state: [("failed".to_owned(), 1), ("retake".to_owned(), 1), ("acquiring".to_owned(), 1)]
            .into(),
        tiles: (0..rows * columns).map(tile).collect(),
        retake: vec![2],
        seconds_left: Some(7500.0),
        ..pb::Scan::default()
    }
}

/// The same with tiles 3 and 4 suspect, for one and for two reasons.
pub fn suspect_scan(rows: u32, columns: u32, done: u32) -> pb::Scan {
    let mut scan = scan(rows, columns, done);
    let reason = |kind: &str, text: &str| pb::TileReason { kind: kind.into(), text: text.into() };
    let reasons = [
        vec![reason("frames_lost", "3 of 100 frames were lost.")],
        vec![
            reason("drifted", "The sample drifted by 310 nm; more than 200 nm is too far."),
            reason("coarse", "The resolution is 80 nm, in the tiles next to it 40 nm."),
        ],
    ];
    for (tile, reasons) in scan.tiles[3..].iter_mut().zip(reasons) {
        tile.state = pb::TileState::Suspect as i32;
        tile.report = Some(pb::TileReport { reasons, ..pb::TileReport::default() });
    }
    scan.tiles_by_state.insert("suspect".into(), 2);
    scan.tiles_finished = 5;
    scan.suspect = vec![3, 4];
    scan.seams = Some(pb::Seams {
        matched: 7,
        rejected: 1,
        without: 2,
        residual_nm: Some(8.4),
        ..pb::Seams::default()
    });
    scan
}

/// A bright ring on black, `side` pixels of 50 nm.
pub fn picture(side: usize) -> Picture {
    let middle = side as f32 / 2.0;
    let pixel = |i: usize| {
        let (x, y) = ((i % side) as f32 - middle, (i / side) as f32 - middle);
        let bright = ((x.hypot(y) - 0.35 * side as f32).abs() < 3.0).then_some([250, 160, 40]);
        bright.unwrap_or([0, 0, 0])
    };
    Picture {
        series_id: vec![7; 16],
        colour_by: pb::ColourBy::Intensity,
        pixel_nm: 50.0,
        width: side,
        height: side,
        rgb: (0..side * side).flat_map(pixel).collect(),
        legend: Some(pb::Legend {
            unit: "localizations per pixel".into(),
            low: 0.0,
            high: 3.2,
            rgb: vec![0, 0, 0, 250, 160, 40],
        }),
        localizations: 246_801,
    }
}

pub fn seen() -> Seen {
    Seen {
        status: Some(status()),
        series: Some(series()),
        statistics: Some(Ok(statistics())),
        picture: Some(Ok(picture(256))),
        ..Seen::default()
    }
}
