//! Small stacks made byte by byte, each with pixels that say where they belong.

use std::io::Cursor;

use ::tiff::encoder::{Compression, TiffEncoder, colortype};
use smlm::frame::PixelType;

pub(super) const WIDTH: usize = 17;
pub(super) const HEIGHT: usize = 11;
pub(super) const PIXELS: usize = WIDTH * HEIGHT;

/// The pixels of a frame; all frames differ, and the two bytes of a pixel do.
pub(super) fn pixels(frame: usize, kind: PixelType) -> Vec<u16> {
    let mask = if kind == PixelType::U8 { 0xff } else { 0xffff };
    (0..PIXELS).map(|i| ((frame * 1009 + i * 37 + 259) & mask) as u16).collect()
}

pub(super) fn all_pixels(frames: usize, kind: PixelType) -> Vec<u16> {
    (0..frames).flat_map(|frame| pixels(frame, kind)).collect()
}

/// How a TIFF is laid out.
#[derive(Clone, Debug)]
pub(super) struct Made {
    pub big_endian: bool,
    pub big_tiff: bool,
    pub kind: PixelType,
    pub frames: usize,
    /// Directories written; the others' pixels still follow.
    pub directories: usize,
    pub rows_per_strip: usize,
    /// Bytes between strips.
    pub padding: usize,
    pub description: String,
    /// Tags that replace the right ones: (tag, value).
    pub instead: Vec<(u16, u64)>,
}

impl Default for Made {
    fn default() -> Self {
        Self {
            big_endian: false,
            big_tiff: false,
            kind: PixelType::U16,
            frames: 5,
            directories: 5,
            rows_per_strip: HEIGHT,
            padding: 0,
            description: String::new(),
            instead: Vec::new(),
        }
    }
}

impl Made {
    fn word(&self, value: u64, size: usize) -> Vec<u8> {
        let mut bytes = value.to_le_bytes()[..size].to_vec();
        if self.big_endian {
            bytes.reverse();
        }
        bytes
    }

    fn offset_size(&self) -> usize {
        if self.big_tiff { 8 } else { 4 }
    }

    /// The file: header, pixels of all frames, then the directories.
    pub(super) fn bytes(&self) -> Vec<u8> {
        let mut file = if self.big_endian { b"MM".to_vec() } else { b"II".to_vec() };
        if self.big_tiff {
            file.extend([self.word(43, 2), self.word(8, 2), self.word(0, 2)].concat());
        } else {
            file.extend(self.word(42, 2));
        }
        let mut link = file.len();
        file.extend(self.word(0, self.offset_size()));
        let description = file.len() as u64;
        file.extend(self.description.as_bytes());
        let strips: Vec<Vec<u64>> = (0..self.frames).map(|frame| self.strips(&mut file, frame)).collect();
        for strips in strips.iter().take(self.directories) {
            let here = file.len() as u64;
            file.splice(link..link + self.offset_size(), self.word(here, self.offset_size()));
            link = self.directory(&mut file, strips, description);
        }
        file
    }

    /// Writes the strips of a frame; their offsets.
    fn strips(&self, file: &mut Vec<u8>, frame: usize) -> Vec<u64> {
        let pixels = pixels(frame, self.kind);
        let strips = pixels.chunks(self.rows_per_strip * WIDTH);
        strips
            .map(|strip| {
                let at = file.len() as u64;
                strip.iter().for_each(|pixel| file.extend(self.word((*pixel).into(), self.kind.bytes())));
                file.extend(vec![0xee; self.padding]);
                at
            })
            .collect()
    }

    /// Writes a directory without a successor; where its link to one stands.
    fn directory(&self, file: &mut Vec<u8>, strips: &[u64], description: u64) -> usize {
        let size = self.offset_size();
        let lengths: Vec<u64> = (0..strips.len())
            .map(|i| (HEIGHT - i * self.rows_per_strip).min(self.rows_per_strip) * WIDTH * self.kind.bytes())
            .map(|bytes| bytes as u64)
            .collect();
        // The arrays lie behind the directory.
        let tags = 9 + usize::from(!self.description.is_empty());
        let head = if self.big_tiff { 8 } else { 2 };
        let behind = (file.len() + head + tags * (4 + 2 * size) + size) as u64;
        let array = |place: u64, values: &[u64]| match values {
            [one] => *one,
            _ => behind + place * (values.len() * size) as u64,
        };
        let long = if self.big_tiff { 16 } else { 4 };
        let text = self.description.len() as u64;
        let mut entries = vec![
            (256, 4, 1, WIDTH as u64),
            (257, 4, 1, HEIGHT as u64),
            (258, 3, 1, 8 * self.kind.bytes() as u64),
            (259, 3, 1, 1),
            (262, 3, 1, 1),
        ];
        if text > 0 {
            entries.push((270, 2, text, description));
        }
        entries.extend([
            (273, long, strips.len() as u64, array(0, strips)),
            (277, 3, 1, 1),
            (278, 4, 1, self.rows_per_strip as u64),
            (279, long, strips.len() as u64, array(1, &lengths)),
        ]);
        for (tag, value) in &self.instead {
            entries.iter_mut().filter(|entry| entry.0 == u64::from(*tag)).for_each(|entry| entry.3 = *value);
        }
        assert_eq!(entries.len(), tags);
        file.extend(self.word(tags as u64, head));
        for (tag, kind, count, value) in entries {
            file.extend([self.word(tag, 2), self.word(kind, 2), self.word(count, size)].concat());
            let inline = match (kind, count) {
                (3, 1) => 2,
                (4, 1) => 4,
                _ => size,
            };
            file.extend(self.word(value, inline));
            file.extend(vec![0; size - inline]);
        }
        let link = file.len();
        file.extend(self.word(0, size));
        if strips.len() > 1 {
            strips.iter().chain(&lengths).for_each(|value| file.extend(self.word(*value, size)));
        }
        link
    }
}

