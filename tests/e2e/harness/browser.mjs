// A real Chromium: the installed one, else Debian's where it can be installed. Run by itself it only makes sure that there is one.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";
import { find } from "./installed.mjs";

const CHROMIUM = {
  variable: "CHROMIUM_BIN",
  names: ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"],
  mac: "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
  debian: "chromium",
};

// For a browser that runs in a container and asks nobody but the test's own servers.
export const ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];

// The path of a Chromium. Throws with what to do when there is none and none can be had.
export function findBrowser() {
  const found = find(CHROMIUM);
  if (found) return found;
  throw new Error("No Chromium was found. Install chromium or Google Chrome so that it is on the PATH, or name it in CHROMIUM_BIN.");
}

// Starts one with an empty profile. Resolves to { context, close } ; context is playwright's BrowserContext.
export async function launchBrowser(options = {}) {
  const profile = mkdtempSync(join(tmpdir(), "edge-session-profile-"));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: findBrowser(),
    headless: true,
    args: ARGUMENTS,
    ...options,
  });
  return {
    context,
    close: async () => {
      await context.close();
      rmSync(profile, { recursive: true, force: true, maxRetries: 10 }); // its processes end a little later
    },
  };
}

// Waits until a page has arrived there. Playwright's own waitForURL fails when the first of two clicks is broken off by the second.
export const arrives = (page, url) => page.waitForFunction((there) => location.href === there && document.readyState === "complete", url);

if (import.meta.url === `file://${process.argv[1]}` || process.argv[1]?.endsWith("harness/browser.mjs")) {
  try {
    console.log(`browser: ${findBrowser()}`);
  } catch (error) {
    console.error(`browser: ${error.message}`);
    process.exit(1);
  }
}
