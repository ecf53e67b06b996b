//! Made stacks: every layout gives the pixels that were put in, everything else a clear error.

use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use ::tiff::encoder::{TiffEncoder, colortype};
use smlm::frame::PixelType;
use tempfile::TempDir;

use super::made::{HEIGHT, Made, PIXELS, WIDTH, all_pixels, compressed, ndtiff, npy, picasso, pixels, tiled};
use super::{all_frames, frame};
use crate::files::stack::{StackError, StackOptions, open_stack, open_stack_with};

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn put(folder: &TempDir, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
    let path = folder.path().join(name);
    std::fs::write(&path, bytes).unwrap();
    path
}

fn short() -> StackOptions {
    StackOptions { allow_short: true, ..StackOptions::default() }
}

fn choose(axis: &str, value: &str) -> StackOptions {
    StackOptions { select: vec![(axis.into(), value.into())], ..StackOptions::default() }
}

fn refusal(path: &Path) -> String {
    open_stack(path).map(|stack| stack.frames()).unwrap_err().to_string()
}

#[test]
fn every_byte_order_word_size_and_strip_layout_gives_the_same_frames() {
    let folder = folder();
    for case in 0..32 {
        let made = Made {
            big_endian: case & 1 == 1,
            big_tiff: case & 2 == 2,
            kind: if case & 4 == 4 { PixelType::U8 } else { PixelType::U16 },
            rows_per_strip: if case & 8 == 8 { 4 } else { HEIGHT },
            padding: if case & 16 == 16 { 6 } else { 0 },
            ..Made::default()
        };
        let mut stack = open_stack(&put(&folder, "a.tif", made.bytes())).unwrap();
        assert_eq!((stack.frames(), stack.pixel_type()), (5, made.kind), "{made:?}");
        assert_eq!(all_frames(&mut *stack), all_pixels(5, made.kind), "{made:?}");
        assert_eq!(frame(&mut *stack, 2), pixels(2, made.kind), "out of order, {made:?}");
    }
}

#[test]
fn compressed_and_predicted_frames_are_decoded() {
    let folder = folder();
    for bytes in compressed(3) {
        let mut stack = open_stack(&put(&folder, "a.tif", bytes)).unwrap();
        assert_eq!(stack.frames(), 3);
        assert_eq!(frame(&mut *stack, 2), pixels(2, PixelType::U16));
        assert_eq!(all_frames(&mut *stack), all_pixels(3, PixelType::U16));
    }
}

#[test]
fn tiles_are_put_together() {
    let folder = folder();
    let mut stack = open_stack(&put(&folder, "a.tif", tiled(3))).unwrap();
    assert_eq!(all_frames(&mut *stack), all_pixels(3, PixelType::U16));
}

#[test]
fn an_imagej_stack_beyond_4_gib_is_read_through_its_only_directory() {
    // 3000 frames of 1 MiB pixels would be 6 GiB; the file is a hole with two frames in it.
    let (side, frames) = (1024u64, 3000u64);
    let frame_bytes = side * side * 2;
    let made = Made {
        description: format!("ImageJ=1.53t\nimages={frames}\nframes={frames}\nunit=nm\n\0"),
        frames: 1,
        directories: 1,
        instead: vec![(256, side), (257, side), (278, side), (279, frame_bytes), (273, 4096)],
        big_endian: true,
        ..Made::default()
    };
    let folder = folder();
    let path = put(&folder, "big.tif", made.bytes());
    let mut file = std::fs::OpenOptions::new().write(true).open(&path).unwrap();
    file.set_len(4096 + frames * frame_bytes).unwrap();
    for (frame, value) in [(0u64, 7u16), (2999, 4242)] {
        file.seek(SeekFrom::Start(4096 + frame * frame_bytes)).unwrap();
        file.write_all(&value.to_be_bytes()).unwrap();
    }
    let mut stack = open_stack(&path).unwrap();
    assert_eq!(stack.frames(), frames);
    assert_eq!(frame(&mut *stack, 0)[0], 7);
    assert_eq!(frame(&mut *stack, 2999)[0], 4242);
    assert_eq!(frame(&mut *stack, 1500)[0], 0);
    file.set_len(4096 + 2100 * frame_bytes + 5).unwrap();
    let text = refusal(&path);
    assert!(text.contains("2100 whole frames are there of 3000") && text.contains("big.tif"), "{text}");
    assert_eq!(open_stack_with(&path, &short()).unwrap().frames(), 2100);
}

