// A titled table of names and values. In: rows. Out: a definition list. Never: colour alone.

import type { ComponentChildren } from "preact";
import type { Light } from "../health/verdict";
import { Lamp } from "./icons";

export interface Row {
  readonly name: string;
  readonly value: string;
  readonly light?: Light;
  readonly title?: string;
  /** By which tests find it. */
  readonly id?: string;
}

export function Rows({ rows }: { rows: readonly Row[] }) {
  return (
    <dl class="rows">
      {rows.map((row, at) => (
        // Rows keep their order.
        <div key={`${at} ${row.name}`} class={row.light ?? "idle"} title={row.title}>
          <dt>{row.name}</dt>
          <dd data-number={row.id}>
            {row.light === "trouble" || row.light === "attention" ? <Lamp light={row.light} /> : null}
            {row.value}
          </dd>
        </div>
      ))}
    </dl>
  );
}

export function Section({ title, children }: { title: string; children: ComponentChildren }) {
  return (
    <section>
      <h3>{title}</h3>
      {children}
    </section>
  );
}
