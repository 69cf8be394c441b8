/**
 * Packages the chart for a release: `deno run -A tests/deploy/helm/package.ts OWNER/REPOSITORY DIRECTORY`. Its image is
 * then that repository's, of the very version.
 */
import { dirname, join, relative } from "node:path";
import denoJson from "../../../deno.json" with { type: "json" };

const CHART = join(import.meta.dirname!, "haproxy-reload-wrapper");

/** Returns the path of the package; throws what helm says if it fails. */
export async function packageChart(repository: string, destination: string): Promise<string> {
  const copy = Deno.makeTempDirSync({ prefix: "chart-" });
  try {
    for (const path of filesIn(CHART)) {
      const target = join(copy, relative(CHART, path));
      Deno.mkdirSync(dirname(target), { recursive: true });
      Deno.writeTextFileSync(target, released(Deno.readTextFileSync(path), repository));
    }
    const args = ["package", copy, "--destination", destination];
    const { success, stderr } = await new Deno.Command("helm", { args }).output();
    if (!success) throw new Error(new TextDecoder().decode(stderr));
    return join(destination, `haproxy-reload-wrapper-${denoJson.version}.tgz`);
  } finally {
    Deno.removeSync(copy, { recursive: true });
  }
}

const released = (text: string, repository: string) =>
  text.replaceAll("ghcr.io/OWNER/haproxy-reload-wrapper", `ghcr.io/${repository.toLowerCase()}`)
    .replaceAll("github.com/OWNER/haproxy-reload-wrapper", `github.com/${repository}`)
    .replace(/^( +tag: )"(\d+\.\d+)"$/m, `$1"${denoJson.version}-$2"`);

/** With what links lead to. */
function filesIn(folder: string): string[] {
  return [...Deno.readDirSync(folder)].map(({ name }) => join(folder, name)).flatMap((path) =>
    Deno.statSync(path).isDirectory ? filesIn(path) : [path]
  );
}

if (import.meta.main) console.log(await packageChart(Deno.args[0]!, Deno.args[1]!));