#[test]
fn a_file_cut_short_says_how_many_frames_are_whole_and_gives_them_on_request() {
    let folder = folder();
    let description = format!("{{\"shape\": [5, {HEIGHT}, {WIDTH}]}}");
    // tifffile writes the first directory before the pixels; here all stand behind them, so cut at directories.
    let whole = Made::default().bytes();
    let plain = put(&folder, "plain.tif", &whole[..whole.len() - 150]);
    let error = open_stack(&plain).unwrap_err();
    assert!(matches!(error, StackError::Short { whole: 3, .. }), "{error}");
    let mut stack = open_stack_with(&plain, &short()).unwrap();
    assert_eq!(all_frames(&mut *stack), all_pixels(3, PixelType::U16));

    let whole = Made { description, ..Made::default() }.bytes();
    let shaped = put(&folder, "shaped.tif", &whole[..whole.len() - 150]);
    let error = open_stack(&shaped);
    assert_eq!(error.unwrap().frames(), 5, "all pixels are there, though two directories are lost");

    let (raw, yaml) = picasso(5, false);
    put(&folder, "p.yaml", yaml);
    let path = put(&folder, "p.raw", &raw[..raw.len() - 1]);
    assert!(matches!(open_stack(&path).unwrap_err(), StackError::Short { whole: 4, expected: Some(5), .. }));
    assert_eq!(open_stack_with(&path, &short()).unwrap().frames(), 4);

    let bytes = npy(5, false);
    let path = put(&folder, "n.npy", &bytes[..bytes.len() - 3 * PIXELS]);
    assert!(matches!(open_stack(&path).unwrap_err(), StackError::Short { whole: 3, expected: Some(5), .. }));

    let (index, pixels) = ndtiff(5, &["A"]);
    put(&folder, "NDTiff.index", &index);
    put(&folder, "x_NDTiffStack.tif", &pixels[..pixels.len() - 1]);
    assert!(matches!(open_stack(folder.path()).unwrap_err(), StackError::Short { whole: 4, .. }));
    put(&folder, "x_NDTiffStack.tif", &pixels);
    put(&folder, "NDTiff.index", &index[..index.len() - 1]);
    assert!(matches!(open_stack(folder.path()).unwrap_err(), StackError::Short { whole: 4, .. }));
    assert_eq!(open_stack_with(folder.path(), &short()).unwrap().frames(), 4);
}

#[test]
fn a_directory_chain_that_turns_back_is_refused() {
    let made = Made { frames: 2, directories: 2, ..Made::default() };
    let mut bytes = made.bytes();
    let first = bytes[4..8].to_owned();
    let end = bytes.len() - 4;
    bytes[end..].copy_from_slice(&first);
    let text = refusal(&put(&folder(), "loop.tif", bytes));
    assert!(text.contains("turns back"), "{text}");
}

#[test]
fn what_is_no_camera_frame_is_refused_in_plain_words() {
    let folder = folder();
    let with = |tag, value| Made { instead: vec![(tag, value)], ..Made::default() }.bytes();
    for (tag, value, word) in [
        (277u16, 3u64, "colour"),
        (258, 32, "32-bit"),
        (258, 12, "12-bit"),
        (262, 2, "colour"),
        (262, 3, "colour"),
        (262, 0, "inverted"),
        (256, 0, "empty"),
        (256, u64::from(u32::MAX), "more than"),
    ] {
        let text = refusal(&put(&folder, "bad.tif", with(tag, value)));
        assert!(text.contains(word) && text.contains("bad.tif"), "{tag}={value}: {text}");
    }
    let mut float = std::io::Cursor::new(Vec::new());
    let mut encoder = TiffEncoder::new(&mut float).unwrap();
    encoder.write_image::<colortype::Gray32Float>(2, 2, &[0.0; 4]).unwrap();
    assert!(refusal(&put(&folder, "float.tif", float.into_inner())).contains("floating point"));
    for (name, bytes) in
        [("a.tif", b"hello".as_slice()), ("b.png", b"hello"), ("c.npy", b"hello"), ("d.raw", b"")]
    {
        let text = refusal(&put(&folder, name, bytes));
        assert!(text.contains("not a stack") && text.contains(name), "{text}");
    }
    assert!(refusal(&put(&folder, "begun.tif", b"II*\0\0\0\0\0")).contains("without images"));
    assert!(refusal(&folder.path().join("absent.tif")).contains("opening failed"));
    assert!(refusal(tempfile::tempdir().unwrap().path()).contains("without NDTiff.index"));
}

