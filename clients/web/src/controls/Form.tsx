// A group of numbers that are applied together.
// In: fields, the daemon's numbers. Out: checked numbers on "Apply". Never: what is being typed overwritten by news.

import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { type Field, problemOf, read, type Texts, type Values } from "./fields";

interface FormProps<K extends string> {
  fields: readonly Field<K>[];
  /** As the daemon has them. */
  now: Texts<K>;
  action: string;
  onApply: (values: Values<K>) => Promise<unknown>;
  /** What is wrong with the numbers together; empty: nothing. */
  check?: (values: Values<K>) => string;
  /** Below the fields, from the numbers as typed. */
  below?: (values: Values<K>) => ComponentChildren;
}

export function Form<K extends string>({ fields, now, action, onApply, check, below }: FormProps<K>) {
  const [typed, setTyped] = useState<Partial<Record<K, string>>>({});
  const [busy, setBusy] = useState(false);
  const texts = { ...now, ...typed } as Texts<K>;
  const { values, problems } = read(fields, texts);
  const together = Object.keys(problems).length === 0 ? (check?.(values) ?? "") : "";
  const changed = fields.some(({ key }) => texts[key] !== now[key]);
  const ready = changed && Object.keys(problems).length === 0 && together === "" && !busy;
  const apply = async (event: Event) => {
    event.preventDefault();
    if (!ready) return;
    setBusy(true);
    await onApply(values);
    setTyped({});
    setBusy(false);
  };
  return (
    <form onSubmit={apply}>
      {fields.map((field) => (
        <NumberField
          key={field.key}
          field={field}
          text={texts[field.key]}
          onText={(text) => setTyped({ ...typed, [field.key]: text } as Partial<Record<K, string>>)}
        />
      ))}
      {together && (
        <p class="problem" role="alert">
          {together}
        </p>
      )}
      {below?.(values)}
      <div class="buttons">
        <button type="submit" class="primary" disabled={!ready}>
          {action}
        </button>
        <button type="button" disabled={!changed} onClick={() => setTyped({})}>
          Undo
        </button>
      </div>
    </form>
  );
}

interface NumberFieldProps {
  field: Field<string>;
  text: string;
  onText: (text: string) => void;
}

export function NumberField({ field, text, onText }: NumberFieldProps) {
  const { key, label, unit, min, max, step, hint } = field;
  const problem = problemOf(field, text);
  return (
    <label class="field">
      <span>
        {label} {hint && <span class="dim">{hint}</span>}
      </span>
      <span class="with-unit">
        <input
          type="number"
          inputMode="decimal"
          name={key}
          value={text}
          min={min}
          max={max}
          step="any"
          data-step={step}
          aria-invalid={problem !== null}
          placeholder={field.optional ? (field.empty ?? "none") : ""}
          onInput={(event) => onText(event.currentTarget.value)}
        />
        <span class="unit">{unit}</span>
      </span>
      {problem && (
        <span class="problem" role="alert">
          {problem}
        </span>
      )}
    </label>
  );
}
