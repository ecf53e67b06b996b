// Numbers as a person reads them at a glance: few digits, always with a unit.
// In: numbers of the API. Out: text. Never: a number whose unit has to be guessed.

export type Countable = number | bigint | undefined;

const WHOLE = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });

/** 12,345 */
export function count(value: Countable): string {
  return WHOLE.format(value ?? 0).replaceAll(",", "\u202f");
}

/** Three digits that matter: 0.0123, 1.23, 12.3, 123, 12 300. */
export function short(value: number): string {
  if (!Number.isFinite(value)) return "–";
  const size = Math.abs(value);
  if (size === 0) return "0";
  if (size >= 1000) return count(Math.round(value));
  const digits = Math.max(0, 2 - Math.floor(Math.log10(size)));
  return value
    .toFixed(Math.min(6, digits))
    .replace(/(\.\d*?)0+$/, "$1")
    .replace(/\.$/, "");
}

/** With its unit, or a dash where there is no number. */
export function withUnit(value: number | undefined, unit: string): string {
  if (value === undefined || !Number.isFinite(value)) return "–";
  return unit === "" ? short(value) : `${short(value)}\u202f${unit}`;
}

/** Milliseconds below a second, else seconds. */
export function latency(ms: number): string {
  if (ms >= 1000) return `${short(ms / 1000)}\u202fs`;
  return `${ms < 10 ? ms.toFixed(1) : ms.toFixed(0)}\u202fms`;
}

const BYTES = ["B", "KiB", "MiB", "GiB", "TiB"] as const;

export function bytes(value: Countable): string {
  let size = Number(value ?? 0);
  let step = 0;
  while (size >= 1024 && step < BYTES.length - 1) {
    size /= 1024;
    step += 1;
  }
  return `${short(size)}\u202f${BYTES[step]}`;
}

/** 12 s, 3 min 20 s, 2 h 5 min. */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole}\u202fs`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return joined(minutes, "min", whole % 60, "s");
  return joined(Math.floor(minutes / 60), "h", minutes % 60, "min");
}

function joined(large: number, largeUnit: string, small: number, smallUnit: string): string {
  const head = `${large}\u202f${largeUnit}`;
  return small === 0 ? head : `${head} ${small}\u202f${smallUnit}`;
}

/** A position in the sample: µm with as many digits as a nanometre needs. */
export function position_um(nm: number): string {
  return `${(nm / 1000).toFixed(3)}`;
}

/** A length on a scale bar: nm, µm or mm. */
export function length(nm: number): string {
  if (nm < 1000) return `${short(nm)}\u202fnm`;
  if (nm < 1e6) return `${short(nm / 1000)}\u202fµm`;
  return `${short(nm / 1e6)}\u202fmm`;
}

/** Local time of a time in ns since 1970; with its day where that is not today. */
export function clock(unix_ns: bigint, now = new Date()): string {
  if (unix_ns === 0n) return "";
  const date = new Date(Number(unix_ns / 1_000_000n));
  const time = date.toLocaleTimeString("en-GB");
  if (date.toDateString() === now.toDateString()) return time;
  return `${date.toLocaleDateString("en-GB", { day: "numeric", month: "short", year: "numeric" })} ${time.slice(0, 5)}`;
}

/** 2026-11-26_20-15-03, for file names. */
export function stamp(date: Date): string {
  const two = (n: number) => String(n).padStart(2, "0");
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day}_${two(date.getHours())}-${two(date.getMinutes())}-${two(date.getSeconds())}`;
}

/** Only what every file system takes. */
export function fileSafe(name: string): string {
  const safe = name.replace(/[^\p{L}\p{N}._-]+/gu, "-").replace(/^[-.]+|[-.]+$/g, "");
  return safe.slice(0, 80) || "series";
}

export function hex(id: Uint8Array): string {
  return Array.from(id, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** "ring_full" as "ring full". */
export function words(name: string): string {
  return name.replaceAll("_", " ");
}