#[test]
fn a_frame_beyond_the_end_or_a_wrong_buffer_is_an_error() {
    let folder = folder();
    let mut stack = open_stack(&put(&folder, "a.tif", Made::default().bytes())).unwrap();
    let mut buffer = vec![0; 2 * PIXELS];
    assert!(matches!(stack.read(5, &mut buffer), Err(StackError::OutOfRange { index: 5, frames: 5, .. })));
    assert!(matches!(stack.read(0, &mut buffer[1..]), Err(StackError::WrongBuffer { .. })));
    stack.read(4, &mut buffer).unwrap();
}

#[test]
fn arrays_and_raw_files_come_in_both_byte_orders() {
    let folder = folder();
    for big_endian in [false, true] {
        let mut stack = open_stack(&put(&folder, "a.npy", npy(4, big_endian))).unwrap();
        assert_eq!(all_frames(&mut *stack), all_pixels(4, PixelType::U16));
        let (raw, yaml) = picasso(4, big_endian);
        put(&folder, "p.yaml", yaml);
        let mut stack = open_stack(&put(&folder, "p.raw", raw)).unwrap();
        assert_eq!(all_frames(&mut *stack), all_pixels(4, PixelType::U16));
        assert_eq!(stack.meta().pixel_size_nm, Some(130.0));
    }
}

#[test]
fn of_several_channels_one_must_be_chosen() {
    let folder = folder();
    let description = "ImageJ=1.53t\nimages=6\nchannels=2\nframes=3\n\0".to_owned();
    let path =
        put(&folder, "c.tif", Made { frames: 6, directories: 6, description, ..Made::default() }.bytes());
    assert!(refusal(&path).contains("2 channels"));
    let mut stack = open_stack_with(&path, &choose("channel", "1")).unwrap();
    assert_eq!(stack.frames(), 3);
    assert_eq!(frame(&mut *stack, 1), pixels(3, PixelType::U16));

    let (index, data) = ndtiff(3, &["DAPI", "A647"]);
    put(&folder, "NDTiff.index", index);
    let part = put(&folder, "x_NDTiffStack.tif", data);
    for path in [folder.path(), &part] {
        assert!(refusal(path).contains("A647"), "a part of the data set stands for the whole");
        let mut stack = open_stack_with(path, &choose("channel", "A647")).unwrap();
        assert_eq!(stack.frames(), 3);
        assert_eq!(frame(&mut *stack, 2), pixels(102, PixelType::U16));
    }
    assert!(open_stack_with(folder.path(), &choose("channel", "GFP")).is_err());
}

#[test]
fn an_ndtiff_index_cannot_lead_out_of_its_folder() {
    let folder = folder();
    let (mut index, data) = ndtiff(1, &["A"]);
    let at = index.windows(17).position(|name| name == b"x_NDTiffStack.tif").unwrap();
    index[at..at + 17].copy_from_slice(b"../../etc/passwd!");
    put(&folder, "NDTiff.index", index);
    put(&folder, "x_NDTiffStack.tif", data);
    assert!(refusal(folder.path()).contains("not a file of this folder"));
}

#[test]
fn a_recording_in_many_files_is_one_stack_in_the_order_of_their_numbers() {
    let folder = folder();
    let one = |first: usize| {
        let mut bytes = Made { frames: 1, directories: 1, ..Made::default() }.bytes();
        let pixels = pixels(first, PixelType::U16);
        pixels
            .iter()
            .enumerate()
            .for_each(|(i, pixel)| bytes[8 + 2 * i..10 + 2 * i].copy_from_slice(&pixel.to_le_bytes()));
        bytes
    };
    for number in 0..12 {
        put(&folder, &format!("frame{number}.tif"), one(number));
    }
    let mut stack = open_stack(folder.path()).unwrap();
    assert_eq!(all_frames(&mut *stack), all_pixels(12, PixelType::U16));
    put(&folder, "frame12.tif", Made { kind: PixelType::U8, ..Made::default() }.bytes());
    assert!(refusal(folder.path()).contains("differs from the first"));

    let continued = tempfile::tempdir().unwrap();
    let first = put(&continued, "r_MMStack_Pos0.ome.tif", one(0));
    put(&continued, "r_MMStack_Pos0_1.ome.tif", one(1));
    put(&continued, "r_MMStack_Pos0_2.ome.tif", one(2));
    for path in [first.as_path(), continued.path()] {
        assert_eq!(all_frames(&mut *open_stack(path).unwrap()), all_pixels(3, PixelType::U16));
    }
    put(&continued, "r_MMStack_Pos1.ome.tif", one(3));
    assert!(refusal(continued.path()).contains("several positions"));
    assert_eq!(open_stack(&first).unwrap().frames(), 3);
}
