// Builds src into dist, the files that the daemon embeds: one script, one style sheet, names that never change, and
// the Content-Security-Policy that goes with them. While developing, hands the API on to a running daemon.

import { createHash } from "node:crypto";
import { defineConfig, type Plugin } from "vite";

const DAEMON = process.env.BLINKD_ADDRESS ?? "127.0.0.1:5767";

/** Writes the policy beside index.html: nothing but its own files, and the style that index.html holds. */
function policy(): Plugin {
  return {
    name: "content-security-policy",
    enforce: "post",
    generateBundle(_options, bundle) {
      const page = bundle["index.html"];
      if (page?.type !== "asset") throw new Error("index.html was not built");
      const styles = [...String(page.source).matchAll(/<style>([\s\S]*?)<\/style>/g)].map((match) => match[1] ?? "");
      const hashes = styles.map((style) => `'sha256-${createHash("sha256").update(style).digest("base64")}'`);
      const source = [
        "default-src 'none'",
        "script-src 'self'",
        ["style-src 'self'", ...hashes].join(" "),
        "img-src 'self'",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
      ].join("; ");
      this.emitFile({ type: "asset", fileName: "content-security-policy.txt", source });
    },
  };
}

export default defineConfig({
  plugins: [policy()],
  build: {
    target: "es2022",
    cssTarget: ["chrome123", "firefox128", "safari17.5"],
    modulePreload: false,
    assetsInlineLimit: 0,
    rolldownOptions: {
      output: {
        codeSplitting: false,
        entryFileNames: "assets/viewer.js",
        assetFileNames: "assets/viewer.[ext]",
      },
    },
  },
  server: { proxy: { "^/blinkd\\.v1\\.": `http://${DAEMON}` } },
  test: { include: ["tests/**/*.test.ts"], environment: "node" },
});
