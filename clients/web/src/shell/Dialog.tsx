// Windows over the viewer: the browser's own dialog element, which keeps the focus inside and closes on Escape.
// In: a title, content. Out: a call when it is closed. Never: a native alert or confirm.

import type { ComponentChildren } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";
import { Icon } from "./icons";
import { useViewer } from "./viewer";

interface DialogProps {
  title: string;
  onClose: () => void;
  wide?: boolean;
  /** It cannot be closed, only answered. */
  stays?: boolean;
  children: ComponentChildren;
}

export function Dialog({ title, onClose, wide = false, stays = false, children }: DialogProps) {
  const element = useRef<HTMLDialogElement>(null);
  // Before the next key is pressed.
  useLayoutEffect(() => {
    element.current?.showModal();
  }, []);
  return (
    <dialog
      ref={element}
      class={wide ? "wide" : ""}
      aria-label={title}
      onClose={onClose}
      onCancel={(event) => stays && event.preventDefault()}
      onClick={(event) => {
        if (event.target === element.current && !stays) onClose();
      }}
      onKeyDown={(event) => event.stopPropagation()}
    >
      <div class="dialog-body">
        <header>
          <h2>{title}</h2>
          {!stays && (
            <button type="button" class="quiet" aria-label="Close" onClick={onClose}>
              <Icon name="close" />
            </button>
          )}
        </header>
        {children}
      </div>
    </dialog>
  );
}

/** The question that waits for an answer. */
export function Confirmation() {
  const { ui } = useViewer();
  const question = ui.question.value;
  if (!question) return null;
  return (
    <Dialog key={question.title} title={question.title} onClose={() => question.answer(false)}>
      <div class="prose">{question.text}</div>
      <footer>
        <button type="button" onClick={() => question.answer(false)} autofocus>
          Cancel
        </button>
        <button type="button" class="danger" onClick={() => question.answer(true)}>
          {question.action}
        </button>
      </footer>
    </Dialog>
  );
}
