//! Tables: what is written comes back, and what is wrong is said.

use std::path::{Path, PathBuf};

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use smlm::frame::Shape;
use smlm::localization::Localization;
use smlm::units::{Nm, PixelSize};
use tempfile::TempDir;

use crate::files::tables::{
    ReadOptions, TableError, TableFormat, TableInfo, TableMeta, create_table, read_all, read_emitters,
};

pub(super) const FORMATS: [(TableFormat, &str); 3] = [
    (TableFormat::Parquet, "t.parquet"),
    (TableFormat::ThunderStorm, "t.csv"),
    (TableFormat::Picasso, "t.hdf5"),
];

pub(super) fn meta(three_d: bool) -> TableMeta {
    TableMeta {
        pixel_size: PixelSize { x: Nm(100.0), y: Nm(110.0) },
        shape: Shape { width: 512, height: 256 },
        frames: 4000,
        series: "cell: \"7\"\n# été".into(),
        model: "decode-sparse".into(),
        three_d,
        psf_sigma_nm: None,
    }
}

pub(super) fn rows(count: usize, three_d: bool) -> Vec<Localization> {
    let mut random = ChaCha8Rng::seed_from_u64(7);
    let mut up_to = |limit: f32| random.random_range(0.0..limit);
    (0..count)
        .map(|i| Localization {
            frame: (i / 3) as u32,
            tile: 0,
            x_px: up_to(512.0) - 0.5,
            y_px: up_to(256.0) - 0.5,
            z_nm: if three_d { up_to(1500.0) - 750.0 } else { 0.0 },
            photons: up_to(1e5),
            background: up_to(300.0),
            sigma_x_px: up_to(0.3),
            sigma_y_px: up_to(0.3),
            sigma_z_nm: if three_d { up_to(80.0) } else { 0.0 },
            sigma_photons: up_to(500.0),
            probability: up_to(1.0),
        })
        .collect()
}

pub(super) fn write(path: &Path, format: TableFormat, meta: &TableMeta, rows: &[Localization]) -> u64 {
    let mut writer = create_table(path, format, meta).unwrap();
    rows.chunks(1000).for_each(|rows| writer.push(rows).unwrap());
    writer.finish().unwrap()
}

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn with_size() -> ReadOptions {
    ReadOptions { pixel_size: Some(meta(false).pixel_size), ..ReadOptions::default() }
}

fn put(folder: &TempDir, text: &str) -> PathBuf {
    let path = folder.path().join("t.csv");
    std::fs::write(&path, text).unwrap();
    path
}

