// What stands in the way: no connection, or a token that is wanted.
// In: the link. Out: a bar below the status. Never: a picture that looks alive while nothing comes.

import { useEffect, useState } from "preact/hooks";
import { keepToken } from "../connection/transport";
import { duration } from "../units/format";
import { Dialog } from "./Dialog";
import { Lamp } from "./icons";
import { useViewer } from "./viewer";

export function Banner() {
  const { daemon } = useViewer();
  const link = daemon.link.state.value;
  const now_ms = useNow(link.is === "away");
  if (link.is !== "away") return null;
  return (
    <div class="banner" role="alert">
      <Lamp light="trouble" />
      <span>
        No connection to the daemon since {duration((now_ms - link.since_ms) / 1000)}; trying again.
        {daemon.status.value ? " What is shown is the last that was known." : ""}
      </span>
    </div>
  );
}

function useNow(running: boolean): number {
  const [now_ms, setNow] = useState(Date.now());
  useEffect(() => {
    if (!running) return;
    setNow(Date.now());
    const timer = setInterval(() => setNow(Date.now()), 1000);
    return () => clearInterval(timer);
  }, [running]);
  return now_ms;
}

/** Asks for the token that a daemon beyond loopback wants. */
export function TokenDialog() {
  const { daemon } = useViewer();
  const link = daemon.link.state.value;
  const [token, setToken] = useState("");
  if (link.is !== "denied") return null;
  const give = (event: Event) => {
    event.preventDefault();
    if (token.trim() === "") return;
    keepToken(token.trim());
    setToken("");
    daemon.link.tokenGiven();
    daemon.wake();
  };
  return (
    <Dialog title="This daemon wants a token" stays onClose={() => {}}>
      <form class="prose" onSubmit={give}>
        <p>
          {link.tried ? "That was not the right one. " : ""}It stands in the file that serve.token_file names on the
          daemon's machine. It is kept until this tab is closed.
        </p>
        <label class="field">
          <span>Token</span>
          <input
            type="password"
            name="token"
            autocomplete="off"
            value={token}
            onInput={(event) => setToken(event.currentTarget.value)}
          />
        </label>
        <footer>
          <button type="submit" class="primary">
            Connect
          </button>
        </footer>
      </form>
    </Dialog>
  );
}