/// A TIFF of uncompressed tiles of 16 x 16, two side by side in each frame, padded with 0xeeee.
pub(super) fn tiled(frames: usize) -> Vec<u8> {
    let mut file = b"II*\0\0\0\0\0".to_vec();
    let mut link = 4;
    for frame in 0..frames {
        let pixels = pixels(frame, PixelType::U16);
        let start = file.len() as u32;
        for at in 0..2 * 16 * 16 {
            let (y, x) = (at / 16 % 16, 16 * (at / 256) + at % 16);
            let inside = x < WIDTH && y < HEIGHT;
            file.extend(if inside { pixels[y * WIDTH + x] } else { 0xeeee }.to_le_bytes());
        }
        let arrays = file.len() as u32;
        [start, start + 512, 512, 512].iter().for_each(|value| file.extend(value.to_le_bytes()));
        let here = file.len() as u32;
        file.splice(link..link + 4, here.to_le_bytes());
        let entries: [(u16, u16, u32, u32); 10] = [
            (256, 4, 1, WIDTH as u32),
            (257, 4, 1, HEIGHT as u32),
            (258, 3, 1, 16),
            (259, 3, 1, 1),
            (262, 3, 1, 1),
            (277, 3, 1, 1),
            (322, 4, 1, 16),
            (323, 4, 1, 16),
            (324, 4, 2, arrays),
            (325, 4, 2, arrays + 8),
        ];
        file.extend((entries.len() as u16).to_le_bytes());
        for (tag, kind, count, value) in entries {
            file.extend([&tag.to_le_bytes()[..], &kind.to_le_bytes()].concat());
            file.extend([count.to_le_bytes(), value.to_le_bytes()].concat());
        }
        link = file.len();
        file.extend([0; 4]);
    }
    file
}

/// The same frames in each compression that the `tiff` crate writes.
pub(super) fn compressed(frames: usize) -> impl Iterator<Item = Vec<u8>> {
    let compressions = [Compression::Lzw, Compression::Deflate(Default::default()), Compression::Packbits];
    compressions.into_iter().map(move |compression| {
        let mut bytes = Cursor::new(Vec::new());
        let mut encoder = TiffEncoder::new(&mut bytes).unwrap().with_compression(compression);
        for frame in 0..frames {
            let image = encoder.new_image::<colortype::Gray16>(WIDTH as u32, HEIGHT as u32).unwrap();
            image.write_data(&pixels(frame, PixelType::U16)).unwrap();
        }
        bytes.into_inner()
    })
}

/// A `.npy` of `(frames, HEIGHT, WIDTH)` u16.
pub(super) fn npy(frames: usize, big_endian: bool) -> Vec<u8> {
    let order = if big_endian { '>' } else { '<' };
    let header = format!(
        "{{'descr': '{order}u2', 'fortran_order': False, 'shape': ({frames}, {HEIGHT}, {WIDTH}), }}\n"
    );
    let mut file = b"\x93NUMPY\x01\x00".to_vec();
    file.extend((header.len() as u16).to_le_bytes());
    file.extend(header.as_bytes());
    for pixel in all_pixels(frames, PixelType::U16) {
        file.extend(if big_endian { pixel.to_be_bytes() } else { pixel.to_le_bytes() });
    }
    file
}

/// Picasso's raw and its YAML.
pub(super) fn picasso(frames: usize, big_endian: bool) -> (Vec<u8>, String) {
    let order = if big_endian { '>' } else { '<' };
    let yaml = format!(
        "Byte Order: '{order}'\nData Type: uint16\nFrames: {frames}\nHeight: {HEIGHT}\nWidth: {WIDTH}\n\
         Camera.Pixelsize: 130\n---\nWidth: 3\n"
    );
    let swap = |pixel: u16| if big_endian { pixel.to_be_bytes() } else { pixel.to_le_bytes() };
    (all_pixels(frames, PixelType::U16).into_iter().flat_map(swap).collect(), yaml)
}

/// An NDTiff index and its data file, one channel after the other.
pub(super) fn ndtiff(frames: usize, channels: &[&str]) -> (Vec<u8>, Vec<u8>) {
    let (mut index, mut data) = (Vec::new(), b"II*\0\0\0\0\0".to_vec());
    let text = |text: &str| [&(text.len() as u32).to_le_bytes()[..], text.as_bytes()].concat();
    for time in 0..frames {
        for (number, channel) in channels.iter().enumerate() {
            index.extend(text(&format!("{{\"channel\":\"{channel}\",\"time\":{time}}}")));
            index.extend(text("x_NDTiffStack.tif"));
            let at = data.len() as u32;
            for number in [at, WIDTH as u32, HEIGHT as u32, 1, 0, 0, 0, 0] {
                index.extend(number.to_le_bytes());
            }
            let pixels = pixels(time + 100 * number, PixelType::U16);
            pixels.iter().for_each(|pixel| data.extend(pixel.to_le_bytes()));
        }
    }
    (index, data)
}
