// Colours of a scan's grid, told apart by every kind of colour blindness.
// In: a state, or a number between two ends. Out: a colour. Never: a state that only its colour tells (a sign is drawn).

import { TileState } from "../gen/blinkd/v1/scans_pb";
import type { Scale } from "./tiles";

const STATES: Readonly<Record<TileState, string>> = {
  [TileState.UNSPECIFIED]: "#1a212b",
  [TileState.PLANNED]: "#232c38",
  [TileState.ACQUIRING]: "#56b4e9",
  [TileState.PROCESSING]: "#2f6f9f",
  [TileState.DONE]: "#1d8f70",
  [TileState.FAILED]: "#e8642a",
  [TileState.RETAKE]: "#f0b429",
  [TileState.SUSPECT]: "#f2c9e4",
};

/** Drawn into tiles that are large enough. */
export const SIGNS: Readonly<Partial<Record<TileState, string>>> = {
  [TileState.ACQUIRING]: "●",
  [TileState.PROCESSING]: "…",
  [TileState.FAILED]: "✕",
  [TileState.RETAKE]: "↻",
  [TileState.SUSPECT]: "?",
};

/** A newer daemon's state looks like none. */
export const colourOfState = (state: TileState) => STATES[state] ?? STATES[TileState.UNSPECIFIED];

/** Cividis at five places: dark blue to yellow, even in brightness. */
const RAMP: readonly (readonly [number, number, number])[] = [
  [0, 34, 78],
  [59, 73, 108],
  [124, 123, 120],
  [187, 173, 108],
  [254, 232, 56],
];

export function colourOf(value: number, scale: Scale): string {
  const share = scale.high > scale.low ? (value - scale.low) / (scale.high - scale.low) : 0.5;
  return ramp(Math.min(1, Math.max(0, share)));
}

function ramp(share: number): string {
  const at = share * (RAMP.length - 1);
  const lower = Math.min(RAMP.length - 2, Math.floor(at));
  const [from, to] = [RAMP[lower] ?? [0, 0, 0], RAMP[lower + 1] ?? [0, 0, 0]];
  const mixed = from.map((each, channel) => Math.round(each + (at - lower) * ((to[channel] ?? 0) - each)));
  return `rgb(${mixed.join(" ")})`;
}

export const RAMP_CSS = `linear-gradient(90deg, ${RAMP.map((rgb) => `rgb(${rgb.join(" ")})`).join(", ")})`;
