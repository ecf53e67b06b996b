// Builds into a temporary folder and compares with dist, byte for byte. Exit code 1, with the names, when they differ.

import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "vite";

const root = fileURLToPath(new URL("..", import.meta.url));
const committed = join(root, "dist");

function files(folder) {
  const names = readdirSync(folder, { recursive: true }).map(String);
  return names.filter((name) => statSync(join(folder, name)).isFile()).sort();
}

const fresh = mkdtempSync(join(tmpdir(), "viewer-dist-"));
try {
  await build({ root, logLevel: "warn", build: { outDir: fresh, emptyOutDir: true } });
  const names = [...new Set([...files(committed), ...files(fresh)])].sort();
  const bytes = (folder, name) => {
    try {
      return readFileSync(join(folder, name));
    } catch {
      return null;
    }
  };
  const stale = names.filter((name) => {
    const [ours, theirs] = [bytes(committed, name), bytes(fresh, name)];
    return ours === null || theirs === null || !ours.equals(theirs);
  });
  if (stale.length > 0) {
    process.stderr.write(`${relative(process.cwd(), committed)} is not what the sources build: ${stale.join(", ")}\n`);
    process.stderr.write("run `npm run build` and commit dist\n");
    process.exitCode = 1;
  }
} finally {
  rmSync(fresh, { recursive: true, force: true });
}
