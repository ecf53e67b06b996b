// Is what is committed what the sources make? Builds dist and the stubs into a temporary folder and compares, byte for
// byte. Exit code 1, with the names and the remedy, when they differ.

import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "vite";

const root = fileURLToPath(new URL("..", import.meta.url));

function files(folder) {
  const names = readdirSync(folder, { recursive: true }).map(String);
  return names.filter((name) => statSync(join(folder, name)).isFile());
}

function compare(committed, fresh, remedy) {
  const ours = join(root, committed);
  const names = [...new Set([...files(ours), ...files(fresh)])].sort();
  const bytes = (path) => (existsSync(path) ? readFileSync(path).toString("base64") : null);
  const stale = names.filter((name) => bytes(join(ours, name)) !== bytes(join(fresh, name)));
  if (stale.length === 0) return;
  process.stderr.write(`${committed} is not what the sources make: ${stale.join(", ")}\n${remedy}\n`);
  process.exitCode = 1;
}

const fresh = mkdtempSync(join(tmpdir(), "blinkd-viewer-"));
try {
  await build({ root, logLevel: "warn", build: { outDir: join(fresh, "dist"), emptyOutDir: true } });
  compare("dist", join(fresh, "dist"), "run `npm run build` and commit dist");
  execFileSync("npx", ["buf", "generate", "../../proto", "--output", fresh], { cwd: root, stdio: "inherit" });
  compare("src/gen", join(fresh, "src/gen"), "run `npm run generate` and commit src/gen");
} finally {
  rmSync(fresh, { recursive: true, force: true });
}
