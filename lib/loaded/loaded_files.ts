/** Tells what HAProxy loads besides its configuration: by the configuration's words, and by what it lists. */
import { stat } from "../system/files.ts";
import { readEnvFile } from "../haproxy/process/env_file_reader.ts";
import { inSteps } from "../system/threads.ts";
import type { FindReferences } from "../watch/scan/scan.ts";
import type { Source } from "../watch/scan/sources.ts";
import type { ListedFile } from "../haproxy/runtime/listing.ts";
import { locate, type Located } from "./locate.ts";
import { MOST_NAMED } from "../config/reference_finder.ts";
import {
  type Bases,
  findListedCertificatesInSteps,
  findNamedFilesInSteps,
  type NamedFile,
  type NamedFiles,
  type SideFileRule,
} from "../config/file_references.ts";
import { type Needs, NO_NEEDS, readNeedsInSteps } from "../config/needs.ts";
import { createTextReader, type TextFile } from "./text_cache.ts";

export interface LoadedFiles {
  /** What the configuration names, with the certificates of its certificate lists. */
  readonly findNamed: FindReferences;
  /** What the configuration needs of the files that are added to it; after the last `findNamed`. */
  needs(): Needs;
  /** Where what a generation lists is, and what can be changed in place, after the last `findNamed`. */
  locate(listed: readonly ListedFile[]): Located;
}

export interface LoadedFilesOptions {
  /** `false`: none is named. */
  readonly watchLoaded: boolean;
  readonly envFile: string | null;
  /** Where HAProxy's relative names start. */
  readonly workingDirectory: string;
  /** The variables that HAProxy inherits. */
  readonly environment: Readonly<Record<string, string | undefined>>;
}

export function createLoadedFiles(options: LoadedFilesOptions): LoadedFiles {
  const readConfigurations = createTextReader();
  const readLists = createTextReader();
  let variables = "";
  let named: NamedFiles = { files: [], sideFiles: NO_SIDE_FILES, bases: new Map() };
  let inLists: readonly NamedFile[] = [];
  let needs = NO_NEEDS;

  /** `true` if the words may mean other files than before. */
  async function readWords(configurations: readonly TextFile[]): Promise<boolean> {
    const environment = await environmentOf(options);
    const areOthers = JSON.stringify(environment) !== variables;
    const texts = await readConfigurations(configurations);
    if (texts === null && !areOthers) return false;
    variables = JSON.stringify(environment);
    const files = texts ?? await textsOf(configurations);
    needs = await inSteps(readNeedsInSteps(files, environment));
    if (options.watchLoaded) {
      named = await inSteps(findNamedFilesInSteps(files, { ...options, environment }));
    }
    return true;
  }

  async function readNamedLists(areOthers: boolean): Promise<void> {
    const lists = named.files.filter(({ role }) => role === "certificate_list");
    const files = await Promise.all(lists.map(({ path }) => fileAt(path)));
    const texts = await readLists(files) ?? (areOthers ? await textsOf(files) : null);
    if (texts === null) return;
    inLists = [];
    for (const [index, text] of texts.entries()) {
      const bases = named.bases.get(lists[index]!.file) ?? NO_BASES;
      const more = await inSteps(findListedCertificatesInSteps(text, bases));
      inLists = [...inLists, ...more].slice(0, MOST_NAMED);
    }
  }

  return {
    async findNamed(configurations) {
      await readNamedLists(await readWords(configurations));
      return [...named.files, ...inLists].slice(0, MOST_NAMED)
        .map((file) => sourceOf(file, named.sideFiles));
    },
    needs: () => needs,
    locate: (listed) =>
      locate(listed, {
        ...options,
        sideFiles: named.sideFiles,
        named: [...named.files, ...inLists],
      }),
  };
}

const NO_SIDE_FILES: SideFileRule = { extensions: [], replacesCrt: false };
const NO_BASES: Bases = { crt: null, key: null, ca: null, directory: "/" };

function sourceOf(named: NamedFile, sideFiles: SideFileRule): Source {
  const { path, keyword, file, line, role } = named;
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
): Promise<LoadedFilesOptions["environment"]> {
  const file = await readEnvFile(envFile);
  return file.tag === "read" ? { ...environment, ...file.variables } : environment;
}

async function fileAt(path: string): Promise<TextFile> {
  return { path, info: await stat(path).catch(() => null) };
}

const textsOf = async (files: readonly TextFile[]) => await createTextReader()(files) ?? [];
