// Bundles the page into dist/, from where the crate embeds it; or the tests into a folder that git ignores.
import { cp, mkdir, readdir, rm } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));

async function page() {
  await rm(here("dist"), { recursive: true, force: true });
  await mkdir(here("dist"), { recursive: true });
  for (const file of ["index.html", "icon.svg"]) {
    await cp(here(`src/${file}`), here(`dist/${file}`));
  }
  await build({
    absWorkingDir: here("."),
    entryPoints: { app: "src/main.tsx", style: "src/style.css" },
    outdir: "dist",
    bundle: true,
    minify: true,
    format: "esm",
    target: ["chrome109", "firefox115", "safari16.4"],
    legalComments: "linked",
    logLevel: "info",
  });
}

async function tests() {
  const outdir = here("node_modules/.cache/flowbed-tests");
  await rm(outdir, { recursive: true, force: true });
  const files = (await readdir(here("test"))).filter((file) => file.endsWith(".test.ts"));
  await build({
    absWorkingDir: here("."),
    entryPoints: files.map((file) => `test/${file}`),
    outdir,
    outExtension: { ".js": ".mjs" },
    bundle: true,
    format: "esm",
    platform: "node",
    target: "node18",
    sourcemap: "inline",
    logLevel: "warning",
  });
}

const tasks = { page, tests };
const task = tasks[process.argv[2]];
if (!task) {
  console.error(`usage: node build.mjs ${Object.keys(tasks).join("|")}`);
  process.exit(2);
}
await task();
