// What may be set, with unit and limits. Pure.
// In: texts that a person typed. Out: numbers, or what is wrong with each, in words.
// Never: a number outside of its limits.

export interface Field<K extends string> {
  readonly key: K;
  readonly label: string;
  readonly unit: string;
  readonly min: number;
  readonly max: number;
  readonly step: number;
  /** May be left empty: no limit, or none. */
  readonly optional?: boolean;
  /** Shown while it is empty; else "none". */
  readonly empty?: string;
  readonly hint?: string;
}

export type Texts<K extends string> = Readonly<Record<K, string>>;
export type Values<K extends string> = Readonly<Record<K, number | null>>;

export interface Read<K extends string> {
  readonly values: Values<K>;
  readonly problems: Readonly<Partial<Record<K, string>>>;
}

const limits = ({ min, max, unit }: Field<string>) => `${min} to ${max}${unit && ` ${unit}`}`;

export function problemOf(field: Field<string>, text: string): string | null {
  if (text.trim() === "") return field.optional ? null : `${field.label} is needed: ${limits(field)}`;
  const value = Number(text);
  if (!Number.isFinite(value)) return `${field.label} is no number`;
  return value < field.min || value > field.max ? `${field.label} must be ${limits(field)}` : null;
}

export function read<K extends string>(fields: readonly Field<K>[], texts: Texts<K>): Read<K> {
  const values = {} as Record<K, number | null>;
  const problems: Partial<Record<K, string>> = {};
  for (const field of fields) {
    const text = texts[field.key];
    const problem = problemOf(field, text);
    if (problem !== null) problems[field.key] = problem;
    values[field.key] = problem === null && text.trim() !== "" ? Number(text) : null;
  }
  return { values, problems };
}

/** As the daemon has it, as text: what was a 32-bit float is not shown with 17 digits. */
export function textOf(value: number | undefined): string {
  return value === undefined ? "" : String(Number(value.toPrecision(7)));
}

export const CAMERA: readonly Field<"offset_adu" | "e_per_adu" | "em_gain" | "spurious_e" | "qe" | "read_noise_e">[] = [
  { key: "offset_adu", label: "Offset", unit: "ADU", min: 0, max: 65535, step: 0.1, hint: "counts without light" },
  { key: "e_per_adu", label: "Conversion", unit: "e⁻/ADU", min: 0.001, max: 100, step: 0.001 },
  { key: "em_gain", label: "EM gain", unit: "×", min: 1, max: 5000, step: 1, optional: true, hint: "empty: none" },
  { key: "spurious_e", label: "Spurious charge", unit: "e⁻", min: 0, max: 10, step: 0.001 },
  { key: "qe", label: "Quantum efficiency", unit: "e⁻/photon", min: 0.01, max: 1, step: 0.01 },
  { key: "read_noise_e", label: "Read noise", unit: "e⁻", min: 0, max: 1000, step: 0.1 },
];

export const FILTER: readonly Field<
  "sigma_lateral_max_px" | "sigma_z_max_nm" | "photons_min" | "photons_max" | "probability_min"
>[] = [
  {
    key: "sigma_lateral_max_px",
    label: "σ lateral at most",
    unit: "px",
    min: 0.001,
    max: 10,
    step: 0.01,
    optional: true,
  },
  { key: "sigma_z_max_nm", label: "σ axial at most", unit: "nm", min: 1, max: 2000, step: 1, optional: true },
  { key: "photons_min", label: "Photons at least", unit: "photons", min: 0, max: 1e7, step: 10, optional: true },
  { key: "photons_max", label: "Photons at most", unit: "photons", min: 1, max: 1e7, step: 10, optional: true },
  { key: "probability_min", label: "Probability at least", unit: "", min: 0, max: 1, step: 0.01, optional: true },
];

export const THRESHOLDS: readonly Field<"candidate" | "second" | "accept">[] = [
  { key: "candidate", label: "Candidate", unit: "", min: 0, max: 1, step: 0.01, hint: "p at a maximum" },
  { key: "second", label: "Second", unit: "", min: 0, max: 1, step: 0.01, hint: "p anywhere" },
  { key: "accept", label: "Accept", unit: "", min: 0, max: 1, step: 0.01, hint: "p of pixel and neighbours" },
];

/** The lines that make a camera's calibration permanent. */
export function cameraToml(values: Values<"offset_adu" | "e_per_adu" | "em_gain" | "spurious_e" | "qe">): string {
  const line = (key: string, value: number | null) => `${key} = ${float(value ?? 0)}`;
  return [
    "[camera]",
    line("offset_adu", values.offset_adu),
    line("e_per_adu", values.e_per_adu),
    line("em_gain", values.em_gain ?? 1),
    line("spurious_e", values.spurious_e),
    line("qe", values.qe),
  ].join("\n");
}

const CONFIGURED = ["offset_adu", "e_per_adu", "em_gain", "spurious_e", "qe"] as const;

/** The calibration in the daemon's effective configuration, which holds where the publisher sends none. */
export function configuredCamera(toml: string): Readonly<Partial<Record<(typeof CONFIGURED)[number], number>>> {
  const table = /^\[camera\]\n((?:(?!\[).*\n?)*)/m.exec(toml)?.[1] ?? "";
  const found = CONFIGURED.flatMap((key) => {
    const text = new RegExp(`^${key}\\s*=\\s*([-+\\d.eE]+)`, "m").exec(table)?.[1];
    return text === undefined ? [] : [[key, Number(text)]];
  });
  return Object.fromEntries(found);
}

/** TOML tells 1 from 1.0. */
const float = (value: number) => (Number.isInteger(value) ? value.toFixed(1) : String(value));
