/** Finds what HAProxy loads besides its configuration: from the configuration's text, and from what the process lists. */
import { stat } from "../system/files/files.ts";
import { readEnvFile } from "../haproxy/process/env_file_reader.ts";
import { inSteps } from "../system/threads.ts";
import type { FindReferences } from "../watch/scan/scan.ts";
import type { Source } from "../watch/scan/sources.ts";
import type { ListedFile } from "../haproxy/runtime/listing.ts";
import { locate, type Located } from "./locate.ts";
import { listUses } from "../config/list_uses.ts";
import {
  type FileReference,
  findFileReferences,
  findListedCertificates,
  type FoundReferences,
  MOST_REFERENCES,
} from "../config/file_references.ts";
import { type Needs, NO_NEEDS, readNeeds } from "../config/needs.ts";
import type { Environment } from "../config/tokens.ts";
import { WANTED } from "../config/file_keywords.ts";
import { haveSameNaming, haveSameRest } from "../config/server_lines.ts";
import { serversOf } from "./servers.ts";
import type { ServersTarget } from "./targets.ts";
import type { Fingerprint } from "../watch/scan/fingerprint.ts";
import type { SideFileRule } from "../config/side_files.ts";
import { createTextReader, type ReadText, type TextFile } from "./text_cache.ts";

export interface LoadedFiles {
  /** What the configuration names, including the certificates in its certificate lists. */
  readonly findNamed: FindReferences;
  /** The configuration's files, as of the last `findNamed`. */
  configurations(): readonly string[];
  /** What they hold, as of then. It stays in memory, to tell what has changed. */
  texts(): readonly ReadText[];
  /** The servers of a generation that has read those of `fingerprint`; `null`: nobody knows them. */
  servers(fingerprint: Fingerprint): ServersTarget | null;
  /** What the injected files must contain for the configuration of the last `findNamed`. */
  needs(): Needs;
  /** The certificates that HAProxy obtains itself, as of the last `findNamed`. */
  obtained(): readonly FileReference[];
  /** Where the files that a generation lists are, and which are targets, as of the last `findNamed`. */
  locate(listed: readonly ListedFile[]): Located;
}

export interface LoadedFilesOptions {
  /** `false`: find no named files. */
  readonly watchLoaded: boolean;
  readonly envFile: string | null;
  /** Where HAProxy's relative names start. */
  readonly workingDirectory: string;
  /** The variables that HAProxy inherits. */
  readonly environment: Environment;
}

export function createLoadedFiles(options: LoadedFilesOptions): LoadedFiles {
  const readConfigurations = createTextReader();
  const readLists = createTextReader();
  let environment: Environment = {};
  let found: FoundReferences = {
    files: [],
    sideFiles: { extensions: [], replacesCrt: false },
    bases: new Map(),
    listUsing: [],
  };
  let inLists: readonly FileReference[] = [];
  let needs = NO_NEEDS;
  let texts: readonly ReadText[] = [];
  let paths: readonly string[] = [];

  /** Whether the configuration may name other files than before. */
  async function readConfiguration(configurations: readonly TextFile[]): Promise<boolean> {
    const variables = await environmentOf(options);
    const hasChanged = JSON.stringify(variables) !== JSON.stringify(environment);
    const files = await readConfigurations(configurations, hasChanged);
    if (files === null) return false;
    environment = variables;
    const [before, after] = [textsOf(texts), textsOf(files)];
    texts = files;
    // Reading 5,000 backends takes 80 ms, usually because one server changed, and no need comes from a server line.
    const isSame = !hasChanged && haveSameRest(before, after) &&
      (!options.watchLoaded || haveSameNaming(before, after, WANTED));
    if (isSame) return false;
    needs = await inSteps(readNeeds(files, environment));
    if (options.watchLoaded || needs.obtains) {
      found = await inSteps(findFileReferences(files, { ...options, environment }));
    }
    return true;
  }

  async function readNamedLists(isForced: boolean): Promise<void> {
    const lists = found.files.filter(({ role }) => role === "certificate_list");
    const files = await Promise.all(lists.map(async ({ path }) => (
      { path, info: await stat(path).catch(() => null) }
    )));
    const texts = await readLists(files, isForced);
    if (texts === null) return;
    inLists = [];
    for (const [index, text] of texts.entries()) {
      const more = await inSteps(
        findListedCertificates(text, found.bases.get(lists[index]!.file)!),
      );
      inLists = [...inLists, ...more].slice(0, MOST_REFERENCES);
    }
  }

  return {
    async findNamed(configurations) {
      paths = configurations.map(({ path }) => path);
      await readNamedLists(await readConfiguration(configurations));
      if (!options.watchLoaded) return [];
      return [...found.files, ...inLists].slice(0, MOST_REFERENCES)
        .map((reference) => sourceOf(reference, found.sideFiles));
    },
    configurations: () => paths,
    texts: () => texts,
    servers: (fingerprint) => serversOf(texts, { environment, fingerprint }),
    needs: () => needs,
    obtained: () => needs.obtains ? [...found.files, ...inLists].filter(isObtained) : [],
    locate: (listed) =>
      locate(listed, {
        references: [...found.files, ...inLists],
        sideFiles: found.sideFiles,
        listUses: listUses(found.listUsing, found.bases),
        workingDirectory: options.workingDirectory,
      }),
  };
}

const textsOf = (files: readonly ReadText[]) => files.map(({ text }) => text);

const isObtained = (reference: FileReference) => reference.isObtained;

function sourceOf(
  { path, keyword, file, line, role }: FileReference,
  sideFiles: SideFileRule,
): Source {
  const hasSideFiles = role === "certificate" && keyword !== "load";
  return {
    kind: "loaded",
    path,
    foundBy: `${keyword} in "${file}" line ${line}`,
    ...hasSideFiles ? { sideFiles } : {},
    ...role === "certificate_list" ? { namesFiles: true } : {},
  };
}

async function environmentOf(
  { envFile, environment }: LoadedFilesOptions,
): Promise<Environment> {
  const file = await readEnvFile(envFile);
  return file.tag === "read" ? { ...environment, ...file.variables } : environment;
}
