//! Colours for terminals of any kind, told apart by every kind of colour blindness.
//!
//! In: a colour, or what something means. Out: a style that the terminal can show. Never: a meaning that only a colour
//! carries; a background under text.

use clap::ValueEnum;
use ratatui::style::{Color, Modifier, Style};
use wire::pb;

use super::verdict::Light;

pub type Rgb = [u8; 3];

/// How many colours the terminal shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Depth {
    #[default]
    True,
    Indexed,
    None,
}

/// `--colour`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Choice {
    /// By NO_COLOR, COLORTERM and TERM.
    #[default]
    Auto,
    /// 24 bits.
    True,
    /// The palette of 256.
    #[value(name = "256")]
    Indexed,
    /// Grey as characters.
    None,
}

impl Choice {
    /// What the terminal says that it can; over ssh often only TERM arrives.
    pub fn depth(self, environment: impl Fn(&str) -> Option<String>) -> Depth {
        let says = |name: &str| environment(name).unwrap_or_default().to_lowercase();
        match self {
            Self::True => Depth::True,
            Self::Indexed => Depth::Indexed,
            Self::None => Depth::None,
            Self::Auto => {
                let (terminal, colours) = (says("TERM"), says("COLORTERM"));
                let full = ["truecolor", "24bit"].contains(&&*colours) || terminal.contains("direct");
                let some = ["256", "xterm", "tmux", "screen"].iter().any(|name| terminal.contains(name));
                match () {
                    () if !says("NO_COLOR").is_empty() => Depth::None,
                    () if full => Depth::True,
                    () if some => Depth::Indexed,
                    () => Depth::None,
                }
            }
        }
    }
}

#[derive(Clone, Copy, Debug, Default)]
pub struct Palette {
    pub depth: Depth,
}

const GOOD: Rgb = [0x3f, 0xb6, 0x8b];
const ATTENTION: Rgb = [0xf0, 0xb4, 0x29];
const TROUBLE: Rgb = [0xf0, 0x6a, 0x35];
const TITLE: Rgb = [0x8a, 0xa4, 0xc0];
const FAINT: Rgb = [0x7c, 0x86, 0x92];
const CURVE: Rgb = [0x56, 0xb4, 0xe9];

impl Palette {
    /// The nearest colour there is.
    pub fn colour(self, rgb: Rgb) -> Color {
        match self.depth {
            Depth::True => Color::Rgb(rgb[0], rgb[1], rgb[2]),
            Depth::Indexed => Color::Indexed(indexed(rgb)),
            Depth::None => Color::Reset,
        }
    }

    fn fg(self, rgb: Rgb) -> Style {
        Style::new().fg(self.colour(rgb))
    }

    pub fn light(self, light: Light) -> Style {
        match light {
            Light::Trouble => self.fg(TROUBLE).add_modifier(Modifier::BOLD),
            Light::Attention => self.fg(ATTENTION).add_modifier(Modifier::BOLD),
            Light::Good => self.fg(GOOD),
            Light::Idle => self.faint(),
        }
    }

    /// A number that somebody looks for.
    pub fn number(self) -> Style {
        Style::new().add_modifier(Modifier::BOLD)
    }

    /// Names, units, lines.
    pub fn faint(self) -> Style {
        match self.depth {
            Depth::None => Style::new(),
            _ => self.fg(FAINT),
        }
    }

    pub fn title(self) -> Style {
        self.fg(TITLE)
    }

    pub fn curve(self) -> Style {
        self.fg(CURVE)
    }

    pub fn tile(self, state: pb::TileState) -> Rgb {
        match state {
            pb::TileState::Planned | pb::TileState::Unspecified => [0x30, 0x35, 0x3a],
            pb::TileState::Acquiring => [0xff, 0xff, 0xff],
            pb::TileState::Processing => [0x56, 0xb4, 0xe9],
            pb::TileState::Done => [0x17, 0x72, 0x5a],
            pb::TileState::Failed => [0xe8, 0x64, 0x2a],
            pb::TileState::Retake => [0xf0, 0xd0, 0x50],
            pb::TileState::Suspect => [0xcc, 0x79, 0xa7],
        }
    }
}

/// The nearest of the 6 × 6 × 6 cube and the 24 greys of the palette of 256.
fn indexed(rgb: Rgb) -> u8 {
    const STEPS: [u8; 6] = [0, 95, 135, 175, 215, 255];
    let nearest = |part: u8| (0..6usize).min_by_key(|step| STEPS[*step].abs_diff(part)).unwrap_or(0);
    let distance =
        |to: Rgb| -> u32 { rgb.iter().zip(to).map(|(a, b)| u32::from(a.abs_diff(b)).pow(2)).sum() };
    let [r, g, b] = rgb.map(nearest);
    let cube = [STEPS[r], STEPS[g], STEPS[b]];
    let mean = rgb.iter().map(|part| u32::from(*part)).sum::<u32>() / 3;
    let step = (mean.saturating_sub(3) / 10).min(23) as u8;
    let grey = [8 + 10 * step; 3];
    // Next to colours a grey would be the nearest of many, and look like a hole.
    let colourless = rgb.iter().max().zip(rgb.iter().min()).is_some_and(|(most, least)| most - least < 16);
    if colourless && distance(grey) < distance(cube) { 232 + step } else { (16 + 36 * r + 6 * g + b) as u8 }
}

/// 0 (black) to 255 (white), as bright as it looks.
pub fn luminance([r, g, b]: Rgb) -> u8 {
    ((2126 * u32::from(r) + 7152 * u32::from(g) + 722 * u32::from(b)) / 10_000) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_of_the_palette_of_256_are_the_nearest_ones() {
        let cases = [([0, 0, 0], 16), ([255, 255, 255], 231), ([255, 0, 0], 196), ([128, 128, 128], 244)];
        for (rgb, index) in cases {
            assert_eq!(indexed(rgb), index, "{rgb:?}");
        }
    }

    #[test]
    fn the_terminal_is_believed_and_no_color_is_obeyed() {
        let on = |pairs: &'static [(&str, &str)]| {
            Choice::Auto.depth(move |name| {
                pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
            })
        };
        assert_eq!(on(&[("TERM", "xterm-256color"), ("COLORTERM", "truecolor")]), Depth::True);
        assert_eq!(on(&[("TERM", "screen")]), Depth::Indexed);
        assert_eq!(on(&[("TERM", "vt100")]), Depth::None);
        assert_eq!(on(&[("TERM", "xterm-256color"), ("NO_COLOR", "1")]), Depth::None);
        assert_eq!(Choice::True.depth(|_| Some("1".into())), Depth::True, "whoever names one gets it");
    }

    #[test]
    fn states_of_tiles_differ_in_brightness_and_not_in_hue_alone() {
        let palette = Palette::default();
        let states = [
            pb::TileState::Planned,
            pb::TileState::Done,
            pb::TileState::Failed,
            pb::TileState::Suspect,
            pb::TileState::Processing,
            pb::TileState::Retake,
            pb::TileState::Acquiring,
        ];
        let bright: Vec<u8> = states.iter().map(|state| luminance(palette.tile(*state))).collect();
        assert!(bright.windows(2).all(|pair| pair[1] >= pair[0] + 12), "{bright:?}");
        let indices: std::collections::BTreeSet<u8> =
            states.iter().map(|state| indexed(palette.tile(*state))).collect();
        assert_eq!(indices.len(), states.len(), "also in the palette of 256");
    }
}