fn names(folder: &TempDir) -> Vec<String> {
    let mut names: Vec<_> = std::fs::read_dir(folder.path())
        .unwrap()
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn every_format_gives_back_what_was_put_in() {
    for three_d in [false, true] {
        for (format, name) in FORMATS {
            for psf_sigma_nm in [None, Some(130.0)] {
                let folder = folder();
                let path = folder.path().join(name);
                let meta = TableMeta { psf_sigma_nm, ..meta(three_d) };
                let mut put_in = rows(50_000, three_d);
                let bytes = write(&path, format, &meta, &put_in);
                let (got, info) = read_all(&path, &with_size()).unwrap();
                let whole: u64 = names(&folder)
                    .iter()
                    .map(|name| folder.path().join(name).metadata().unwrap().len())
                    .sum();
                assert_eq!(
                    (info.rows, info.bad_rows, info.three_d, bytes),
                    (50_000, 0, three_d, whole),
                    "{name}"
                );
                keep_what_the_format_keeps(format, &mut put_in);
                for (got, put) in got.iter().zip(&put_in) {
                    assert_same(got, put, name);
                }
            }
        }
    }
}

/// What a format has no column for is lost.
fn keep_what_the_format_keeps(format: TableFormat, rows: &mut [Localization]) {
    for row in rows {
        if format != TableFormat::Parquet {
            row.sigma_photons = 0.0;
        }
        if format == TableFormat::ThunderStorm {
            // One lateral σ in nm for both axes, no probability.
            let nm = ((row.sigma_x_px * 100.0).powi(2) / 2.0 + (row.sigma_y_px * 110.0).powi(2) / 2.0).sqrt();
            (row.sigma_x_px, row.sigma_y_px, row.probability) = (nm / 100.0, nm / 110.0, 1.0);
        }
    }
}

fn assert_same(got: &Localization, put: &Localization, name: &str) {
    assert_eq!((got.frame, got.tile), (put.frame, put.tile));
    let close = |a: f32, b: f32, scale: f32| {
        assert!((a - b).abs() <= 1e-6 * scale + 1e-6 * b.abs(), "{name}: {a} is not {b}\n{got:?}\n{put:?}");
    };
    close(got.x_px, put.x_px, 50.0);
    close(got.y_px, put.y_px, 50.0);
    close(got.z_nm, put.z_nm, 600.0);
    close(got.photons, put.photons, 600.0);
    close(got.background, put.background, 60.0);
    close(got.sigma_x_px, put.sigma_x_px, 1.0);
    close(got.sigma_y_px, put.sigma_y_px, 1.0);
    close(got.sigma_z_nm, put.sigma_z_nm, 600.0);
    close(got.sigma_photons, put.sigma_photons, 1.0);
    close(got.probability, put.probability, 1.0);
}

#[test]
fn tiles_and_the_largest_frame_survive_where_the_format_has_a_place() {
    for (format, name) in FORMATS {
        let path = folder().keep().join(name);
        let put = Localization { frame: u32::MAX, tile: 1088, ..rows(1, false)[0] };
        write(&path, format, &meta(false), &[put]);
        let (got, _) = read_all(&path, &with_size()).unwrap();
        let tile = if format == TableFormat::ThunderStorm { 0 } else { 1088 };
        assert_eq!((got[0].frame, got[0].tile), (u32::MAX, tile), "{name}");
        std::fs::remove_dir_all(path.parent().unwrap()).unwrap();
    }
}

#[test]
fn an_empty_table_is_a_table() {
    for (format, name) in FORMATS {
        let folder = folder();
        let path = folder.path().join(name);
        write(&path, format, &meta(true), &[]);
        let (rows, info) = read_all(&path, &with_size()).unwrap();
        assert_eq!((rows.len(), info.rows, info.three_d), (0, 0, true), "{name}");
    }
}

#[test]
fn a_table_appears_when_it_is_finished_and_a_dropped_one_never() {
    for (format, name) in FORMATS {
        let folder = folder();
        let path = folder.path().join(name);
        let mut writer = create_table(&path, format, &meta(false)).unwrap();
        writer.push(&rows(200_000, false)).unwrap();
        assert!(!path.exists());
        drop(writer);
        assert_eq!(names(&folder), Vec::<String>::new(), "{name}");
        std::fs::write(&path, "the old one").unwrap();
        write(&path, format, &meta(false), &rows(10, false));
        assert_eq!(read_all(&path, &with_size()).unwrap().0.len(), 10, "it replaces what was there");
        assert!(names(&folder).iter().all(|name| name.starts_with("t.")), "{:?}", names(&folder));
        let nowhere = folder.path().join("absent").join(name);
        let text = create_table(&nowhere, format, &meta(false)).err().unwrap().to_string();
        assert!(text.contains("absent") && text.contains("creating failed"), "{text}");
    }
}

#[test]
fn thunderstorm_headers_are_the_ones_everybody_reads() {
    let folder = folder();
    let path = folder.path().join("t.csv");
    let first = |meta: &TableMeta| {
        write(
            &path,
            TableFormat::ThunderStorm,
            meta,
            &[Localization { x_px: 1.0, y_px: 2.0, ..Localization::default() }],
        );
        let text = std::fs::read_to_string(&path).unwrap();
        text.lines().map(str::to_owned).collect::<Vec<_>>()
    };
    let known = |three_d| TableMeta { psf_sigma_nm: Some(130.0), ..meta(three_d) };
    let lines = first(&known(false));
    assert_eq!(
        lines[0],
        r#""id","frame","x [nm]","y [nm]","sigma [nm]","intensity [photon]","offset [photon]","bkgstd [photon]","uncertainty_xy [nm]","detections""#
    );
    assert_eq!(lines[1], "1,1,150.000,275.000,130.000,0.000,0.0000,0.0000,0.0000,1");
    assert_eq!(
        first(&known(true))[0],
        r#""id","frame","x [nm]","y [nm]","z [nm]","sigma1 [nm]","sigma2 [nm]","intensity [photon]","offset [photon]","bkgstd [photon]","uncertainty_xy [nm]","uncertainty_z [nm]","detections""#
    );
    assert!(!first(&meta(true))[0].contains("sigma"), "an unknown width is not written");
}

#[test]
fn columns_are_found_by_name_in_any_order_and_quoting() {
    let folder = folder();
    for text in [
        "y [nm],x [nm],frame\n275,150,1\n",
        "\"frame\"\t\"x [um]\"\t\"y [um]\"\n1.0\t0.15\t0.275\n",
        "\u{feff}\"frame,\"\"x [nm]\"\",\"\"y [nm]\"\"\"\n\"1\",\"150\",\"275\"\n\n",
        "# made by hand\nframe;x_px;y_px;extra\n1;1.0;2.0;9\r\n",
        "Ground-truth,frame,xnano,ynano,znano,intensity\n5,1,150,275,-20,1000",
    ] {
        let (truth, _) = read_emitters(&put(&folder, text), &with_size()).unwrap();
        assert_eq!(truth.len(), 1, "{text}");
        let row = truth[0].at;
        assert!(
            row.frame == 0 && (row.x_nm - 150.0).abs() < 1e-9 && (row.y_nm - 275.0).abs() < 1e-9,
            "{text}: {row:?}"
        );
    }
}

#[test]
fn emitters_keep_what_the_table_says_and_know_what_it_does_not() {
    let folder = folder();
    let read = |text: &str| read_emitters(&put(&folder, text), &ReadOptions::default()).unwrap();
    let (told, info) = read("frame,xnano,ynano,znano,intensity,bg\n1,150,275,-20,1000,7.5");
    assert!(info.three_d);
    assert_eq!((told[0].at.z_nm, told[0].photons, told[0].background), (-20.0, Some(1000.0), Some(7.5)));
    assert_eq!(told[0].sigma_nm, None);
    let (found, info) = read("frame,x [nm],y [nm],sigma [nm],uncertainty_xy [nm]\n1,150,275,130,9\n");
    assert!(!info.three_d);
    assert_eq!((found[0].photons, found[0].sigma_nm), (None, Some([9.0, 9.0, 0.0])));
    let pixels = "frame,x_px,y_px,z_nm,sigma_x_px,sigma_y_px,sigma_z_nm\n0,1.0,2.0,30,0.1,0.2,40\n";
    let options = ReadOptions { first_frame: 0, ..with_size() };
    let (found, _) = read_emitters(&put(&folder, pixels), &options).unwrap();
    assert_eq!((found[0].at.x_nm, found[0].at.y_nm), (150.0, 275.0));
    let sigma = found[0].sigma_nm.unwrap();
    assert!((sigma[0] - 10.0).abs() < 1e-9 && (sigma[1] - 22.0).abs() < 1e-9 && sigma[2] == 40.0);
}

#[test]
fn emitters_of_every_written_format_are_those_that_were_put_in() {
    for (format, name) in FORMATS {
        let folder = folder();
        let path = folder.path().join(name);
        let put_in = rows(500, true);
        write(&path, format, &meta(true), &put_in);
        let (got, info) = read_emitters(&path, &with_size()).unwrap();
        assert!(info.three_d && got.len() == put_in.len(), "{name}");
        let close = |a: f64, b: f32, unit: f64, scale: f64| {
            assert!((a - f64::from(b) * unit).abs() < 1e-3 + 1e-6 * scale, "{name}: {a} is not {b}");
        };
        for (got, put) in got.iter().zip(&put_in) {
            close(got.at.x_nm - 50.0, put.x_px, 100.0, 5e4);
            close(got.at.y_nm - 55.0, put.y_px, 110.0, 3e4);
            close(got.at.z_nm, put.z_nm, 1.0, 1e3);
            close(got.photons.unwrap(), put.photons, 1.0, 1e5);
            close(got.background.unwrap(), put.background, 1.0, 300.0);
            close(got.sigma_nm.unwrap()[2], put.sigma_z_nm, 1.0, 100.0);
        }
    }
}

#[test]
fn a_bad_table_says_file_row_column_and_remedy() {
    let folder = folder();
    let said =
        |text: &str| read_emitters(&put(&folder, text), &ReadOptions::default()).unwrap_err().to_string();
    for (text, expected) in [
        ("", "empty, without a header"),
        ("frame,x [nm]\n1,2\n", "no column for y; the columns are: frame, x [nm]"),
        ("frame,x,y\n1,2,3\n", "column 'x' has no unit; call it 'x [nm]'"),
        ("frame,x [nm],y [nm]\n1,2\n", "row 2, column 'y [nm]': 2 values for 3 columns"),
        ("frame,x [nm],y [nm]\n1,2,3\n1,two,3\n", "row 3, column 2: 'two' is not a number"),
        (
            "frame,x [nm],y [nm]\n1,NaN,3\n",
            "row 2, column 'x [nm]': NaN is not a number; clean the table or allow",
        ),
        ("frame,x [nm],y [nm]\n0,2,3\n", "0 is not a frame counted from 1"),
        ("frame,x [nm],y [nm]\n1.5,2,3\n", "1.5 is not a frame"),
        ("frame,x [px],y [px]\n1,2,3\n", "does not say its pixel size"),
        ("frame,x [nm],y [nm]\n1,2,\u{fffd}\u{fffd}\n", "is not a number"),
    ] {
        let error = said(text);
        assert!(error.contains(expected) && error.contains("t.csv"), "{text:?}: {error}");
    }
    let long = format!("frame,x [nm],y [nm]\n{}", "1".repeat(1 << 20));
    assert!(said(&long).contains("longer than"));
}

#[test]
fn rows_that_are_not_numbers_are_counted_when_that_is_allowed() {
    let folder = folder();
    let path = put(&folder, "frame,x [nm],y [nm]\n1,2,3\n1,NaN,3\n1,,3\n2,inf,1\n3,4,5\n");
    let (rows, info) = read_all(&path, &ReadOptions { skip_bad_rows: true, ..with_size() }).unwrap();
    assert_eq!(
        (rows.len(), info),
        (
            2,
            TableInfo {
                format: "csv",
                rows: 5,
                bad_rows: 3,
                pixel_size: with_size().pixel_size,
                three_d: false,
            }
        )
    );
    for (format, name) in FORMATS {
        let path = folder.path().join(name);
        let mut put_in = rows_of(3);
        put_in[1].x_px = f32::NAN;
        write(&path, format, &meta(false), &put_in);
        let error = read_all(&path, &with_size()).unwrap_err();
        assert!(
            matches!(error, TableError::BadValue { .. }) && error.to_string().contains("skip_bad_rows"),
            "{error}"
        );
        let (rows, info) = read_all(&path, &ReadOptions { skip_bad_rows: true, ..with_size() }).unwrap();
        assert_eq!((rows.len(), info.bad_rows), (2, 1), "{name}");
    }
}

fn rows_of(count: usize) -> Vec<Localization> {
    rows(count, false)
}

#[test]
fn a_table_of_more_rows_than_allowed_is_refused() {
    let folder = folder();
    for (format, name) in FORMATS {
        let path = folder.path().join(name);
        write(&path, format, &meta(false), &rows_of(20));
        let error = read_all(&path, &ReadOptions { max_rows: 19, ..with_size() }).unwrap_err();
        assert!(matches!(error, TableError::TooManyRows { limit: 19, .. }), "{name}: {error}");
    }
}

#[test]
fn a_table_in_nm_without_pixel_size_asks_for_it_and_parquet_knows_its_own() {
    let folder = folder();
    let path = folder.path().join("t.csv");
    write(&path, TableFormat::ThunderStorm, &meta(false), &rows_of(2));
    assert!(matches!(read_all(&path, &ReadOptions::default()), Err(TableError::NoPixelSize { .. })));
    for (format, name) in [FORMATS[0], FORMATS[2]] {
        let path = folder.path().join(name);
        write(&path, format, &meta(false), &rows_of(2));
        assert_eq!(
            read_all(&path, &ReadOptions::default()).unwrap().1.pixel_size,
            Some(meta(false).pixel_size)
        );
    }
}

#[test]
fn parquet_of_other_programs_is_read_with_wide_and_missing_columns() {
    use parquet::data_type::{DoubleType, Int64Type};
    use parquet::file::writer::SerializedFileWriter;
    use std::sync::Arc;

    let folder = folder();
    let path = folder.path().join("t.parquet");
    let schema = "message other { OPTIONAL INT64 frame; OPTIONAL DOUBLE x_nm; OPTIONAL DOUBLE y_nm; }";
    let schema = Arc::new(parquet::schema::parser::parse_message_type(schema).unwrap());
    let file = std::fs::File::create(&path).unwrap();
    let mut writer = SerializedFileWriter::new(file, schema, Default::default()).unwrap();
    let mut group = writer.next_row_group().unwrap();
    let mut column = group.next_column().unwrap().unwrap();
    column.typed::<Int64Type>().write_batch(&[4, 5, 6], Some(&[1, 1, 1]), None).unwrap();
    column.close().unwrap();
    for values in [[150.0, 250.0], [165.0, 275.0]] {
        let mut column = group.next_column().unwrap().unwrap();
        column.typed::<DoubleType>().write_batch(&values, Some(&[1, 0, 1]), None).unwrap();
        column.close().unwrap();
    }
    group.close().unwrap();
    writer.close().unwrap();
    assert!(matches!(read_all(&path, &ReadOptions::default()), Err(TableError::NoPixelSize { .. })));
    assert!(matches!(read_all(&path, &with_size()), Err(TableError::BadValue { row: 2, .. })));
    let (rows, info) = read_all(&path, &ReadOptions { skip_bad_rows: true, ..with_size() }).unwrap();
    assert_eq!((info.rows, info.bad_rows), (3, 1));
    assert_eq!((rows[0].frame, rows[0].x_px, rows[0].y_px, rows[0].probability), (4, 1.0, 1.0, 1.0));
    assert_eq!((rows[1].frame, rows[1].x_px, rows[1].y_px), (6, 2.0, 2.0));
}
